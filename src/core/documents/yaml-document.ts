import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { type ErrorCode, StintError } from '../errors.ts'
import type { z } from './schema.ts'

/** Something wrong with a file. */
export interface FileProblem {
  readonly file: string
  /** From 1; absent where no place of the file is to blame, such as for a value from the environment. */
  readonly line?: number
  /** From 1. */
  readonly column?: number
  /** e.g. `agents.2.expires`; '' for the file as a whole. */
  readonly path: string
  /** The rest of a sentence that begins with the path. */
  readonly message: string
}

/** A text in YAML, and the error that its problems become. */
export interface YamlSource {
  /** As problems name it. */
  readonly file: string
  readonly text: string
  /** Aliases that are followed. Default 0: a file must not grow by aliases of aliases. */
  readonly maxAliases?: number
  /** Values come from elsewhere too: a path that the file lacks has no place. Default false: it is the file's beginning. */
  readonly isOverlaid?: boolean
  readonly toError: (problems: readonly FileProblem[], cause?: unknown) => Error
}

type Path = readonly PropertyKey[]

/** The one reader of YAML that people write: strict, one document, no key twice, every problem with line and column. */
export class YamlDocument {
  readonly value: unknown
  readonly #source: YamlSource
  readonly #document: Document
  readonly #lines: LineCounter

  private constructor(source: YamlSource, document: Document, lines: LineCounter, value: unknown) {
    this.#source = source
    this.#document = document
    this.#lines = lines
    this.value = value
  }

  /** @throws what `toError` makes of the problems, if the text is not YAML. */
  static parse(source: YamlSource): YamlDocument {
    const { file, text, maxAliases = 0, toError } = source
    const lines = new LineCounter()
    const whole = (message: string, cause: unknown) => toError([{ file, line: 1, column: 1, path: '', message }], cause)
    let document: Document
    try {
      document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false })
    } catch (error) {
      throw whole(isStackOverflow(error) ? TOO_DEEP : 'The file is not YAML that can be read.', error)
    }
    const found = [...document.errors, ...document.warnings]
    const overflow = found.find(isStackOverflow)
    if (overflow) throw whole(TOO_DEEP, overflow)
    if (found.length > 0)
      throw toError(
        found.map(({ message, pos }) => {
          const { line, col: column } = lines.linePos(pos[0])
          return { file, line, column, path: '', message }
        }),
        found[0],
      )
    try {
      return new YamlDocument(source, document, lines, document.toJS({ maxAliasCount: maxAliases }))
    } catch (error) {
      if (isStackOverflow(error)) throw whole(TOO_DEEP, error)
      const why = error instanceof Error && maxAliases > 0 ? error.message : 'YAML aliases are not supported'
      throw whole(`${why}; write the values out.`, error)
    }
  }

  /** The value, checked. @throws what `toError` makes of the problems */
  check<S extends z.ZodType>(schema: S): z.output<S> {
    const parsed = schema.safeParse(this.value)
    if (parsed.success) return parsed.data
    throw this.error(parsed.error.issues)
  }

  /** The error for problems of the value. */
  error(problems: readonly { readonly path: Path; readonly message: string }[], cause?: unknown): Error {
    return this.#source.toError(
      problems.map(({ path, message }) => this.problem(path, message)),
      cause,
    )
  }

  /** A problem at its place: that of the innermost part of the path that the file has. */
  problem(path: Path, message: string): FileProblem {
    return { file: this.#source.file, ...this.#findPlace(path), path: path.map(String).join('.'), message }
  }

  #findPlace(path: Path): { line: number; column: number } | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const start = this.#nodeAt(path.slice(0, length))?.range?.[0]
      if (start === undefined) continue
      const { line, col: column } = this.#lines.linePos(start)
      return { line, column }
    }
    return this.#source.isOverlaid ? undefined : { line: 1, column: 1 }
  }

  /** A scalar itself; of a collection that has a key, the key, which is where a reader looks. */
  #nodeAt(path: Path): Node | undefined {
    const value = this.#document.getIn(path, true)
    if (!isNode(value) || isScalar(value)) return isNode(value) ? value : undefined
    const parent = path.length > 1 ? this.#document.getIn(path.slice(0, -1), true) : this.#document.contents
    const key = isMap(parent) && parent.items.find((pair) => isScalar(pair.key) && pair.key.value === path.at(-1))?.key
    return isNode(key) ? key : value
  }
}

/** `file:line:column: path message`, as compilers write it. */
function fileProblemText({ file, line, column, path, message }: FileProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`
  return `${place}: ${path ? `${path} ` : ''}${message}`
}

const TOO_DEEP = 'The document is nested too deep to be read; it needs fewer levels.'

/** The parser recurses. On a document that is nested thousands deep it runs out of stack, and throws that or lists it. */
function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Maximum call stack size exceeded')
}

const MAX_LISTED = 100

/** The first hundred problems, for `details` of an error: a broken file can have one on each line. */
export function listedProblems(problems: readonly FileProblem[]) {
  return problems.slice(0, MAX_LISTED).map((problem) => ({ ...problem }))
}

/** The first hundred problems as texts, and how many more there are. */
export function fileProblemTexts(problems: readonly FileProblem[]): string[] {
  const texts = problems.slice(0, MAX_LISTED).map(fileProblemText)
  const more = problems.length - texts.length
  return more > 0 ? [...texts, `and ${more} more ${more === 1 ? 'problem' : 'problems'}`] : texts
}

/** For `toError`: an error of this code that says the first problem; `details.problems` has the first hundred. */
export function fileError(code: ErrorCode): YamlSource['toError'] {
  return (problems, cause) => {
    const [first] = problems
    const text = first ? fileProblemText(first) : ''
    return new StintError(
      code,
      {
        explanation: problems.length > 1 ? `${problems.length} problems, the first at ${text}` : text,
        problems: listedProblems(problems),
      },
      cause,
    )
  }
}
