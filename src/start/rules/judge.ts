import type { Config } from '../../config/schema.ts'
import type { Reloading } from '../../core/files/reloading.ts'
import { createJudge, type Judge } from '../../grants/judge.ts'
import type { Planner } from '../../plan/planner.ts'
import { decide } from '../../policy/decide.ts'
import type { PolicySet } from '../../policy/policy-set.ts'
import type { Registry } from '../../registry/registry.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'
import { toApprovalRules } from './approval-rules.ts'
import type { FollowedRegistry } from './registry.ts'

interface Needs extends Surroundings {
  readonly registry: FollowedRegistry
  readonly policies: Reloading<PolicySet>
  readonly planner: Pick<Planner, 'plan'>
}

/** Judges tasks by the registrations, labels, policies and settings of now. */
export const judge = definePart({
  name: 'judge',
  start(needs: Needs) {
    const { config, liveConfig } = needs
    let current = judgeBy(config, needs)
    liveConfig.follow('judge', (next) => {
      const judge = judgeBy(next, needs)
      return () => {
        current = judge
      }
    })
    const value: Judge = {
      register: (agent, now) => current.register(agent, now),
      judge: (agent, task, now) => current.judge(agent, task, now),
    }
    return { value }
  },
})

/** Where registrations, plans and policies come from. */
interface RuleSources {
  readonly registry: { current(): Registry }
  readonly planner: Pick<Planner, 'plan'>
  readonly policies: { current(): PolicySet }
}

/** A judge by the settings of one configuration. */
export function judgeBy(config: Config, { registry, planner, policies }: RuleSources): Judge {
  return createJudge({
    registry: { lookup: (subject, now) => registry.current().lookup(subject, now) },
    planner,
    policy: { decide: (question) => decide(policies.current(), question) },
    ...toApprovalRules(config),
  })
}
