import { LEASE_STATES, type Lease, type LeaseEnd, type LeaseState } from '../../records.ts'
import { integer, knownState, type Ms, present, toInstant, toMs, toMsOrNull } from '../../row-values.ts'
import { tableWriter } from './table-spec.ts'

/** A row of `SELECT_LEASE`. */
export interface LeaseRow {
  readonly id: string
  /** Null when its grant is not there. */
  readonly grant_id: string | null
  readonly number: number
  readonly role_arn: string
  readonly session_name: string
  readonly state: LeaseState
  readonly ended_by: LeaseEnd | null
  readonly not_after: number
  readonly intended_at: number
  readonly replica: string | null
  readonly mint_until: Ms
  readonly issued_at: Ms
  readonly ended_at: Ms
  readonly access_key_id: string | null
  readonly outcome_unknown: boolean
}

/** Leases, with the alias `l`. */
export const SELECT_LEASE = `SELECT l.id, g.id AS grant_id, l.number, l.role_arn, l.session_name, l.state, l.ended_by, l.not_after,
  l.intended_at, l.replica, l.mint_until, l.issued_at, l.ended_at, l.access_key_id, l.outcome_unknown
  FROM leases l LEFT JOIN grants g ON g.id = l.grant_id`

/** @throws {Error} for a row whose grant is missing, or that holds an impossible value */
export function toLease(row: LeaseRow): Lease {
  const lease: { -readonly [Key in keyof Lease]: Lease[Key] } = {
    id: row.id,
    grantId: present(row.grant_id, 'grant'),
    number: integer(row.number),
    roleArn: row.role_arn,
    sessionName: row.session_name,
    state: knownState(row.state, LEASE_STATES),
    notAfter: toInstant(row.not_after),
    intendedAt: toInstant(row.intended_at),
  }
  if (row.replica !== null) lease.replica = row.replica
  if (row.mint_until !== null) lease.mintUntil = toInstant(row.mint_until)
  if (row.ended_by !== null) lease.end = row.ended_by
  if (row.issued_at !== null) lease.issuedAt = toInstant(row.issued_at)
  if (row.ended_at !== null) lease.endedAt = toInstant(row.ended_at)
  if (row.access_key_id !== null) lease.accessKeyId = row.access_key_id
  if (row.outcome_unknown) lease.outcomeUnknown = true
  return lease
}

/** Writes leases. */
export const leaseWriter = tableWriter<Lease>('leases', 'id', [
  { name: 'id', type: 'text', of: ({ id }) => id, fixed: true },
  { name: 'grant_id', type: 'text', of: ({ grantId }) => grantId, fixed: true },
  { name: 'number', type: 'integer', of: ({ number }) => number, fixed: true },
  { name: 'role_arn', type: 'text', of: ({ roleArn }) => roleArn, fixed: true },
  { name: 'session_name', type: 'text', of: ({ sessionName }) => sessionName, fixed: true },
  { name: 'state', type: 'text', of: ({ state }) => state },
  { name: 'ended_by', type: 'text', of: ({ end = null }) => end },
  { name: 'not_after', type: 'bigint', of: ({ notAfter }) => toMs(notAfter), fixed: true },
  { name: 'intended_at', type: 'bigint', of: ({ intendedAt }) => toMs(intendedAt), fixed: true },
  { name: 'replica', type: 'text', of: ({ replica = null }) => replica, fixed: true },
  { name: 'mint_until', type: 'bigint', of: ({ mintUntil }) => toMsOrNull(mintUntil), fixed: true },
  { name: 'issued_at', type: 'bigint', of: ({ issuedAt }) => toMsOrNull(issuedAt) },
  { name: 'ended_at', type: 'bigint', of: ({ endedAt }) => toMsOrNull(endedAt) },
  { name: 'access_key_id', type: 'text', of: ({ accessKeyId = null }) => accessKeyId },
  { name: 'outcome_unknown', type: 'boolean', of: ({ outcomeUnknown = false }) => outcomeUnknown },
])
