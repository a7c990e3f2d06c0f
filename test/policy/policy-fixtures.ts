import { canonicalJson, type Json, sha256Hex } from '../../src/core/canonical-json.ts'
import type { Plan, PlanPair } from '../../src/plan/plan.ts'
import type { Task } from '../../src/plan/task.ts'
import type { DecisionInput } from '../../src/policy/decide.ts'
import { formatProblem } from '../../src/policy/policy-directory.ts'
import { compilePolicySet, type PolicySet } from '../../src/policy/policy-set.ts'

export const SUBJECT = 'spiffe://example.org/ci/deploy'

/** Compiles one file's text, or throws with every problem. */
export function setOf(text: string): PolicySet {
  const { set, problems } = compilePolicySet([{ name: 'test.cedar', text }])
  if (!set) throw new Error(problems.map(formatProblem).join('\n'))
  return set
}

/** A pair that reads one object of a bucket labelled `data:invoices`, but for what is told. */
export function pairOf(changes: Partial<PlanPair> = {}): PlanPair {
  const within = changes.within ?? ['data:invoices']
  return {
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::invoices/2026/*',
    class: 'read',
    flags: [],
    touches: within,
    ...changes,
    within,
  }
}

export function taskOf(changes: Partial<Task> = {}): Task {
  return {
    purpose: 'Reconcile the invoices of November',
    roleArn: 'arn:aws:iam::123456789012:role/stint/agent-data',
    access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices/2026/*'] }],
    ttlSeconds: 900,
    ...changes,
  }
}

/** A plan of these pairs with a hash that covers them, as the planner's does. */
export function planOf(pairs: readonly PlanPair[], task = taskOf(), subject = SUBJECT): Plan {
  const hashed = pairs.map(({ action, resource, class: actionClass, flags, within, touches, conditions = [] }) => [
    action,
    resource,
    actionClass,
    flags,
    within,
    touches,
    conditions.map(({ key, operator, values }) => ({ key, operator, values })),
  ])
  return {
    hash: sha256Hex(canonicalJson([hashed, { ...task, access: [] } as unknown as Json, subject])),
    subject,
    task,
    pairs,
    classes: [...new Set(pairs.map((pair) => pair.class))],
    flags: [...new Set(pairs.flatMap((pair) => pair.flags))],
    sessionPolicy: '{}',
    sessionPolicyCharacters: 2,
    blastRadius: {
      actions: pairs.length,
      resourcePatterns: pairs.length,
      byClass: {},
      byLabel: {},
      flags: [],
      outlives: [],
      unknown: [],
    },
    actionTableVersion: 'test',
  }
}

export interface InputChanges extends Pick<DecisionInput, 'byClass' | 'minimumAssurance'> {
  readonly agent?: Partial<DecisionInput['agent']>
  readonly context?: Partial<DecisionInput['context']>
  readonly approvalsRequiredFor?: DecisionInput['approvalsRequiredFor']
}

/** A data team's agent on a Saturday at noon, for 15 minutes; no class needs approval unless told. */
export function inputOf(pairs: readonly PlanPair[], changes: InputChanges = {}): DecisionInput {
  return {
    agent: {
      subject: SUBJECT,
      trustDomain: 'example.org',
      owner: 'mara@example.org',
      team: 'data',
      registration: 'ci-deploy',
      ...changes.agent,
    },
    plan: planOf(pairs),
    context: {
      roleArn: 'arn:aws:iam::123456789012:role/stint/agent-data',
      ttlSeconds: 900,
      authMethod: 'x509-svid',
      now: new Date('2026-11-21T12:00:00Z'),
      ...changes.context,
    },
    approvalsRequiredFor: changes.approvalsRequiredFor ?? [],
    ...(changes.byClass && { byClass: changes.byClass }),
    ...(changes.minimumAssurance && { minimumAssurance: changes.minimumAssurance }),
  }
}
