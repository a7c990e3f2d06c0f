import { createJudge } from '../../grants/judge.ts'
import type { Planner } from '../../plan/planner.ts'
import { decide } from '../../policy/decide.ts'
import type { PolicyStore } from '../../policy/policy-store.ts'
import type { RegistryStore } from '../../registry/registry-store.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

interface Needs extends Surroundings {
  readonly registry: RegistryStore
  readonly policies: PolicyStore
  readonly planner: Pick<Planner, 'plan'>
}

/** Judges tasks by the registrations, labels and policies of now. */
export const judge = definePart({
  name: 'judge',
  start: ({ config, registry, planner, policies }: Needs) => ({
    value: createJudge({
      registry,
      planner,
      policy: { decide: (question) => decide(policies.current(), question) },
      approvalsRequiredFor: config.policy.approvalsRequiredFor,
    }),
  }),
})
