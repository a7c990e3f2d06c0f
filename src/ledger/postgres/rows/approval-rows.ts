import { type ApprovalTexts, fromApprovalTexts, toApprovalTexts } from '../../approvals/stored-approval.ts'
import type { Approval } from '../../records.ts'
import { integer, type Ms, optional, optionalInstant, present, toInstant, toMs, toMsOrNull } from '../../row-values.ts'
import { toBytes } from './bytes.ts'
import { tableWriter } from './table-spec.ts'

/** A row of `SELECT_APPROVAL`. */
export interface ApprovalRow extends ApprovalTexts {
  readonly row_id: number
  readonly id: string
  readonly grant_id: string | null
  readonly plan_hash: string
  readonly requested_at: number
  readonly expires_at: number
  readonly decided_by: string | null
  readonly decided_at: Ms
  readonly note: string | null
  readonly uses: number | null
  readonly reuse_of: string | null
  readonly version: number
}

/** Approvals, with the alias `a`. */
export const SELECT_APPROVAL = `SELECT a.n AS row_id, a.id, g.id AS grant_id, encode(a.plan_hash, 'hex') AS plan_hash, a.requirements,
  a.quorum, a.votes, a.voided, a.state, a.exact_state, a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.note, a.uses, a.reuse_of, a.version
  FROM approvals a LEFT JOIN grants g ON g.id = a.grant_id`

/** @throws {Error} for a row whose grant is missing, or that holds an impossible value */
export function toApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    grantId: present(row.grant_id, 'grant'),
    planHash: row.plan_hash,
    ...fromApprovalTexts(row),
    requestedAt: toInstant(row.requested_at),
    expiresAt: toInstant(row.expires_at),
    ...optional('decidedBy', row.decided_by),
    ...optionalInstant('decidedAt', row.decided_at),
    ...optional('note', row.note),
    ...(row.uses === null ? {} : { uses: integer(row.uses) }),
    ...(row.reuse_of === null ? {} : { reuseOf: row.reuse_of }),
    version: integer(row.version),
  }
}

/** Writes approvals. */
export const approvalWriter = tableWriter<Approval>('approvals', 'id', [
  { name: 'id', type: 'text', of: ({ id }) => id, fixed: true },
  { name: 'grant_id', type: 'text', of: ({ grantId }) => grantId, fixed: true },
  { name: 'plan_hash', type: 'bytea', of: ({ planHash }) => toBytes(planHash), fixed: true },
  { name: 'requirements', type: 'text', of: (approval) => toApprovalTexts(approval).requirements, fixed: true },
  { name: 'quorum', type: 'text', of: (approval) => toApprovalTexts(approval).quorum, fixed: true },
  { name: 'votes', type: 'text', of: (approval) => toApprovalTexts(approval).votes },
  { name: 'voided', type: 'text', of: (approval) => toApprovalTexts(approval).voided },
  { name: 'state', type: 'text', of: (approval) => toApprovalTexts(approval).state },
  { name: 'exact_state', type: 'text', of: (approval) => toApprovalTexts(approval).exact_state },
  { name: 'requested_at', type: 'bigint', of: ({ requestedAt }) => toMs(requestedAt), fixed: true },
  { name: 'expires_at', type: 'bigint', of: ({ expiresAt }) => toMs(expiresAt), fixed: true },
  { name: 'decided_by', type: 'text', of: ({ decidedBy = null }) => decidedBy },
  { name: 'decided_at', type: 'bigint', of: ({ decidedAt }) => toMsOrNull(decidedAt) },
  { name: 'note', type: 'text', of: ({ note = null }) => note },
  { name: 'uses', type: 'integer', of: ({ uses = null }) => uses },
  { name: 'reuse_of', type: 'text', of: ({ reuseOf = null }) => reuseOf, fixed: true },
  { name: 'version', type: 'bigint', of: ({ version }) => version },
])
