import { droppedFields } from '../contract/broker.ts'
import type { Activity__Output } from '../contract/gen/stint/v1/Activity.ts'
import type { Change__Output } from '../contract/gen/stint/v1/Change.ts'
import type { Decision as WireDecision } from '../contract/gen/stint/v1/Decision.ts'
import type { Grant as WireGrant } from '../contract/gen/stint/v1/Grant.ts'
import type { GrantState__Output, GrantState as WireState } from '../contract/gen/stint/v1/GrantState.ts'
import type { Lease as WireLease } from '../contract/gen/stint/v1/Lease.ts'
import type { Plan as WirePlan } from '../contract/gen/stint/v1/Plan.ts'
import type { PlanReach as WireReach } from '../contract/gen/stint/v1/PlanReach.ts'
import type { Task__Output } from '../contract/gen/stint/v1/Task.ts'
import { fromTimestamp, toOptionalTimestamp, toTimestamp } from '../contract/timestamp.ts'
import type { UnknownField } from '../contract/unknown-fields.ts'
import type { StintError } from '../core/errors.ts'
import { inputError } from '../core/input-error.ts'
import { nameProblem, type ReadableText, readText } from '../core/text/readable-text.ts'
import type { IssuedCredentials } from '../credentials/provider.ts'
import type { RevealedLease } from '../grants/mint-lease.ts'
import type { GrantView } from '../grants/read-grants.ts'
import type { Activity } from '../grants/report-activity.ts'
import { GRANT_STATES, type GrantState } from '../ledger/records.ts'
import type { DeclaredChange } from '../plan/declared-change.ts'
import type { Plan, PlanPair, PlanWarning } from '../plan/plan.ts'
import type { PlanReach } from '../plan/reach/reach-record.ts'
import type { Task } from '../plan/task.ts'
import { copyFailedPair, type Decision } from '../policy/decision.ts'

const MAX_NOTE = 500
const MAX_ACTIVITIES = 100
const DEFAULT_PAGE = 50
const MAX_PAGE = 200

/**
 * The task as the planner takes it. The planner judges its values.
 *
 * @throws {StintError} REQUEST_INVALID for a request with fields that this version does not know: a task without them may be a
 *   wider one than was declared.
 */
export function taskFromWire(request: { readonly task: Task__Output | null }): unknown {
  const dropped = droppedFields(request)
  if (dropped.length > 0) throw refusedFields(dropped.map(unknownField))
  const { task } = request
  if (!task) return undefined
  const { purpose, roleArn = '', access, ttlSeconds, reference, strict, change } = task
  const entries = access.map(({ actions, resources, conditions }) => {
    return { actions, resources, ...(conditions.length > 0 && { conditions }) }
  })
  const changed = change && { change: withoutEmptyTexts(change) }
  const rest = { ...(reference ? { reference } : {}), ...(strict && { strict }), ...changed }
  return { purpose, roleArn, access: entries, ttlSeconds, ...rest }
}

function withoutEmptyTexts({ artifactSha256, reference, ...change }: Change__Output) {
  return { ...change, ...(artifactSha256 && { artifactSha256 }), ...(reference && { reference }) }
}

/** @throws {StintError} REQUEST_INVALID */
export function noteFromWire(note: string): string {
  const read = readNote(note)
  if ('text' in read) return read.text
  throw refusedFields([['note', read.problem]])
}

/** @returns undefined for "any state". @throws {StintError} REQUEST_INVALID for a number that is no state */
export function stateFromWire(state: GrantState__Output): GrantState | undefined {
  if (state === 'GRANT_STATE_UNSPECIFIED') return undefined
  const known = GRANT_STATES.find((candidate) => wireState(candidate) === state)
  if (known) return known
  throw refusedFields([['state', 'must be a value of GrantState']])
}

/** @returns how many; 50 for 0. @throws {StintError} REQUEST_INVALID */
export function pageSizeFromWire(pageSize: number): number {
  if (pageSize <= MAX_PAGE) return pageSize || DEFAULT_PAGE
  throw refusedFields([['pageSize', `must be between 0 and ${MAX_PAGE} (got ${pageSize})`]])
}

/** @throws {StintError} REQUEST_INVALID with all that is wrong with all of them */
export function activitiesFromWire(activities: readonly Activity__Output[]): Activity[] {
  const count = activities.length
  if (count === 0 || count > MAX_ACTIVITIES) {
    throw refusedFields([['activities', `must have between 1 and ${MAX_ACTIVITIES} entries (got ${count})`]])
  }
  const problems: FieldProblem[] = []
  const read = activities.flatMap(({ at, action, resource, note }, index) => {
    const refuse = (field: keyof Activity, problem: string | undefined) => {
      if (problem !== undefined) problems.push([`activities[${index}].${field}`, problem])
    }
    const instant = fromTimestamp(at)
    refuse('at', instant ? undefined : 'must be a valid date and time')
    refuse('action', action === '' ? 'is missing' : (overLong(action, 128) ?? nameProblem(action)))
    refuse('resource', overLong(resource, 2_048) ?? nameProblem(resource))
    const read = readNote(note)
    if ('problem' in read) refuse('note', read.problem)
    return instant && 'text' in read ? [{ at: instant, action, resource, note: read.text }] : []
  })
  if (problems.length > 0) throw refusedFields(problems)
  return read
}

function unknownField({ path, number }: UnknownField): FieldProblem {
  const message = `has field ${number}, which this broker does not know: the broker is older than the client; upgrade it, or leave the field out`
  return [path || 'request', message]
}

type FieldProblem = readonly [field: string, message: string]

function refusedFields(problems: readonly FieldProblem[]): StintError {
  return inputError(problems.map(([field, message]) => ({ field, message, code: 'REQUEST_INVALID' })))
}

function readNote(note: string): ReadableText {
  const problem = overLong(note, MAX_NOTE)
  return problem === undefined ? readText(note, { lines: true }) : { problem }
}

function overLong(text: string, max: number): string | undefined {
  return text.length > max ? `must have at most ${max} characters (got ${text.length})` : undefined
}

/** A grant as its message; what is not known is empty or absent. */
export function grantToWire({ grant, approval, voided, renewAfter }: GrantView): WireGrant {
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
    claimBy: toOptionalTimestamp(grant.claimBy),
    voidedBecause: [...(voided?.changes ?? [])],
  }
}

/** The one place where credentials are written into a message. */
export function leaseToWire({ lease, usableUntil, credentials }: RevealedLease): WireLease {
  return {
    id: lease.id,
    number: lease.number,
    notAfter: toTimestamp(lease.notAfter),
    usableUntil: toTimestamp(usableUntil),
    ...credentialsToWire(credentials),
  }
}

function credentialsToWire(credentials: IssuedCredentials): Pick<WireLease, 'aws'> {
  switch (credentials.kind) {
    case 'aws':
      return {
        aws: {
          accessKeyId: credentials.accessKeyId,
          secretAccessKey: credentials.secretAccessKey.reveal(),
          sessionToken: credentials.sessionToken.reveal(),
        },
      }
  }
}

/**
 * A plan as its message, the session policy as JSON text.
 *
 * @param warnings that change with time, beside the plan's own.
 */
export function planToWire(plan: Plan, warnings: readonly PlanWarning[] = []): WirePlan {
  const { blastRadius } = plan
  return {
    hash: plan.hash,
    subject: plan.subject,
    task: taskToWire(plan.task),
    pairs: plan.pairs.map((pair) => ({
      action: pair.action,
      resource: pair.resource,
      actionClass: pair.class,
      flags: [...pair.flags],
      within: [...pair.within],
      touches: [...pair.touches],
      conditions: conditionsToWire(pair.conditions),
    })),
    sessionPolicy: plan.sessionPolicy,
    sessionPolicyCharacters: plan.sessionPolicyCharacters,
    labelMarks: Object.entries(plan.labelMarks ?? {}).map(([label, marks]) => ({ label, marks: [...marks] })),
    blastRadius: {
      actions: blastRadius.actions,
      resourcePatterns: blastRadius.resourcePatterns,
      byClass: { ...blastRadius.byClass },
      byLabel: { ...blastRadius.byLabel },
      outlives: blastRadius.outlives.map((entry) => ({ ...entry })),
      unknown: [...blastRadius.unknown],
      byCondition: { ...blastRadius.byCondition },
    },
    warnings: [...(plan.warnings ?? []), ...warnings].map((warning) => ({ ...warning })),
    dropped: (plan.dropped ?? []).map((row) => ({ ...row, actions: [...row.actions] })),
    ...(plan.reach && { reach: reachToWire(plan.reach) }),
    onward: (plan.onward ?? []).map((step) => ({ ...step })),
  }
}

/** The result alone: the role's policies themselves are for operators. */
function reachToWire({ yes, no, yesIf, byClass, byLabel, limited, unknown }: PlanReach): WireReach {
  return {
    yes,
    no,
    yesIf,
    byClass: { ...byClass },
    byLabel: { ...byLabel },
    limited: limited.map((row) => ({
      pair: row.pair,
      verdict: row.verdict,
      reason: row.reason ?? '',
      within: [...(row.within ?? [])],
      except: [...(row.except ?? [])],
      conditionKeys: [...new Set((row.conditions ?? []).map(({ key }) => key))],
      more: row.more === true,
    })),
    unknown: [...unknown],
  }
}

/** A policy decision as its message. */
export function decisionToWire(decision: Decision): WireDecision {
  return {
    outcome: decision.outcome,
    determiningPolicies: [...decision.determiningPolicies],
    failedPairs: decision.failedPairs.map(copyFailedPair),
    approval: decision.approval.map(({ anyOf, count = 1, because }) => ({
      anyOf: [...anyOf],
      because: [...because],
      count,
    })),
    policySetHash: decision.policySetHash,
    waivers: (decision.waivers ?? []).map((waiver) => ({ ...waiver, because: [...waiver.because] })),
  }
}

function taskToWire({ purpose, roleArn, access, ttlSeconds, reference, strict, change }: Task) {
  const entries = access.map(({ actions, resources, conditions }) => {
    return { actions: [...actions], resources: [...resources], conditions: conditionsToWire(conditions) }
  })
  const rest = { reference: reference ?? '', strict: strict === true, change: change ? changeToWire(change) : null }
  return { purpose, roleArn, access: entries, ttlSeconds, ...rest }
}

function changeToWire({ artifactSha256 = '', reference = '', counts, resources, ...change }: DeclaredChange) {
  return {
    ...change,
    artifactSha256,
    reference,
    counts: { ...counts },
    resources: resources.map((one) => ({ ...one })),
  }
}

function conditionsToWire(conditions: PlanPair['conditions'] = []) {
  return conditions.map(({ key, operator, values }) => ({ key, operator, values: [...values] }))
}

function wireState(state: GrantState): WireState & string {
  return `GRANT_STATE_${state.toUpperCase()}` as WireState & string
}
