import { type ApprovalTexts, fromApprovalTexts } from '../../approvals/stored-approval.ts'
import type { Approval } from '../../records.ts'
import { integer, type Ms, optionalInstant, present, toHex, toInstant } from '../../row-values.ts'

/** A row of `SELECT_APPROVAL`. */
export interface ApprovalRow extends ApprovalTexts {
  row_id: number
  id: string
  grant_row_id: number
  grant_id: string | null
  plan_hash: Uint8Array
  requested_at: number
  expires_at: number
  decided_by: string | null
  decided_at: Ms
  note: string | null
  uses: number | null
  reuse_of: string | null
  version: number
}

/** An approval row with the id of its grant. */
export const SELECT_APPROVAL = `SELECT a.n AS row_id, a.id, a.grant_n AS grant_row_id, g.id AS grant_id, a.plan_hash, a.requirements,
  a.quorum, a.votes, a.voided, a.state, a.exact_state, a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.note, a.uses, a.reuse_of,
  a.version FROM approvals a LEFT JOIN grants g ON g.n = a.grant_n`

/** @throws {Error} for a damaged row */
export function toApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    grantId: present(row.grant_id, 'grant'),
    planHash: toHex(row.plan_hash),
    ...fromApprovalTexts(row),
    requestedAt: toInstant(row.requested_at),
    expiresAt: toInstant(row.expires_at),
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...optionalInstant('decidedAt', row.decided_at),
    ...(row.note === null ? {} : { note: row.note }),
    ...(row.uses === null ? {} : { uses: integer(row.uses) }),
    ...(row.reuse_of === null ? {} : { reuseOf: row.reuse_of }),
    version: integer(row.version),
  }
}
