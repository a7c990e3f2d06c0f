import type { Change__Output, Change as WireChange } from '../contract/gen/stint/v1/Change.ts'
import type { Decision__Output } from '../contract/gen/stint/v1/Decision.ts'
import type { Grant__Output } from '../contract/gen/stint/v1/Grant.ts'
import type { Lease__Output } from '../contract/gen/stint/v1/Lease.ts'
import type { Plan__Output } from '../contract/gen/stint/v1/Plan.ts'
import type { PlanReach__Output } from '../contract/gen/stint/v1/PlanReach.ts'
import type { Task as WireTask } from '../contract/gen/stint/v1/Task.ts'
import { fromTimestamp } from '../contract/timestamp.ts'
import { StintError } from '../core/errors.ts'
import { type InputProblem, inputError } from '../core/input-error.ts'
import { Secret } from '../core/secret.ts'
import { didYouMean } from '../core/text/nearest.ts'
import type {
  Change,
  DecisionInfo,
  GrantAnswer,
  GrantInfo,
  GrantState,
  LeaseInfo,
  PlanInfo,
  PlanReachInfo,
  Task,
} from './types.ts'

/** A task as it goes on the wire. @throws {StintError} REQUEST_INVALID for a key that no task has */
export function toWireTask(task: Task): WireTask {
  checkTaskKeys(task)
  return {
    purpose: task.purpose,
    roleArn: task.roleArn,
    access: task.access.map(({ actions, resources, conditions = [] }) => ({
      actions: [...actions],
      resources: [...resources],
      conditions: conditions.map(({ key, operator = '', values }) => ({ key, operator, values: [...values] })),
    })),
    ttlSeconds: task.ttlSeconds,
    reference: task.reference ?? '',
    strict: task.strict ?? false,
    ...(task.change && { change: toWireChange(task.change) }),
  }
}

function toWireChange({ kind, sha256, artifactSha256 = '', reference = '', counts, resources }: Change): WireChange {
  return {
    kind,
    sha256,
    artifactSha256,
    reference,
    counts: { ...counts },
    resources: resources.map((one) => ({ ...one })),
  }
}

const TASK = ['purpose', 'roleArn', 'access', 'ttlSeconds', 'reference', 'strict', 'change'] satisfies (keyof Task)[]
const ACCESS = ['actions', 'resources', 'conditions'] satisfies (keyof Task['access'][number])[]
const CONDITION = ['key', 'operator', 'values']
const CHANGE = ['kind', 'sha256', 'artifactSha256', 'reference', 'counts', 'resources'] satisfies (keyof Change)[]

/**
 * Refuses a task with a key that no task has: TypeScript finds such a key in a literal only, and a misspelt `conditions` that
 * were passed over would make the task wider than its author believes.
 *
 * @throws {StintError} REQUEST_INVALID
 */
function checkTaskKeys(task: Task): void {
  const problems = [
    ...unknownKeys(task, TASK, 'task'),
    ...unknownKeys(task.change ?? {}, CHANGE, 'task.change'),
    ...task.access.flatMap((entry, at) => [
      ...unknownKeys(entry, ACCESS, `task.access[${at}]`),
      ...(entry.conditions ?? []).flatMap((condition, place) =>
        unknownKeys(condition, CONDITION, `task.access[${at}].conditions[${place}]`),
      ),
    ]),
  ]
  if (problems.length > 0) throw inputError(problems)
}

function unknownKeys(value: object, known: readonly string[], path: string): InputProblem[] {
  return Object.entries(value).flatMap(([key, content]) =>
    known.includes(key) || content === undefined
      ? []
      : [
          {
            field: `${path}.${key}`,
            message: `is no part of a task${didYouMean(key, known)}`,
            code: 'REQUEST_INVALID' as const,
          },
        ],
  )
}

/** @throws {StintError} INTERNAL when the answer lacks its grant. */
export function toAnswer(wire: { grant: Grant__Output | null; lease?: Lease__Output | null }): GrantAnswer {
  const grant = toGrantInfo(wire.grant)
  return wire.lease ? { grant, lease: toLeaseInfo(wire.lease) } : { grant }
}

/** @throws {StintError} INTERNAL when there is none. */
export function toGrantInfo(wire: Grant__Output | null): GrantInfo {
  if (!wire) throw unusable('grant')
  // A state of a newer broker comes as its number.
  const state = String(wire.state).replace('GRANT_STATE_', '').toLowerCase()
  return {
    id: wire.id,
    state: (STATES as readonly string[]).includes(state) ? (state as GrantState) : 'unknown',
    ...optional('reason', wire.reason || undefined),
    subject: wire.subject,
    roleArn: wire.roleArn,
    purpose: wire.purpose,
    planHash: wire.planHash,
    ...optional('decision', wire.decision ? toDecisionInfo(wire.decision) : undefined),
    ...optional('requestedAt', fromTimestamp(wire.requestedAt)),
    ...optional('deadline', fromTimestamp(wire.deadline)),
    ...optional('claimBy', fromTimestamp(wire.claimBy)),
    ...(wire.voidedBecause.length > 0 && { voidedBecause: wire.voidedBecause }),
    ...optional('effectiveBy', fromTimestamp(wire.effectiveBy)),
    ...optional('endedAt', fromTimestamp(wire.endedAt)),
    leaseCount: wire.leaseCount,
    ...optional('approvalId', wire.approvalId || undefined),
    ...optional('approvalExpiresAt', fromTimestamp(wire.approvalExpiresAt)),
    ...optional('renewAfter', fromTimestamp(wire.renewAfter)),
  }
}

/** @throws {StintError} INTERNAL when the answer lacks its plan. */
export function toPlanInfo(wire: Plan__Output | null): PlanInfo {
  if (!wire?.task) throw unusable('plan')
  const { reference, roleArn = '', purpose, access, ttlSeconds, strict, change } = wire.task
  const task = { purpose, roleArn, access: access.map(withoutEmptyConditions), ttlSeconds }
  return {
    hash: wire.hash,
    subject: wire.subject,
    task: {
      ...task,
      ...optional('reference', reference || undefined),
      ...(strict && { strict }),
      ...optional('change', change ? toChange(change) : undefined),
    },
    pairs: wire.pairs.map(({ actionClass, ...pair }) => ({ ...withoutEmptyConditions(pair), class: actionClass })),
    sessionPolicy: wire.sessionPolicy,
    sessionPolicyCharacters: wire.sessionPolicyCharacters,
    ...(wire.blastRadius && { blastRadius: wire.blastRadius }),
    warnings: wire.warnings,
    dropped: wire.dropped,
    ...(wire.reach && { reach: toReachInfo(wire.reach) }),
    ...(wire.onward.length > 0 && { onward: wire.onward }),
    ...(wire.labelMarks.length > 0 && {
      labelMarks: Object.fromEntries(wire.labelMarks.map(({ label, marks }) => [label, marks])),
    }),
  }
}

function toReachInfo({ limited, ...counts }: PlanReach__Output): PlanReachInfo {
  return {
    ...counts,
    limited: limited.map(({ pair, verdict, reason, within, except, conditionKeys, more }) => ({
      pair,
      verdict,
      ...optional('reason', reason || undefined),
      ...optional('within', within.length > 0 ? within : undefined),
      ...optional('except', except.length > 0 ? except : undefined),
      ...optional('conditions', conditionKeys.length > 0 ? conditionKeys.map((key) => ({ key })) : undefined),
      ...(more && { more }),
    })),
  }
}

function toChange({ artifactSha256, reference, ...change }: Change__Output): Change {
  return {
    ...(change as Change),
    ...optional('artifactSha256', artifactSha256 || undefined),
    ...optional('reference', reference || undefined),
  }
}

/** Conditions are absent rather than empty, as they are in a task. */
function withoutEmptyConditions<T extends { readonly conditions: readonly unknown[] }>({ conditions, ...entry }: T) {
  return { ...entry, ...optional('conditions', conditions.length > 0 ? (conditions as T['conditions']) : undefined) }
}

/** Policy's word in the SDK's shape. */
export function toDecisionInfo(wire: Decision__Output): DecisionInfo {
  const outcome = (['permit', 'deny', 'approval'] as const).find((known) => known === wire.outcome) ?? 'unknown'
  const approval = wire.approval.map(({ count, ...one }) => (count > 1 ? { ...one, count } : one))
  return { ...wire, outcome, failedPairs: wire.failedPairs.map(withoutEmptyConditions), approval }
}

const STATES = [
  'denied',
  'awaiting_approval',
  'rejected',
  'withdrawn',
  'approval_expired',
  'active',
  'ending',
  'ended',
] as const satisfies readonly GrantState[]

function toLeaseInfo(wire: Lease__Output): LeaseInfo {
  const notAfter = fromTimestamp(wire.notAfter)
  const usableUntil = fromTimestamp(wire.usableUntil)
  const { aws } = wire
  if (!notAfter || !usableUntil || !aws?.accessKeyId) throw unusable('lease')
  if (!aws.secretAccessKey || !aws.sessionToken) throw unusable('lease')
  return {
    id: wire.id,
    number: wire.number,
    notAfter,
    usableUntil,
    kind: 'aws',
    accessKeyId: aws.accessKeyId,
    secretAccessKey: new Secret(aws.secretAccessKey),
    sessionToken: new Secret(aws.sessionToken),
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }
}

function unusable(what: string): StintError {
  return new StintError('INTERNAL', { explanation: `The broker's answer has no usable ${what}.` })
}
