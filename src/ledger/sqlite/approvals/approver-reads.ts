import { type ApprovedGrant, PAST_LOOKED_AT, type PastOf } from '../../approvals/approver-reads.ts'
import { type ApprovalRow, SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import type { SqliteStore } from '../sqlite-store.ts'

/** The grants of an agent, or of a role: both have an index by time. */
const WALKED = { agent: 'subject_n', role: 'role_n' } as const
/** Then told apart row by row. */
const MATCHED = { agent: 'role_n', role: 'registration_n' } as const

/** See `ApproverReads.findLastApproved`. */
export function findLastApproved(store: SqliteStore, past: PastOf): ApprovedGrant | undefined {
  const { texts } = store
  const [subject, role, registration] = [past.subject, past.roleArn, past.registration].map((text) =>
    texts.findId(text),
  )
  if (role === undefined) return undefined
  const ofAgent = subject === undefined ? undefined : newest(store, past, 'agent', [subject, role])
  if (ofAgent || registration === undefined) return ofAgent
  return newest(store, past, 'role', [role, registration])
}

/** See `ApproverReads.firstRequestedAt`. */
export function firstRequestedAt({ db, texts }: SqliteStore, subject: string): Date | undefined {
  const textId = texts.findId(subject)
  if (textId === undefined) return undefined
  const text = 'SELECT requested_at FROM grants WHERE subject_n = ? ORDER BY requested_at LIMIT 1'
  const row = db.get<{ requested_at: number }>(text, textId)
  return row && new Date(row.requested_at)
}

function newest(
  store: SqliteStore,
  { id, requestedAt }: PastOf,
  way: keyof typeof WALKED,
  [walked, matched]: readonly [number, number],
): ApprovedGrant | undefined {
  const found = store.db.get<{ row_id: number }>(
    `SELECT w.n AS row_id FROM (
       SELECT n, id, ${MATCHED[way]} AS matched, requested_at FROM grants
       WHERE ${WALKED[way]} = ? AND requested_at <= ? ORDER BY requested_at DESC, n DESC LIMIT ${PAST_LOOKED_AT}
     ) w JOIN approvals a ON a.grant_n = w.n
     WHERE w.matched = ? AND w.id <> ? AND a.state = 'approved' ORDER BY w.requested_at DESC, w.n DESC LIMIT 1`,
    walked,
    requestedAt.getTime(),
    matched,
    id,
  )
  const grant = found && store.db.get<GrantRow>(`${SELECT_GRANT} WHERE g.n = ?`, found.row_id)
  const approval = found && store.db.get<ApprovalRow>(`${SELECT_APPROVAL} WHERE a.grant_n = ?`, found.row_id)
  return grant && approval && { grant: store.grant(grant), approval: store.approval(approval) }
}
