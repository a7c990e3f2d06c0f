import type { AuthMethod } from '../../../identity/caller-identity.ts'
import type { TokenUse } from '../../ledger.ts'
import type { UnregisteredAttempt } from '../../records.ts'
import { integer, type Ms, toInstant, toMs } from '../../row-values.ts'
import { tableWriter } from './table-spec.ts'

/** A row of `SELECT_UNREGISTERED`. */
export interface UnregisteredRow {
  readonly row_id: number
  readonly subject: string
  readonly trust_domain: string
  readonly auth_method: AuthMethod
  readonly reason: UnregisteredAttempt['reason']
  readonly first_seen_at: number
  readonly last_seen_at: number
  readonly count: number
}

/** Identities that asked without a registration, with the alias `u`. */
export const SELECT_UNREGISTERED = `SELECT u.n AS row_id, u.subject, u.trust_domain, u.auth_method, u.reason, u.first_seen_at,
  u.last_seen_at, u.count FROM unregistered u`

/** @throws {Error} for a row that holds an impossible value */
export function toUnregistered(row: UnregisteredRow): UnregisteredAttempt {
  return {
    subject: row.subject,
    trustDomain: row.trust_domain,
    authMethod: row.auth_method,
    reason: row.reason,
    firstSeenAt: toInstant(row.first_seen_at),
    lastSeenAt: toInstant(row.last_seen_at),
    count: integer(row.count),
  }
}

/** Writes identities that asked without a registration. */
export const unregisteredWriter = tableWriter<UnregisteredAttempt>('unregistered', 'subject', [
  { name: 'subject', type: 'text', of: ({ subject }) => subject, fixed: true },
  { name: 'trust_domain', type: 'text', of: ({ trustDomain }) => trustDomain },
  { name: 'auth_method', type: 'text', of: ({ authMethod }) => authMethod },
  { name: 'reason', type: 'text', of: ({ reason }) => reason },
  { name: 'first_seen_at', type: 'bigint', of: ({ firstSeenAt }) => toMs(firstSeenAt) },
  { name: 'last_seen_at', type: 'bigint', of: ({ lastSeenAt }) => toMs(lastSeenAt) },
  { name: 'count', type: 'bigint', of: ({ count }) => count },
])

/** A connection that tokens are bound to. */
export interface ConnectionRow {
  readonly id: string
  readonly replica: string
  readonly bound_at: number
  readonly closed_at: Ms
  /** Its replica is open: it would tell of the connection's end. */
  readonly is_live: boolean
}

/** Connections, with the alias `c`. */
export const SELECT_CONNECTION = `SELECT c.id, c.replica, c.bound_at, c.closed_at,
  EXISTS (SELECT 1 FROM replicas r WHERE r.id = c.replica AND r.closed_at IS NULL) AS is_live FROM connections c`

/** Writes connections. */
export const connectionWriter = tableWriter<ConnectionRow>('connections', 'id', [
  { name: 'id', type: 'text', of: ({ id }) => id, fixed: true },
  { name: 'replica', type: 'text', of: ({ replica }) => replica, fixed: true },
  { name: 'bound_at', type: 'bigint', of: ({ bound_at }) => bound_at, fixed: true },
  { name: 'closed_at', type: 'bigint', of: ({ closed_at }) => closed_at },
])

/** A bearer token, bound to a connection, a grant and a lease. */
export interface TokenRow {
  readonly key: string
  readonly until: number
  readonly connection_id: string | null
  readonly moves: number
  readonly grant_id: string
  readonly lease_id: string | null
  readonly used_by: TokenUse['by']
}

/** Tokens, with the alias `t`. */
export const SELECT_TOKEN =
  'SELECT t.key, t.until, t.connection_id, t.moves, t.grant_id, t.lease_id, t.used_by FROM tokens t'

/** Writes tokens. */
export const tokenWriter = tableWriter<TokenRow>('tokens', 'key', [
  { name: 'key', type: 'text', of: ({ key }) => key, fixed: true },
  { name: 'until', type: 'bigint', of: ({ until }) => until },
  { name: 'connection_id', type: 'text', of: ({ connection_id }) => connection_id },
  { name: 'moves', type: 'integer', of: ({ moves }) => moves },
  { name: 'grant_id', type: 'text', of: ({ grant_id }) => grant_id },
  { name: 'lease_id', type: 'text', of: ({ lease_id }) => lease_id },
  { name: 'used_by', type: 'text', of: ({ used_by }) => used_by },
])
