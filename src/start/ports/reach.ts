import { parseRolePattern } from '../../aws/roles/role-pattern.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { Reloading } from '../../core/files/reloading.ts'
import { EVERY_ACTION } from '../../grants/reach/may-reach.ts'
import { createReachService, type ReachService } from '../../grants/reach/reach-service.ts'
import { parseAgentSubject } from '../../identity/agent-subject.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Plan } from '../../plan/plan.ts'
import { planReach } from '../../plan/reach/plan-reach.ts'
import { decide } from '../../policy/decide.ts'
import type { PolicySet } from '../../policy/policy-set.ts'
import type { Registry } from '../../registry/registry.ts'
import type { LiveConfig } from '../reload/live-config.ts'
import type { FollowingPlanner } from '../rules/planner.ts'
import type { FollowedInventory } from '../rules/resource-inventory.ts'
import type { FollowingRolePolicies } from '../rules/role-policies/role-policies.ts'

/** The parts of the broker that answers of reach are made of. */
export interface ReachSources {
  readonly ledger: Pick<Ledger, 'listGrants' | 'getGrant' | 'getPlan'>
  readonly clock: Clock
  readonly liveConfig: Pick<LiveConfig, 'current'>
  readonly registry: Pick<Reloading<Registry>, 'current'>
  readonly policies: Pick<Reloading<PolicySet>, 'current'>
  readonly planner: Pick<FollowingPlanner, 'labels' | 'overrides'>
  readonly rolePolicies: FollowingRolePolicies
  readonly resourceInventory: FollowedInventory
}

/** Answers of reach, by the rules of now. */
export function createReach(sources: ReachSources): ReachService {
  const { ledger, clock, liveConfig, registry, policies, planner, rolePolicies, resourceInventory } = sources
  return createReachService({
    ledger,
    clock,
    reachOf: (plan: Plan) => {
      const role = rolePolicies.current().find(plan.task.roleArn)
      return role && planReach(plan.pairs, role, plan.subject)
    },
    inventory: () => resourceInventory.current(),
    lookup: (subject, now) => registry.current().lookup(subject, now),
    named: (name) => registry.current().named(name),
    trustDomainOf: (subject) => parseAgentSubject(subject).trustDomain,
    rules: () => {
      const { roles, policy, grants } = liveConfig.current()
      const labels = planner.labels()
      if (!labels) throw new StintError('POLICY_UNAVAILABLE', { explanation: 'No labels have been loaded.' })
      const overrides = planner.overrides()
      // A copy: the many questions of a report must not push remembered decisions of agents out.
      const set = { ...policies.current() }
      const tried = sampleRoles(roles)
      // The access that a role allows depends on the action too.
      const knowsRoles = tried.some(({ roleArn }) => rolePolicies.current().find(roleArn))
      const readsActions = ['action', '*'].some((name) => set.judge.reads.context.has(name))
      return {
        labels,
        roles: tried,
        actionsPerClass: readsActions || knowsRoles ? EVERY_ACTION : 2,
        ttlSeconds: Math.ceil(grants.minTaskTime / 1_000),
        approvalsRequiredFor: policy.approvalsRequiredFor,
        allowWaivers: policy.allowWaivers,
        decide: (input) => decide(set, input),
        ...(overrides && { classOf: (action: string) => overrides.get(action)?.class }),
      }
    },
  })
}

/** One role of each rule: the first that it spells, or one that its pattern names. */
function sampleRoles(roles: Config['roles']): { readonly roleArn: string; readonly rule: string }[] {
  return roles.flatMap(({ arn, accounts }) => {
    const pattern = parseRolePattern(arn, accounts)
    if (!pattern) return []
    const account = pattern.accounts ? [...pattern.accounts][0] : '123456789012'
    const sample = arn.replace(/^(arn:[^:]*:iam::)\*:/, `$1${account}:`).replace(/[*?]/g, 'x')
    return [{ roleArn: pattern.spelled?.[0] ?? sample, rule: arn }]
  })
}
