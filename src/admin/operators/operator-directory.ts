import { timingSafeEqual } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { Operator } from '../../grants/operators/operator.ts'
import { type OperatorRow, operatorRowSchema } from '../../grants/operators/operator.ts'
import { operatorTokenHash, operatorTokenId } from './operator-tokens.ts'

/** A token lives 90 days at most. */
export const MAX_TOKEN_LIFE_MS = 90 * 86_400_000

/** The people who may call the admin API. */
export interface OperatorDirectory {
  /**
   * The operator that an `Authorization` header proves.
   *
   * @throws {StintError} OPERATOR_UNKNOWN; `details.reason` is `missing`, `malformed`, `unknown` or `expired`,
   *   `details.tokenId` the public part of a well-formed token.
   */
  authenticate(authorization: string | undefined): Operator
  /** Operators with a token that has not expired, each once. */
  current(now: Date): readonly Operator[]
}

/**
 * Builds the directory from the rows of the configuration, all or nothing.
 *
 * @throws {StintError} CONFIG_INVALID with every problem in `details.problems`.
 */
export function createOperatorDirectory(input: { rows: readonly unknown[]; clock: Clock }): OperatorDirectory {
  const entries = readRows(input.rows, input.clock.now()).map(({ tokenSha256, expiresAt, ...operator }) => ({
    hash: Buffer.from(tokenSha256, 'hex'),
    expiresAt,
    operator: operator satisfies Operator,
  }))
  return {
    authenticate(authorization) {
      const token = bearerToken(authorization)
      const tokenId = operatorTokenId(token)
      if (tokenId === undefined) {
        throw unknown('malformed', 'A token must be stint_, 12 characters, _ and 49 more; the last six are a checksum.')
      }
      const hash = Buffer.from(operatorTokenHash(token), 'hex')
      // Every row is compared, in constant time, so that the time taken does not tell which row was near.
      const [entry] = entries.filter((row) => timingSafeEqual(row.hash, hash))
      if (!entry) throw unknown('unknown', 'No operator has this token.', tokenId)
      if (entry.expiresAt <= input.clock.now()) {
        throw unknown(
          'expired',
          `This token expired at ${entry.expiresAt.toISOString()}; an admin must create a new one.`,
          tokenId,
        )
      }
      return entry.operator
    },
    current: (now) => currentOperators(entries, now),
  }
}

/** Operators whose token has not expired, each once: a person who changes tokens has two rows. */
export function currentOperators(
  rows: readonly { readonly operator: Operator; readonly expiresAt: Date }[],
  now: Date,
): Operator[] {
  const current = rows.filter(({ expiresAt }) => expiresAt > now)
  return [...new Map(current.map(({ operator }) => [operator.name.toLowerCase(), operator])).values()]
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') {
    throw unknown('missing', 'Send the header Authorization: Bearer with an operator token.')
  }
  const [, token] = /^Bearer +(\S{1,128})$/i.exec(authorization) ?? []
  if (token === undefined) throw unknown('malformed', 'The Authorization header must be Bearer and one operator token.')
  return token
}

function unknown(reason: string, explanation: string, tokenId?: string): StintError {
  return new StintError('OPERATOR_UNKNOWN', { explanation, reason, ...(tokenId === undefined ? {} : { tokenId }) })
}

function readRows(rows: readonly unknown[], now: Date): OperatorRow[] {
  const problems: { path: string; message: string }[] = []
  const good = rows.flatMap((row, index) => {
    const read = operatorRowSchema.safeParse(row)
    if (read.success) return [{ index, row: read.data }]
    for (const issue of read.error.issues) {
      problems.push({ path: ['operators', index, ...issue.path].join('.'), message: issue.message })
    }
    return []
  })
  const byHash = new Set<string>()
  const byName = new Map<string, OperatorRow>()
  for (const { index, row } of good) {
    const refuse = (key: string, message: string) => problems.push({ path: `operators.${index}.${key}`, message })
    if (row.expiresAt.getTime() - now.getTime() > MAX_TOKEN_LIFE_MS) {
      refuse('expiresAt', 'must be at most 90 days from now')
    }
    if (byHash.has(row.tokenSha256)) refuse('tokenSha256', 'is already used by another row')
    byHash.add(row.tokenSha256)
    // Two spellings of one name would be two people on record, and one of them not bound by the other's subjects.
    const twin = byName.get(row.name.toLowerCase())
    if (twin && !samePerson(twin, row))
      refuse('name', 'has another row with a different spelling, role, groups or subjects')
    byName.set(row.name.toLowerCase(), row)
  }
  if (problems.length === 0) return good.map(({ row }) => row)
  throw new StintError('CONFIG_INVALID', {
    explanation: `The operators cannot be used: ${problems.map(({ path, message }) => `${path} ${message}`).join('; ')}.`,
    problems: problems as unknown as Json,
  })
}

function samePerson(one: OperatorRow, other: OperatorRow): boolean {
  const { tokenSha256: _a, expiresAt: _b, ...left } = one
  const { tokenSha256: _c, expiresAt: _d, ...right } = other
  return isDeepStrictEqual(left, right)
}
