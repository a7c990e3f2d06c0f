import type { Activity__Output } from '../contract/gen/stint/v1/Activity.ts'
import type { Decision as WireDecision } from '../contract/gen/stint/v1/Decision.ts'
import type { Grant as WireGrant } from '../contract/gen/stint/v1/Grant.ts'
import type { GrantState__Output, GrantState as WireState } from '../contract/gen/stint/v1/GrantState.ts'
import type { Lease as WireLease } from '../contract/gen/stint/v1/Lease.ts'
import type { Plan as WirePlan } from '../contract/gen/stint/v1/Plan.ts'
import type { Task__Output } from '../contract/gen/stint/v1/Task.ts'
import { fromTimestamp, toOptionalTimestamp, toTimestamp } from '../contract/timestamp.ts'
import { StintError } from '../core/errors.ts'
import type { GrantView, RevealedLease } from '../grants/grant-view.ts'
import type { Activity } from '../grants/services.ts'
import { GRANT_STATES, type GrantState } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import type { Task } from '../plan/task.ts'
import type { Decision } from '../policy/decision.ts'

const MAX_NOTE = 500
const MAX_ACTIVITIES = 100

/** The task as the planner wants it; what is wrong with it is the planner's to say. */
export function taskFromWire(task: Task__Output | null): unknown {
  if (!task) return undefined
  const { purpose, roleArn, access, ttlSeconds, reference } = task
  const entries = access.map(({ actions, resources }) => ({ actions, resources }))
  return { purpose, roleArn, access: entries, ttlSeconds, ...(reference ? { reference } : {}) }
}

/** @throws {StintError} REQUEST_INVALID */
export function noteFromWire(note: string): string {
  if (note.length <= MAX_NOTE) return note
  throw new StintError('REQUEST_INVALID', {
    explanation: `The note has ${note.length} characters and may have ${MAX_NOTE}.`,
  })
}

/** @returns undefined for "any state". @throws {StintError} REQUEST_INVALID for a number that is no state */
export function stateFromWire(state: GrantState__Output): GrantState | undefined {
  if (state === 'GRANT_STATE_UNSPECIFIED') return undefined
  const known = GRANT_STATES.find((candidate) => wireState(candidate) === state)
  if (known) return known
  throw new StintError('REQUEST_INVALID', { explanation: 'The state is none of the states of a grant.' })
}

/** @throws {StintError} REQUEST_INVALID */
export function activitiesFromWire(activities: readonly Activity__Output[]): Activity[] {
  if (activities.length === 0 || activities.length > MAX_ACTIVITIES) {
    throw new StintError('REQUEST_INVALID', {
      explanation: `There are ${activities.length} activities; 1 to ${MAX_ACTIVITIES} are taken.`,
    })
  }
  return activities.map(({ at, action, resource, note }, index) => {
    const instant = fromTimestamp(at)
    const problem =
      (!instant && 'has no valid time') ||
      ((action.length === 0 || action.length > 128) && 'needs an action of at most 128 characters') ||
      (resource.length > 2_048 && 'has a resource of more than 2048 characters') ||
      (note.length > MAX_NOTE && `has a note of more than ${MAX_NOTE} characters`)
    if (!instant || problem)
      throw new StintError('REQUEST_INVALID', { explanation: `The entry activities[${index}] ${problem}.` })
    return { at: instant, action, resource, note }
  })
}

export function grantToWire({ grant, approval, renewAfter }: GrantView): WireGrant {
  return {
    id: grant.id,
    state: wireState(grant.state),
    reason: grant.reason ?? '',
    subject: grant.subject,
    roleArn: grant.roleArn,
    purpose: grant.purpose,
    planHash: grant.planHash,
    decision: decisionToWire(grant.decision),
    requestedAt: toTimestamp(grant.requestedAt),
    deadline: toOptionalTimestamp(grant.deadline),
    effectiveBy: toOptionalTimestamp(grant.effectiveBy),
    endedAt: toOptionalTimestamp(grant.endedAt),
    leaseCount: grant.leaseCount,
    approvalId: approval?.id ?? '',
    approvalExpiresAt: toOptionalTimestamp(approval?.expiresAt),
    renewAfter: toOptionalTimestamp(renewAfter),
  }
}

/** The one place where credentials are written into a message. */
export function leaseToWire({ lease, usableUntil, credentials }: RevealedLease): WireLease {
  return {
    id: lease.id,
    number: lease.number,
    notAfter: toTimestamp(lease.notAfter),
    usableUntil: toTimestamp(usableUntil),
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey.reveal(),
      sessionToken: credentials.sessionToken.reveal(),
    },
  }
}

export function planToWire(plan: Plan): WirePlan {
  const { blastRadius } = plan
  return {
    hash: plan.hash,
    task: taskToWire(plan.task),
    pairs: plan.pairs.map((pair) => ({
      action: pair.action,
      resource: pair.resource,
      actionClass: pair.class,
      flags: [...pair.flags],
      within: [...pair.within],
      touches: [...pair.touches],
    })),
    sessionPolicy: plan.sessionPolicy,
    sessionPolicyCharacters: plan.sessionPolicyCharacters,
    blastRadius: {
      actions: blastRadius.actions,
      resourcePatterns: blastRadius.resourcePatterns,
      byClass: { ...blastRadius.byClass },
      byLabel: { ...blastRadius.byLabel },
      outlives: blastRadius.outlives.map((entry) => ({ ...entry })),
      unknown: [...blastRadius.unknown],
    },
  }
}

export function decisionToWire(decision: Decision): WireDecision {
  return {
    outcome: decision.outcome,
    determiningPolicies: [...decision.determiningPolicies],
    failedPairs: decision.failedPairs.map((pair) => ({ ...pair, policies: [...pair.policies] })),
    approval: decision.approval.map(({ anyOf, because }) => ({ anyOf: [...anyOf], because: [...because] })),
    policySetHash: decision.policySetHash,
  }
}

function taskToWire({ purpose, roleArn, access, ttlSeconds, reference }: Task) {
  const entries = access.map(({ actions, resources }) => ({ actions: [...actions], resources: [...resources] }))
  return { purpose, roleArn, access: entries, ttlSeconds, reference: reference ?? '' }
}

function wireState(state: GrantState): WireState & string {
  return `GRANT_STATE_${state.toUpperCase()}` as WireState & string
}
