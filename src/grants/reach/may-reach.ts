import type { ActionClass } from '../../aws/action-classes.ts'
import type { LabelSet } from '../../plan/labels/labels.ts'
import { type Probe, type ProbeChoice, probePairs } from '../../plan/reach/probe-pairs.ts'
import type { PlanReach } from '../../plan/reach/reach-record.ts'
import type { ApprovalRules } from '../../policy/approval-requirements.ts'
import type { DecisionInput } from '../../policy/decide.ts'
import type { Decision } from '../../policy/decision.ts'

/**
 * What policy says of a class of actions on a label. `unasked`: permitted. `waits`: permitted once a person has approved.
 * `forbidden`: denied. `depends`: not the same for all actions and resources that were tried.
 */
export const MAY_OUTCOMES = ['unasked', 'waits', 'forbidden', 'depends'] as const

/** One row: a class of actions on the resources of a label, through a role. */
export interface MayEntry {
  readonly roleArn: string
  /** '' for resources without a label of their own. */
  readonly label: string
  readonly class: ActionClass
  readonly outcome: (typeof MAY_OUTCOMES)[number]
  /** True if the role's own policies refuse all that was tried; absent if they are not known. */
  readonly roleRefuses?: boolean
  /** Policies that decided. */
  readonly policies: readonly string[]
  /** Groups that answer, where it waits. */
  readonly anyOf: readonly string[]
  /** Something that was tried, an action and the resource pattern that it was tried on. */
  readonly example: string
}

/** The access that current policies, labels and roles permit an agent. */
export interface MayReach {
  readonly subject: string
  readonly policySetHash: string
  readonly entries: readonly MayEntry[]
  /** The simplifications of the report, in sentences. */
  readonly approximated: readonly string[]
}

/** The rules of now, and the agent. */
export interface MayParts extends ApprovalRules, ProbeChoice {
  readonly agent: DecisionInput['agent']
  readonly labels: LabelSet
  /** Roles to try: one of each rule, spelled. */
  readonly roles: readonly { readonly roleArn: string; readonly rule: string }[]
  readonly ttlSeconds: number
  readonly now: Date
  readonly decide: (input: DecisionInput) => Decision
  readonly reachOf: (plan: Probe['plan']) => PlanReach | undefined
}

/** Questions of one report. */
const MAX_PROBES = 20_000
/** Then agents' calls have their turn. */
const PROBES_AT_A_TIME = 200

/**
 * Tries what policy says of each class of actions on each label, through each role, without any task of the agent. Every question is a
 * real pair with its true labels, so no answer is wrong; but what was not tried may be judged otherwise, which `approximated` says.
 */
export async function findMayReach(parts: MayParts): Promise<MayReach> {
  const { agent, labels, roles, ttlSeconds } = parts
  const rows = new Map<string, Answer[]>()
  let asked = 0
  let policySetHash = ''
  for (const { roleArn, rule } of roles) {
    for (const probe of probePairs(labels, { roleArn, subject: agent.subject, ttlSeconds }, parts)) {
      if (asked >= MAX_PROBES) break
      asked += 1
      if (asked % PROBES_AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve))
      const answer = ask(probe, parts, roleArn)
      policySetHash = answer.decision.policySetHash
      const key = JSON.stringify([rule, probe.label, probe.class])
      const row = rows.get(key)
      if (row) row.push({ ...answer, rule })
      else rows.set(key, [{ ...answer, rule }])
    }
  }
  return {
    subject: agent.subject,
    policySetHash,
    entries: [...rows.values()].map(toEntry),
    approximated: describeApproximation(parts, asked >= MAX_PROBES),
  }
}

interface Answer {
  readonly probe: Probe
  readonly decision: Decision
  readonly reach: PlanReach | undefined
  readonly rule: string
}

function ask(
  probe: Probe,
  { agent, now, ttlSeconds, decide, reachOf, ...rules }: MayParts,
  roleArn: string,
): Omit<Answer, 'rule'> {
  const { approvalsRequiredFor, allowWaivers } = rules
  const decision = decide({
    agent,
    plan: probe.plan,
    context: { roleArn, ttlSeconds, authMethod: 'x509-svid', now },
    approvalsRequiredFor,
    ...(allowWaivers !== undefined && { allowWaivers }),
  })
  return { probe, decision, reach: reachOf(probe.plan) }
}

const OUTCOME_OF = { permit: 'unasked', approval: 'waits', deny: 'forbidden' } as const

function toEntry(answers: readonly Answer[]): MayEntry {
  const [first] = answers
  if (!first) throw new TypeError('a row of no answers')
  const outcomes = new Set(answers.map(({ decision }) => OUTCOME_OF[decision.outcome]))
  const known = answers.filter(({ reach }) => reach !== undefined)
  const [pair] = first.probe.plan.pairs
  const [only] = outcomes
  return {
    roleArn: first.rule,
    label: first.probe.label,
    class: first.probe.class,
    outcome: outcomes.size === 1 && only ? only : 'depends',
    ...(known.length > 0 && { roleRefuses: known.every(({ reach }) => reach?.no === 1) }),
    policies: unique(answers.flatMap(({ decision }) => decision.determiningPolicies)),
    anyOf: unique(answers.flatMap(({ decision }) => decision.approval.flatMap(({ anyOf }) => anyOf))),
    example: `${pair?.action} on ${pair?.resource}`,
  }
}

/** More actions than any service has. */
export const EVERY_ACTION = 1_000

function describeApproximation(
  { labels, ttlSeconds, now, actionsPerClass }: MayParts,
  isCut: boolean,
): readonly string[] {
  const byTag = labels.labels.filter(({ patterns }) => patterns.length === 0).map(({ label }) => label)
  return [
    actionsPerClass < EVERY_ACTION
      ? `Of each class at most ${actionsPerClass} actions of a service (with the same flags) were tried, on at most four patterns of a label.`
      : 'At most four patterns of a label were tried.',
    `The question was asked for ${now.toISOString()}, a task of ${ttlSeconds} s and an X.509-SVID; policies may depend on each.`,
    'Access to several labels in one task can be refused although each alone is not.',
    ...(byTag.length > 0 ? [`Labels by tag alone were not tried: ${byTag.slice(0, 20).join(', ')}.`] : []),
    ...(isCut ? [`Only the first ${MAX_PROBES} questions were asked; the last labels and roles are missing.`] : []),
  ]
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort()
}
