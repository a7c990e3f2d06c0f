import { asStintError } from '../../core/errors.ts'
import { KILL_SCOPES, type KillScopeKind, readScope } from './kill-scope.ts'
import type { KillOrder } from './set-kill.ts'

/** The lines of a break-glass file: orders, and what is wrong with the lines that are none. */
export interface KillFile {
  readonly orders: readonly KillOrder[]
  /** A sentence each, with the number of the line. */
  readonly problems: readonly string[]
}

/** A file longer than that is a mistake; it kills what its first lines name. */
const MAX_LINES = 1_000
const WHY = 'named in the break-glass file'
/** A scope, its value, which is in double quotes if it has blanks, and why. */
const LINE = /^(\S+)(?:\s+(?:"([^"]*)"(?=\s|$)|(\S+)))?(?:\s+(.*))?$/

/**
 * Reads a break-glass file: one scope a line, its value, and why. Empty lines and lines that begin with `#` are left out; a line that
 * is none keeps no other from counting. A value with blanks is in double quotes.
 *
 * ```text
 * agent spiffe://example.org/ci/deploy it deletes buckets
 * team "Data Platform"
 * everything
 * ```
 */
export function parseKillFile(text: string): KillFile {
  const orders: KillOrder[] = []
  const problems: string[] = []
  const lines = text.trimEnd().split('\n')
  if (lines.length > MAX_LINES) problems.push(`Lines after line ${MAX_LINES} are not read: kill a wider scope instead.`)
  for (const [index, line] of lines.slice(0, MAX_LINES).entries()) {
    const [, scope = '', quoted, bare, why = ''] = LINE.exec(line.trim()) ?? []
    const value = quoted ?? bare
    if (scope === '' || scope.startsWith('#')) continue
    const problem = readLine(scope, value)
    if (typeof problem === 'string') problems.push(`Line ${index + 1}: ${problem}`)
    else orders.push({ ...problem, why: why.slice(0, 500) || WHY })
  }
  return { orders, problems }
}

function readLine(scope: string, value: string | undefined): string | Pick<KillOrder, 'scope' | 'value'> {
  if (!(KILL_SCOPES as readonly string[]).includes(scope))
    return `${JSON.stringify(scope.slice(0, 40))} is not a scope; use one of ${KILL_SCOPES.join(', ')}.`
  if (value?.startsWith('"')) return 'the value has a double quote that is not closed.'
  // Whoever writes why everything is killed need not write the * before it.
  const kind = scope as KillScopeKind
  const given = kind === 'everything' ? '*' : value
  try {
    readScope({ scope: kind, value: given })
  } catch (error) {
    return asStintError(error).message
  }
  return { scope: kind, value: given }
}
