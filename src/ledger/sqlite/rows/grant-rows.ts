import type { Decision } from '../../../policy/decision.ts'
import { GRANT_STATES, type Grant, type GrantAuthMethod, type GrantState } from '../../records.ts'
import { integer, knownState, type Ms, present, toHex, toInstant } from '../../row-values.ts'
import { fromStoredClaim } from '../../rules/claim-rules.ts'
import { fromStoredState } from '../../stored-states.ts'
import type { InternedTexts } from '../database/interned-texts.ts'

/** A row of `SELECT_GRANT`. */
export interface GrantRow {
  row_id: number
  id: string
  subject_text_id: number
  trust_domain_text_id: number
  auth_method_text_id: number
  registration_text_id: number
  owner_text_id: number
  team_text_id: number
  role_text_id: number
  plan_row_id: number
  decision_row_id: number
  plan_hash: Uint8Array | null
  idempotency_key: string
  task_hash: Uint8Array
  purpose: string
  state: GrantState
  reason: string | null
  requested_at: number
  active_at: Ms
  deadline: Ms
  claim_by: Ms
  effective_by: Ms
  ended_at: Ms
  due_at: Ms
  lease_count: number
  version: number
}

/** A grant row with what is read along with it. */
export const SELECT_GRANT = `SELECT g.n AS row_id, g.id, g.subject_n AS subject_text_id, g.trust_domain_n AS trust_domain_text_id,
  g.auth_method_n AS auth_method_text_id, g.registration_n AS registration_text_id, g.owner_n AS owner_text_id,
  g.team_n AS team_text_id, g.role_n AS role_text_id, g.plan_n AS plan_row_id, g.decision_n AS decision_row_id,
  p.hash AS plan_hash, g.idempotency_key, g.task_hash, g.purpose, g.state, g.reason, g.requested_at, g.active_at,
  g.deadline, g.claim_by, g.effective_by, g.ended_at, g.due_at, g.lease_count, g.version
  FROM grants g LEFT JOIN plans p ON p.n = g.plan_n`

/**
 * Filled in step by step rather than by spreads: the sweeper makes tens of thousands of these a second.
 *
 * @throws {Error} for a damaged row
 */
export function toGrant(row: GrantRow, texts: InternedTexts, decision: Decision): Grant {
  const { state, reason } = fromStoredState(knownState(row.state, GRANT_STATES), row.reason)
  const grant: { -readonly [Key in keyof Grant]: Grant[Key] } = {
    id: row.id,
    subject: texts.getText(row.subject_text_id),
    trustDomain: texts.getText(row.trust_domain_text_id),
    authMethod: texts.getText(row.auth_method_text_id) as GrantAuthMethod,
    registration: texts.getText(row.registration_text_id),
    owner: texts.getText(row.owner_text_id),
    team: texts.getText(row.team_text_id),
    idempotencyKey: row.idempotency_key,
    taskHash: toHex(row.task_hash),
    planHash: toHex(present(row.plan_hash, 'plan')),
    roleArn: texts.getText(row.role_text_id),
    purpose: row.purpose,
    state,
    decision,
    requestedAt: toInstant(row.requested_at),
    leaseCount: integer(row.lease_count),
    version: integer(row.version),
  }
  if (reason !== undefined) grant.reason = reason
  if (row.active_at !== null) grant.activeAt = toInstant(row.active_at)
  if (row.claim_by !== null) Object.assign(grant, fromStoredClaim(toClaimRow(row)))
  else if (row.deadline !== null) grant.deadline = toInstant(row.deadline)
  if (row.effective_by !== null) grant.effectiveBy = toInstant(row.effective_by)
  if (row.ended_at !== null) grant.endedAt = toInstant(row.ended_at)
  if (row.due_at !== null) grant.dueAt = toInstant(row.due_at)
  return grant
}

function toClaimRow(row: Pick<GrantRow, 'claim_by' | 'deadline' | 'active_at' | 'lease_count'>) {
  const [claimBy, deadline, activeAt] = [row.claim_by, row.deadline, row.active_at].map((ms) =>
    ms === null ? undefined : toInstant(ms),
  )
  return { claimBy, deadline, activeAt, leaseCount: row.lease_count }
}
