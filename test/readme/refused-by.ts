import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StintError } from '../../src/core/errors.ts'
import { CHECKOUT } from './reader.ts'

/** How a case was refused. */
export interface Refusal {
  readonly code: string
  /** The failed check or the broken rule; '' where the code says it all. */
  readonly check: string
  /** The file below `src/` and the function that refused, without its line. */
  readonly by: string
}

/** Functions that only make an error for the one that throws it. */
const MAKERS = new Set(
  readdirSync(join(CHECKOUT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(CHECKOUT, 'src', name), 'utf8').matchAll(MAKER())])
    .map(([, name = '']) => name),
)

/** @throws what is no refusal by a code of ours. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof StintError)) throw error
  const { check, rule, problems } = error.details
  const [first] = Array.isArray(problems) ? (problems as { path?: string }[]) : []
  return {
    code: error.code,
    check: String(check ?? rule ?? first?.path ?? ''),
    by: refusedBy(innermost(error).stack ?? ''),
  }
}

/** Runs what must be refused, with a stack that is long enough to find by what. */
export async function refused(act: () => unknown): Promise<Refusal> {
  const usual = Error.stackTraceLimit
  Error.stackTraceLimit = 60
  try {
    await act()
  } catch (error) {
    return refusalOf(error)
  } finally {
    Error.stackTraceLimit = usual
  }
  throw new Error('a case that must be refused was accepted')
}

/** Where one part hands on what another has refused, the other. */
function innermost(error: StintError): StintError {
  return error.cause instanceof StintError ? innermost(error.cause) : error
}

/** The topmost frame of ours that is no maker of errors; a function without a name counts to the one around it. */
function refusedBy(stack: string): string {
  for (const line of stack.split('\n')) {
    const [, called = '', file] =
      /^ +at (?:async )?(?:(?:new )?([^\s(]+)[^(]*\()?.*\/(src\/[\w./-]+\.ts)/.exec(line) ?? []
    const name = called.replace(/^(Module|Object)\./, '').replace(/\.<anonymous>$/, '')
    if (!file || name === '' || /^(Array|Map|Set)\./.test(name) || MAKERS.has(name) || file === 'src/core/errors.ts')
      continue
    return `${file} ${name}`
  }
  throw new Error(`no function of ours in the stack:\n${stack}`)
}

function MAKER(): RegExp {
  return /function (\w+)\([^{}]*?\): StintError \{/g
}
