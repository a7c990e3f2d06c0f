import type { Decision } from '../../../policy/decision.ts'
import { GRANT_STATES, type Grant, type GrantAuthMethod, type GrantState } from '../../records.ts'
import { integer, knownState, type Ms, toInstant, toMs, toMsOrNull } from '../../row-values.ts'
import { fromStoredClaim, toStoredDeadline } from '../../rules/claim-rules.ts'
import { fromStoredState, toStoredReason, toStoredState } from '../../stored-states.ts'
import { toBytes } from './bytes.ts'
import { hashDecision } from './documents.ts'
import { tableWriter } from './table-spec.ts'

/** A row of `SELECT_GRANT`. */
export interface GrantRow {
  readonly row_id: number
  readonly id: string
  readonly subject: string
  readonly trust_domain: string
  readonly auth_method: string
  readonly registration: string
  readonly owner: string
  readonly team: string
  readonly role_arn: string
  readonly plan_hash: string
  readonly decision_hash: string
  /** Null when the decision is not there. */
  readonly decision_body: string | null
  readonly idempotency_key: string
  readonly task_hash: string
  readonly purpose: string
  readonly state: GrantState
  readonly reason: string | null
  readonly requested_at: number
  readonly active_at: Ms
  readonly deadline: Ms
  readonly claim_by: Ms
  readonly effective_by: Ms
  readonly ended_at: Ms
  readonly due_at: Ms
  readonly lease_count: number
  readonly version: number
}

/** A grant with its decision. */
export const SELECT_GRANT = `SELECT g.n AS row_id, g.id, g.subject, g.trust_domain, g.auth_method, g.registration, g.owner, g.team,
  g.role_arn, encode(g.plan_hash, 'hex') AS plan_hash, encode(g.decision_hash, 'hex') AS decision_hash, d.body AS decision_body,
  g.idempotency_key, encode(g.task_hash, 'hex') AS task_hash, g.purpose, g.state, g.reason, g.requested_at, g.active_at,
  g.deadline, g.claim_by, g.effective_by, g.ended_at, g.due_at, g.lease_count, g.version
  FROM grants g LEFT JOIN decisions d ON d.hash = g.decision_hash`

/** Filled in step by step rather than by spreads: the sweeper makes tens of thousands of these a second. */
export function toGrant(row: GrantRow, decision: Decision): Grant {
  const { state, reason } = fromStoredState(knownState(row.state, GRANT_STATES), row.reason)
  const grant: { -readonly [Key in keyof Grant]: Grant[Key] } = {
    id: row.id,
    subject: row.subject,
    trustDomain: row.trust_domain,
    authMethod: row.auth_method as GrantAuthMethod,
    registration: row.registration,
    owner: row.owner,
    team: row.team,
    idempotencyKey: row.idempotency_key,
    taskHash: row.task_hash,
    planHash: row.plan_hash,
    roleArn: row.role_arn,
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

/** Writes grants. */
export const grantWriter = tableWriter<Grant>('grants', 'id', [
  { name: 'id', type: 'text', of: ({ id }) => id, fixed: true },
  { name: 'subject', type: 'text', of: ({ subject }) => subject, fixed: true },
  { name: 'trust_domain', type: 'text', of: ({ trustDomain }) => trustDomain, fixed: true },
  { name: 'auth_method', type: 'text', of: ({ authMethod }) => authMethod, fixed: true },
  { name: 'registration', type: 'text', of: ({ registration }) => registration, fixed: true },
  { name: 'owner', type: 'text', of: ({ owner }) => owner, fixed: true },
  { name: 'team', type: 'text', of: ({ team }) => team, fixed: true },
  { name: 'role_arn', type: 'text', of: ({ roleArn }) => roleArn, fixed: true },
  { name: 'plan_hash', type: 'bytea', of: ({ planHash }) => toBytes(planHash), fixed: true },
  { name: 'decision_hash', type: 'bytea', of: ({ decision }) => toBytes(hashDecision(decision)), fixed: true },
  { name: 'idempotency_key', type: 'text', of: ({ idempotencyKey }) => idempotencyKey, fixed: true },
  { name: 'task_hash', type: 'bytea', of: ({ taskHash }) => toBytes(taskHash), fixed: true },
  { name: 'purpose', type: 'text', of: ({ purpose }) => purpose, fixed: true },
  { name: 'state', type: 'text', of: ({ state }) => toStoredState(state) },
  { name: 'reason', type: 'text', of: toStoredReason },
  { name: 'requested_at', type: 'bigint', of: ({ requestedAt }) => toMs(requestedAt), fixed: true },
  { name: 'active_at', type: 'bigint', of: ({ activeAt }) => toMsOrNull(activeAt) },
  { name: 'deadline', type: 'bigint', of: (grant) => toMsOrNull(toStoredDeadline(grant)) },
  { name: 'claim_by', type: 'bigint', of: ({ claimBy }) => toMsOrNull(claimBy) },
  { name: 'effective_by', type: 'bigint', of: ({ effectiveBy }) => toMsOrNull(effectiveBy) },
  { name: 'ended_at', type: 'bigint', of: ({ endedAt }) => toMsOrNull(endedAt) },
  { name: 'due_at', type: 'bigint', of: ({ dueAt }) => toMsOrNull(dueAt) },
  { name: 'lease_count', type: 'integer', of: ({ leaseCount }) => leaseCount },
  { name: 'version', type: 'bigint', of: ({ version }) => version },
])
