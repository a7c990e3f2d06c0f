import type { AuthMethod } from '../../../identity/caller-identity.ts'
import type { UnregisteredAttempt } from '../../records.ts'
import { integer, toInstant } from '../../row-values.ts'

/** A row of `SELECT_UNREGISTERED`. */
export interface UnregisteredRow {
  row_id: number
  subject: string
  trust_domain: string
  auth_method: AuthMethod
  reason: UnregisteredAttempt['reason']
  first_seen_at: number
  last_seen_at: number
  count: number
}

/** An attempt with its row number. */
export const SELECT_UNREGISTERED = `SELECT n AS row_id, subject, trust_domain, auth_method, reason, first_seen_at, last_seen_at, count
  FROM unregistered`

/** @throws {Error} for a damaged row */
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
