import { StintError } from '../../core/errors.ts'
import { isId } from '../../core/ids.ts'
import { inputError } from '../../core/input-error.ts'
import { HOLD_SCOPES, type HoldScope } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { matchProblem } from '../../registry/agent-match.ts'

/** The scopes of a kill: every scope of a hold, and a lease, which is killed with its grant. */
export const KILL_SCOPES = ['lease', ...HOLD_SCOPES] as const
/** One of `KILL_SCOPES`. */
export type KillScopeKind = (typeof KILL_SCOPES)[number]

/** A scope as somebody asks for it. */
export interface KillWish {
  readonly scope: KillScopeKind
  /** Missing, or `*`, for everything. */
  readonly value?: string | undefined
}

/** A scope that a hold can have, and the lease that was asked for where its grant is killed. */
export interface KillScope {
  readonly scope: HoldScope
  readonly asked?: string
}

const NAME = /^[^\s\p{C}]{1,256}$/u
const WORDS = /^[^\p{C}]{1,256}$/u

/** Says what is wrong with the value of a scope; undefined: nothing. */
const PROBLEMS: { readonly [Kind in KillScopeKind]: (value: string) => string | undefined } = {
  lease: (value) => (isId('lse', value) ? undefined : 'must be the id of a lease: lse_ and 26 characters'),
  grant: (value) => (isId('grt', value) ? undefined : 'must be the id of a grant: grt_ and 26 characters'),
  agent: agentProblem,
  owner: words,
  team: words,
  trust_domain: (value) => expect(/^[a-z0-9._-]{1,255}$/, value, 'must be a trust domain such as example.org'),
  issuer: (value) => expect(/^[a-z0-9-]{1,64}$/, value, 'must be the alias of an issuer in identity.oidc'),
  role: (value) => expect(/^arn:[a-z-]+:iam::\d{12}:role\/\S+$/, value, 'must be the ARN of a role'),
  account: (value) => expect(/^\d{12}$/, value, 'must be an account id of 12 digits'),
  label: words,
  everything: (value) => expect(/^\*$/, value, 'must be *, or left out'),
}

/**
 * The scope that a hold has for a wish; that of a lease is its grant, since only that can be denied as a whole.
 *
 * @throws {StintError} REQUEST_INVALID; GRANT_NOT_FOUND, NOT_FOUND for a lease
 */
export async function resolveScope(ledger: Pick<Ledger, 'getLease' | 'getGrant'>, wish: KillWish): Promise<KillScope> {
  const scope = readScope(wish)
  if (scope.kind === 'lease') {
    const lease = await ledger.getLease(scope.value)
    if (!lease) throw new StintError('NOT_FOUND', { explanation: 'No lease has this id.', lease: scope.value })
    return { scope: { kind: 'grant', value: lease.grantId }, asked: scope.value }
  }
  return { scope: { kind: scope.kind, value: scope.value } }
}

/** Checks a wish by itself. @throws {StintError} REQUEST_INVALID */
export function readScope({ scope: kind, value: given }: KillWish): { kind: KillScopeKind; value: string } {
  const value = given ?? (kind === 'everything' ? '*' : '')
  const message = PROBLEMS[kind](value)
  if (message) throw inputError([{ field: 'value', code: 'REQUEST_INVALID', message }])
  return { kind, value }
}

/** A registration is named too, and the name of one may be anything. */
function agentProblem(value: string): string | undefined {
  if (!value.includes(':')) return expect(NAME, value, 'must be a SPIFFE ID, a subject, or the name of a registration')
  return matchProblem(value)
}

function words(value: string): string | undefined {
  return expect(WORDS, value, 'must be 1 to 256 characters of plain text, exactly as the registration or label has it')
}

function expect(pattern: RegExp, value: string, message: string): string | undefined {
  return pattern.test(value) ? undefined : message
}
