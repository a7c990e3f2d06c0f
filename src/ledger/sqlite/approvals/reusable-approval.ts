import type { ReuseReads } from '../../approvals/reuse-reads.ts'
import type { ReusableApproval } from '../../rules/reuse-rules.ts'
import { type ApprovalRow, SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import type { SqliteStore } from '../sqlite-store.ts'

/** See `ReuseReads.findReusable`. */
export function findReusable(
  store: SqliteStore,
  { subject, planHash, givenAfter }: Parameters<ReuseReads['findReusable']>[0],
): ReusableApproval | undefined {
  const subjectTextId = store.texts.findId(subject)
  if (subjectTextId === undefined) return undefined
  const row = store.db.get<ApprovalRow>(
    `${SELECT_APPROVAL} WHERE a.plan_hash = ? AND a.decided_at > ? AND a.state = 'approved' AND a.reuse_of IS NULL
       AND g.subject_n = ? ORDER BY a.decided_at DESC, a.n DESC LIMIT 1`,
    Buffer.from(planHash, 'hex'),
    givenAfter.getTime(),
    subjectTextId,
  )
  if (!row) return undefined
  const rows = store.db.all<GrantRow>(
    `${SELECT_GRANT} WHERE g.n = ?1 OR g.n IN (SELECT grant_n FROM approvals WHERE reuse_of = ?2)`,
    row.grant_row_id,
    row.id,
  )
  return { approval: store.approval(row), grants: rows.map((found) => store.grant(found)) }
}
