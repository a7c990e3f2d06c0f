import type { ClockGuard } from '../core/clock-guard.ts'
import { asStintError, StintError } from '../core/errors.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { LedgerWrites } from '../ledger/ledger.ts'
import { type Grant, UNREGISTERED_REASONS } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import type { ApprovalRules } from '../policy/approval-requirements.ts'
import type { DecisionInput } from '../policy/decide.ts'
import { copyFailedPair, type Decision } from '../policy/decision.ts'
import type { Registration } from '../registry/registration.ts'

/** Facts about the agent that a judgement needs; a grant remembers them for renewals. */
type Agent = Pick<CallerIdentity, 'subject' | 'trustDomain' | 'authMethod'>

/** The outcome of one look at an agent and its task. */
export interface Judgement {
  readonly registration: Registration
  readonly plan: Plan
  readonly decision: Decision
}

/** Registration, plan and policy, looked at together and as of one instant: the same for a request, a renewal and an approval. */
export interface Judge {
  /** @throws {StintError} AGENT_UNREGISTERED, REGISTRATION_EXPIRED, REGISTRATION_UNREVIEWED, REGISTRATION_OWNERLESS */
  register(agent: Agent, now: Date): Registration
  /** @throws {StintError} the above, every refusal of a task, POLICY_UNAVAILABLE. A denial is a Decision, not an error. */
  judge(agent: Agent, task: unknown, now: Date): Judgement
}

/** Where registrations, plans and decisions come from. */
export interface JudgeParts extends ApprovalRules {
  readonly registry: { lookup(subject: string, now: Date): Registration }
  readonly planner: { plan(subject: string, task: unknown): Plan }
  readonly policy: { decide(input: DecisionInput): Decision }
}

/** Puts the three together; keeps nothing between two questions. */
export function createJudge({ registry, planner, policy, ...approvalRules }: JudgeParts): Judge {
  return {
    register: (agent, now) => registry.lookup(agent.subject, now),
    judge(agent, task, now) {
      const registration = registry.lookup(agent.subject, now)
      const plan = planner.plan(agent.subject, task)
      const { owner, team, name } = registration
      const { roleArn, ttlSeconds } = plan.task
      const decision = policy.decide({
        agent: { subject: agent.subject, trustDomain: agent.trustDomain, owner, team, registration: name },
        plan,
        context: { roleArn, ttlSeconds, authMethod: agent.authMethod, now },
        ...approvalRules,
      })
      return { registration, plan, decision }
    },
  }
}

/** Dependencies of judging on record. */
export interface JudgeOnRecordParts {
  readonly judge: Judge
  readonly clockGuard: ClockGuard
  readonly ledger: Pick<LedgerWrites, 'appendEvents' | 'noteUnregistered'>
}

/** Judges, and puts a refusal on record before the caller hears of it. @throws {StintError} what `Judge.judge` throws */
export async function judgeOnRecord(
  { judge, clockGuard, ledger }: JudgeOnRecordParts,
  caller: CallerIdentity,
  task: unknown,
  now: Date,
): Promise<Judgement> {
  try {
    clockGuard.check(now)
    return judge.judge(caller, task, now)
  } catch (thrown) {
    const error = asStintError(thrown)
    await recordRefusal(ledger, caller, error, now)
    throw error
  }
}

/** The error for a plan that policy does not allow, with the agent that was judged and the pairs that failed. */
export function toDeniedError(
  { id, subject, decision }: Pick<Grant, 'subject' | 'decision'> & { id?: string },
  plan: Pick<Plan, 'pairs'>,
): StintError {
  return new StintError('POLICY_DENIED', {
    ...(id ? { grantId: id } : {}),
    subject,
    explanation: describeDenial(subject, decision, plan),
    failedPairs: decision.failedPairs.slice(0, 20).map(copyFailedPair),
    policySetHash: decision.policySetHash,
  })
}

/** Explains a denial by its first pair. Its class is shown, since a label by tag or an operator's override may have raised it. */
export function describeDenial(
  subject: string,
  { failedPairs, failedPairsLeftOut = 0 }: Decision,
  { pairs }: Pick<Plan, 'pairs'>,
): string {
  const [first] = failedPairs
  if (!first) return `Policy denies this task of ${subject}.`
  const { action, resource, conditions = [] } = first
  const pair = pairs.find((one) => one.action === action && one.resource === resource)
  const where = `${action}${pair ? ` (${pair.class})` : ''} on ${resource}${conditions.length > 0 ? ` if ${conditions.join(' and ')}` : ''}`
  const others = failedPairs.length - 1 + failedPairsLeftOut
  const more = others > 0 ? `, and ${others} more` : ''
  if (first.reason === 'no_permit')
    return `No policy permits ${where}${more} for ${subject}; ask for less, or ask an operator for a policy that permits it.`
  const by = first.policies.join(', ')
  if (first.reason === 'forbidden') return `Policy ${by} forbids ${where}${more} for ${subject}; ask for less.`
  if (by === '') return `Policy could not be evaluated for ${where}${more} and ${subject}; an operator must fix it.`
  return `Policy ${by} could not be evaluated for ${where}${more} and ${subject}; an operator must fix it.`
}

async function recordRefusal(
  ledger: JudgeOnRecordParts['ledger'],
  caller: CallerIdentity,
  error: StintError,
  at: Date,
): Promise<void> {
  const { subject, trustDomain, authMethod, evidence } = caller
  const data = { code: error.code, authMethod, ...evidence }
  const reason = UNREGISTERED_REASONS.find((code) => code === error.code)
  if (reason) {
    const event = auditEvent('agent.refused', { at, actor: subject, data })
    await ledger.noteUnregistered({ subject, trustDomain, authMethod, reason, at, event })
    return
  }
  if (error.code === 'REGISTRATION_UNREVIEWED' || error.code === 'REGISTRATION_OWNERLESS') {
    await ledger.appendEvents([auditEvent('agent.refused', { at, actor: subject, data })])
    return
  }
  await ledger.appendEvents([auditEvent('grant.refused', { at, actor: subject, data })])
}
