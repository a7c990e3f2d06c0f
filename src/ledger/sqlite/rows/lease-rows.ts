import { idBody } from '../../../core/ids.ts'
import { LEASE_STATES, type Lease, type LeaseEnd, type LeaseState } from '../../records.ts'
import { integer, knownState, type Ms, present, toInstant } from '../../row-values.ts'
import type { InternedTexts } from '../database/interned-texts.ts'

/** A row of `SELECT_LEASE`. */
export interface LeaseRow {
  row_id: number
  id: string
  grant_row_id: number
  grant_id: string | null
  number: number
  role_text_id: number
  session_name: string | null
  replica_text_id: number | null
  mint_until: Ms
  state: LeaseState
  ended_by: LeaseEnd | null
  not_after: number
  intended_at: number
  issued_at: Ms
  ended_at: Ms
  access_key_id: string | null
  outcome_unknown: number | null
}

/** A lease row with the id of its grant. */
export const SELECT_LEASE = `SELECT l.n AS row_id, l.id, l.grant_n AS grant_row_id, g.id AS grant_id, l.number, l.role_n AS role_text_id,
  l.session_name, l.replica_n AS replica_text_id, l.mint_until, l.state, l.ended_by, l.not_after, l.intended_at, l.issued_at, l.ended_at, l.access_key_id, l.outcome_unknown
  FROM leases l LEFT JOIN grants g ON g.n = l.grant_n`

/** @throws {Error} for a damaged row */
export function toLease(row: LeaseRow, texts: InternedTexts): Lease {
  const grantId = present(row.grant_id, 'grant')
  const number = integer(row.number)
  const lease: { -readonly [Key in keyof Lease]: Lease[Key] } = {
    id: row.id,
    grantId,
    number,
    roleArn: texts.getText(row.role_text_id),
    // Before names were on record, every session was named so.
    sessionName: row.session_name ?? `${idBody(grantId)}.${number}`,
    state: knownState(row.state, LEASE_STATES),
    notAfter: toInstant(row.not_after),
    intendedAt: toInstant(row.intended_at),
  }
  if (row.replica_text_id !== null) lease.replica = texts.getText(row.replica_text_id)
  if (row.mint_until !== null) lease.mintUntil = toInstant(row.mint_until)
  if (row.ended_by !== null) lease.end = row.ended_by
  if (row.issued_at !== null) lease.issuedAt = toInstant(row.issued_at)
  if (row.ended_at !== null) lease.endedAt = toInstant(row.ended_at)
  if (row.access_key_id !== null) lease.accessKeyId = row.access_key_id
  if (row.outcome_unknown !== null) lease.outcomeUnknown = true
  return lease
}
