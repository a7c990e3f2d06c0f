import type { ActionClass } from '../aws/action-classes.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import type { Plan } from '../plan/plan.ts'
import type { DecisionInput } from '../policy/decide.ts'
import type { Decision } from '../policy/decision.ts'
import type { Registration } from '../registry/registration.ts'

/** What a judgement needs to know of the agent; a grant remembers it for renewals. */
type Agent = Pick<CallerIdentity, 'subject' | 'trustDomain' | 'authMethod'>

/** What came of one look at an agent and its task. */
export interface Judgement {
  readonly registration: Registration
  readonly plan: Plan
  readonly decision: Decision
}

/** Registration, plan and policy, looked at together and as of one instant: the same for a request, a renewal and an approval. */
export interface Judge {
  /** @throws {StintError} AGENT_UNREGISTERED, REGISTRATION_EXPIRED */
  register(agent: Agent, now: Date): Registration
  /** @throws {StintError} the above, every refusal of a task, POLICY_UNAVAILABLE. A denial is a Decision, not an error. */
  judge(agent: Agent, task: unknown, now: Date): Judgement
}

/** Where registrations, plans and decisions come from. */
export interface JudgeParts {
  readonly registry: { lookup(subject: string, now: Date): Registration }
  readonly planner: { plan(subject: string, task: unknown): Plan }
  readonly policy: { decide(input: DecisionInput): Decision }
  /** Classes that a person always has to approve. */
  readonly approvalsRequiredFor: readonly ActionClass[]
}

/** Puts the three together; keeps nothing between two questions. */
export function createJudge({ registry, planner, policy, approvalsRequiredFor }: JudgeParts): Judge {
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
        approvalsRequiredFor,
      })
      return { registration, plan, decision }
    },
  }
}
