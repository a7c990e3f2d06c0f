import { CommanderError, Command as Parser } from 'commander'
import { type FileProblem, fileProblemTexts } from '../core/documents/yaml-document.ts'
import { asStintError, ERROR_CATALOG, StintError } from '../core/errors.ts'
import { readInputProblems } from '../core/input-error.ts'
import { EXIT, toExitCode } from './exit-codes.ts'
import { visible } from './visible.ts'

/** A stream that commands write to; `isTTY` and `columns` as Node's have them. */
type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
type InputStream = NodeJS.ReadableStream & { readonly isTTY?: boolean }

/** All that a command knows of the world. */
export interface CommandIo {
  /** The arguments after the command's name. */
  readonly argv: readonly string[]
  readonly stdin: InputStream
  /** Data only. */
  readonly stdout: OutputStream
  /** Everything said to a person. */
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Listens for a signal to this process; the returned function stops that. Left out where there are none, e.g. in tests. */
  readonly onSignal?: (signal: NodeJS.Signals, handler: () => void) => () => void
  /** The Node that runs this, where the command is the whole process. */
  readonly node?: {
    /** Its options of the command line. */
    readonly flags: readonly string[]
    /** Starts the process anew with more options, keeping its id; does nothing where the system cannot. */
    readonly restart: (moreFlags: readonly string[]) => void
  }
}

/** A command of `stint`; resolves with the exit code. */
export type RunCommand = (io: CommandIo) => Promise<number>

/** Thrown for wrong use of a command: its text goes to stderr, the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * Parses with commander and runs the action that `build` set up, turning every outcome into an exit code.
 *
 * @param build declares options and subcommands; actions set the exit code with `done`, 0 if they don't.
 */
export async function runParser(
  name: string,
  io: CommandIo,
  build: (parser: Parser, done: (exitCode: number) => void) => void,
): Promise<number> {
  let exitCode: number = EXIT.ok
  const parser = new Parser(`stint ${name}`)
  applyIo(parser, io)
  build(parser, (code) => {
    exitCode = code
  })
  for (const child of parser.commands) applyIo(child, io)
  try {
    await parser.parseAsync([...io.argv], { from: 'user' })
    return exitCode
  } catch (error) {
    return report(error, io)
  }
}

/** Says what went wrong, on stderr, and what to exit with. */
export function report(error: unknown, { stderr }: Pick<CommandIo, 'stderr'>): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof UsageError) {
    stderr.write(`stint: ${visible(error.message)}\n`)
    return EXIT.usage
  }
  const known = asStintError(error)
  const [first = '', ...more] = explanationLines(known)
  stderr.write(`stint: ${known.code}: ${visible(first)}\n`)
  for (const line of [...more, ...detailLines(known)]) stderr.write(`  ${visible(line)}\n`)
  return toExitCode(known)
}

function applyIo(parser: Parser, io: CommandIo): void {
  parser.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text.replace(/^error: /, 'stint: ')),
  })
}

/** Several mistakes have one line each, and so has a bad configuration; elsewhere a line end comes from somebody else. */
function explanationLines({ code, details }: StintError): string[] {
  const { explanation = ERROR_CATALOG[code].title } = details
  const problems = readInputProblems(details)
  if (problems.length > 1) {
    const omitted = Number(details.omittedErrors ?? 0)
    const more = omitted > 0 ? [`and ${omitted} more`] : []
    return [`${ERROR_CATALOG[code].title}:`, ...problems.map(({ field, message }) => `${field} ${message}`), ...more]
  }
  if (code === 'CONFIG_INVALID') return explanation.split('\n')
  return [explanation, ...fileProblemTexts(fileProblems(details)).slice(1)]
}

/** Problems of a file, each with its place; the explanation has the first one. */
function fileProblems({ problems }: StintError['details']): FileProblem[] {
  if (!Array.isArray(problems)) return []
  return problems.filter((problem) => typeof problem === 'object' && problem !== null && 'file' in problem) as never[]
}

function detailLines({ details, cause }: StintError): string[] {
  const { explanation, problems, errors: _, omittedErrors: __, ...others } = details
  const rest = problems === undefined || fileProblems(details).length > 0 ? others : { ...others, problems }
  const lines = Object.entries(rest).map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${key}: ${text}`
  })
  const isBare = explanation === undefined && !(cause instanceof StintError) && cause instanceof Error
  return isBare ? [...lines, `cause: ${cause.message}`] : lines
}
