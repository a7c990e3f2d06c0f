import type { ActionClass } from '../aws/action-classes.ts'
import { conditionText } from '../aws/conditions/condition.ts'
import { BoundedMap } from '../core/limits/bounded-map.ts'
import type { AuthMethod } from '../identity/caller-identity.ts'
import type { Plan, PlanPair } from '../plan/plan.ts'
import { type ApprovalRules, type Approvals, mergeRequirements } from './approval-requirements.ts'
import type { CedarRequest, Verdict } from './cedar/cedar-judge.ts'
import { keepRead } from './cedar/policy-expression.ts'
import type { Decision, FailedPair } from './decision.ts'
import type { PolicySet } from './policy-set.ts'
import { resourceFacts } from './resource-facts.ts'

/** Classes that need an approval unless the operator configures others. */
export const DEFAULT_APPROVALS_REQUIRED_FOR: readonly ActionClass[] = ['destructive', 'permissions', 'escalation']

/** Everything that a decision may depend on. */
export interface DecisionInput extends ApprovalRules {
  /** `subject` and `trustDomain` from the caller's identity, the rest from its registration. */
  readonly agent: {
    readonly subject: string
    readonly trustDomain: string
    readonly owner: string
    readonly team: string
    /** Name of the registration. */
    readonly registration: string
  }
  readonly plan: Plan
  readonly context: {
    readonly roleArn: string
    readonly ttlSeconds: number
    readonly authMethod: AuthMethod
    readonly now: Date
  }
}

/**
 * Judges a plan: every pair must be allowed, and none may meet a policy that fails to evaluate.
 *
 * Decisions, and the verdicts on their pairs, are remembered with the policy set, by all that the set can read: a repeat costs
 * microseconds, a new task of a known shape asks Cedar nothing, and what depends on the hour is judged again when the hour
 * changes. Never throws; doubt denies.
 *
 * @returns frozen; the same object for a repeat.
 */
export function decide(set: PolicySet, input: DecisionInput): Decision {
  const memory = openMemory(set)
  const key = memoryKey(set, input)
  const remembered = memory.decisions.get(key)
  if (remembered) return remembered
  const decision = Object.freeze(judgePlan(set, input, memory.verdicts))
  if (isWorthRemembering(decision)) memory.decisions.set(key, decision)
  return decision
}

const MAX_REMEMBERED_DECISIONS = 4_096
const MAX_REMEMBERED_FAILURES = 50
/** Characters of the keys of all remembered verdicts; a usual one has some hundreds. */
const MAX_VERDICT_KEYS = 8_000_000

/** Earlier answers of one policy set. */
interface Memory {
  readonly decisions: BoundedMap<Decision>
  readonly verdicts: BoundedMap<Verdict>
}

const memories = new WeakMap<PolicySet, Memory>()

function openMemory(set: PolicySet): Memory {
  const known = memories.get(set)
  if (known) return known
  const memory = {
    decisions: new BoundedMap<Decision>({ limit: MAX_REMEMBERED_DECISIONS }),
    verdicts: new BoundedMap<Verdict>({ limit: MAX_VERDICT_KEYS }),
  }
  memories.set(set, memory)
  return memory
}

/** A failure to evaluate may be of the moment, and long lists of failures would fill the memory. */
function isWorthRemembering({ failedPairs }: Decision): boolean {
  return (
    failedPairs.length <= MAX_REMEMBERED_FAILURES && failedPairs.every(({ reason }) => reason !== 'evaluation_error')
  )
}

function memoryKey({ judge }: PolicySet, { agent, plan, context, ...rules }: DecisionInput): string {
  const { hourUtc, weekdayUtc } = timeFacts(context.now)
  const reads = (name: string) => judge.reads.context.has(name) || judge.reads.context.has('*')
  return JSON.stringify([
    plan.hash,
    [agent.subject, agent.trustDomain, agent.owner, agent.team, agent.registration],
    [context.roleArn, context.ttlSeconds, context.authMethod],
    [reads('hourUtc') ? hourUtc : -1, reads('weekdayUtc') ? weekdayUtc : -1],
    rules.approvalsRequiredFor,
    rules.allowWaivers ?? false,
    rules.byClass ?? {},
    rules.minimumAssurance ?? {},
  ])
}

function judgePlan(set: PolicySet, input: DecisionInput, remembered: BoundedMap<Verdict>): Decision {
  const verdicts = new Map<string, Verdict>()
  const agent = agentKey(input)
  const judged = input.plan.pairs.map((pair) => {
    const request = toCedarRequest(pair, input)
    const key = agent + readableKey(set, request)
    const known = verdicts.get(key) ?? remembered.get(key)
    const verdict = known ?? set.judge.judge(request)
    verdicts.set(key, verdict)
    // A failure may be of the moment.
    if (!known && !verdict.failed) remembered.set(key, verdict, key.length)
    return { pair, verdict }
  })
  const failedPairs = judged.flatMap(({ pair, verdict }) => findFailure(pair, verdict) ?? [])
  // A plan without pairs asks for nothing that anyone could permit.
  const denied = failedPairs.length > 0 || judged.length === 0
  const { approval, waivers, reuse } = denied ? NO_APPROVALS : mergeRequirements(judged, input, input.plan.labelMarks)
  const deciding = denied
    ? failedPairs.flatMap(({ policies }) => policies)
    : judged.flatMap(({ verdict }) => verdict.applied.map(({ id }) => id))
  return {
    outcome: denied ? 'deny' : approval.length > 0 ? 'approval' : 'permit',
    determiningPolicies: [...new Set(deciding)].sort(),
    failedPairs,
    approval,
    ...(reuse && { reuse }),
    ...(waivers.length > 0 && { waivers }),
    policySetHash: set.hash,
  }
}

const NO_APPROVALS: Approvals = { approval: [], waivers: [] }

function findFailure({ action, resource, conditions = [] }: PlanPair, verdict: Verdict): FailedPair | undefined {
  if (verdict.allowed && !verdict.failed) return undefined
  const forbids = verdict.applied.filter(({ effect }) => effect === 'forbid')
  const failed = { action, resource, ...(conditions.length > 0 && { conditions: conditions.map(conditionText) }) }
  if (forbids.length > 0) return { ...failed, reason: 'forbidden', policies: sortedIds(forbids) }
  if (verdict.failed) return { ...failed, reason: 'evaluation_error', policies: sortedIds(verdict.erring) }
  return { ...failed, reason: 'no_permit', policies: [] }
}

function sortedIds(policies: readonly { readonly id: string }[]): string[] {
  return policies.map(({ id }) => id).sort()
}

function toCedarRequest(pair: PlanPair, { agent, context }: DecisionInput): CedarRequest {
  const team = { type: 'Stint::Team', id: agent.team }
  const { subject, trustDomain, owner, registration } = agent
  const conditions = { type: 'Stint::Conditions', id: JSON.stringify(toTags(pair)) }
  return {
    class: pair.class,
    subject,
    team: agent.team,
    within: pair.within,
    touches: pair.touches,
    agent: {
      uid: { type: 'Stint::Agent', id: subject },
      attrs: { subject, trustDomain, owner, team: agent.team, registration },
      parents: [team],
    },
    resource: {
      uid: { type: 'Stint::Resource', id: pair.resource },
      attrs: { ...resourceFacts(pair.resource), within: [...pair.within], touches: [...pair.touches] },
      parents: [],
    },
    conditions: { uid: conditions, attrs: {}, parents: [], tags: toTags(pair) },
    context: {
      action: pair.action,
      service: pair.action.slice(0, pair.action.indexOf(':')),
      flags: [...pair.flags],
      conditions: { __entity: conditions },
      roleArn: context.roleArn,
      ttlSeconds: context.ttlSeconds,
      ...timeFacts(context.now),
      authMethod: context.authMethod,
    },
  }
}

function toTags({ conditions = [] }: PlanPair): Record<string, string[]> {
  return Object.fromEntries(conditions.map(({ key, values }) => [key, [...values]]))
}

/** All that a set can read of an agent, as JSON. */
function agentKey({ agent }: DecisionInput): string {
  return JSON.stringify([agent.subject, agent.trustDomain, agent.owner, agent.team, agent.registration])
}

/**
 * All that the set can read of one agent's request, as JSON; pairs with one key are judged once. Labels are always in it, since
 * they choose the policies that Cedar is given.
 */
function readableKey({ judge: { reads } }: PolicySet, request: CedarRequest): string {
  const { context, resource } = request
  const contextRead = keepRead(context, reads.context)
  const resourceRead = keepRead(resource.attrs, reads.resource)
  const whole = reads.resource.has('*') ? resource.uid : null
  return JSON.stringify([request.class, request.within, request.touches, contextRead, resourceRead, whole])
}

function timeFacts(now: Date): { hourUtc: number; weekdayUtc: number } {
  return { hourUtc: now.getUTCHours(), weekdayUtc: now.getUTCDay() || 7 }
}
