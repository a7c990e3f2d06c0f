import { type ApprovedGrant, PAST_LOOKED_AT, type PastOf } from '../../approvals/approver-reads.ts'
import type { ReadPool } from '../database/read-pool.ts'
import type { Value } from '../database/statement.ts'
import { type ApprovalRow, SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import type { RowReader } from '../working-set/row-reader.ts'

/** The grants of an agent, or of a role, which have an index by time each; then told apart row by row. */
const WAYS = {
  agent: { walked: 'subject', matched: 'role_arn' },
  role: { walked: 'role_arn', matched: 'registration' },
} as const

interface Tools {
  readonly reads: Pick<ReadPool, 'read'>
  readonly reader: RowReader
}

/** See `ApproverReads.findLastApproved`. */
export async function findLastApproved(tools: Tools, past: PastOf): Promise<ApprovedGrant | undefined> {
  const ofAgent = await newest(tools, past, 'agent', [past.subject, past.roleArn])
  return ofAgent ?? newest(tools, past, 'role', [past.roleArn, past.registration])
}

/** See `ApproverReads.firstRequestedAt`. */
export async function firstRequestedAt(tools: Tools, subject: string): Promise<Date | undefined> {
  const text = 'SELECT requested_at FROM grants WHERE subject = $1 ORDER BY requested_at, n LIMIT 1'
  const [row] = await select<{ requested_at: number }>(tools, 'first-requested', text, [subject])
  return row && new Date(row.requested_at)
}

async function newest(
  tools: Tools,
  { id, requestedAt }: PastOf,
  way: keyof typeof WAYS,
  values: readonly [string, string],
): Promise<ApprovedGrant | undefined> {
  const { walked, matched } = WAYS[way]
  const text = `SELECT w.id FROM (
      SELECT g.n, g.id, g.${matched} AS matched, g.requested_at FROM grants g
      WHERE g.${walked} = $1 AND g.requested_at <= $2::bigint ORDER BY g.requested_at DESC, g.n DESC LIMIT ${PAST_LOOKED_AT}
    ) w JOIN approvals a ON a.grant_id = w.id
    WHERE w.matched = $3 AND w.id <> $4 AND a.state = 'approved' ORDER BY w.requested_at DESC, w.n DESC LIMIT 1`
  const named = [values[0], requestedAt.getTime(), values[1], id]
  const [found] = await select<{ id: string }>(tools, `last-approved-of-${way}`, text, named)
  if (!found) return undefined
  const [grants = [], approvals = []] = await tools.reads.read([
    { name: 'grant', text: `${SELECT_GRANT} WHERE g.id = $1`, values: [found.id] },
    { name: 'approval-of', text: `${SELECT_APPROVAL} WHERE a.grant_id = $1`, values: [found.id] },
  ])
  const [grant, approval] = [grants[0] as unknown as GrantRow | undefined, approvals[0] as unknown as ApprovalRow]
  return grant && approval && { grant: tools.reader.grant(grant), approval: tools.reader.approval(approval) }
}

async function select<Row>({ reads }: Tools, name: string, text: string, values: Value[]): Promise<Row[]> {
  const [rows = []] = await reads.read([{ name, text, values }])
  return rows as unknown as Row[]
}
