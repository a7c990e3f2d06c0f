import type { ReuseReads } from '../../approvals/reuse-reads.ts'
import type { ReusableApproval } from '../../rules/reuse-rules.ts'
import type { ReadPool } from '../database/read-pool.ts'
import { type ApprovalRow, SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import type { RowReader } from '../working-set/row-reader.ts'

/** See `ReuseReads.findReusable`. */
export async function findReusable(
  { reads, reader }: { readonly reads: Pick<ReadPool, 'read'>; readonly reader: RowReader },
  { subject, planHash, givenAfter }: Parameters<ReuseReads['findReusable']>[0],
): Promise<ReusableApproval | undefined> {
  const text = `${SELECT_APPROVAL} WHERE a.plan_hash = decode($1, 'hex') AND a.decided_at > $2::bigint AND a.state = 'approved'
    AND a.reuse_of IS NULL AND g.subject = $3 ORDER BY a.decided_at DESC, a.n DESC LIMIT 1`
  const [found = []] = await reads.read([{ name: 'reusable', text, values: [planHash, givenAfter.getTime(), subject] }])
  const row = found[0] as unknown as ApprovalRow | undefined
  if (!row) return undefined
  const ofAll = `${SELECT_GRANT} WHERE g.id = $1 OR g.id IN (SELECT r.grant_id FROM approvals r WHERE r.reuse_of = $2)`
  const [rows = []] = await reads.read([{ name: 'resting-on', text: ofAll, values: [row.grant_id, row.id] }])
  return {
    approval: reader.approval(row),
    grants: (rows as unknown as GrantRow[]).map((one) => reader.grant(one)),
  }
}
