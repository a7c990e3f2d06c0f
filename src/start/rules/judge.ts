import type { Reloading } from '../../core/files/reloading.ts'
import { createJudge } from '../../grants/judge.ts'
import type { Planner } from '../../plan/planner.ts'
import { decide } from '../../policy/decide.ts'
import type { PolicySet } from '../../policy/policy-set.ts'
import type { Registry } from '../../registry/registry.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

interface Needs extends Surroundings {
  readonly registry: Reloading<Registry>
  readonly policies: Reloading<PolicySet>
  readonly planner: Pick<Planner, 'plan'>
}

/** Judges tasks by the registrations, labels and policies of now. */
export const judge = definePart({
  name: 'judge',
  start: ({ config, registry, planner, policies }: Needs) => ({
    value: createJudge({
      registry: { lookup: (subject, now) => registry.current().lookup(subject, now) },
      planner,
      policy: { decide: (question) => decide(policies.current(), question) },
      approvalsRequiredFor: config.policy.approvalsRequiredFor,
      allowWaivers: config.policy.allowWaivers,
    }),
  }),
})
