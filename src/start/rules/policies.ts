import { followPolicies } from '../../policy/policy-directory.ts'
import { definePart } from '../part.ts'
import { nothingLoaded } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'

/** The policy set, following its directory. */
export const policies = definePart({
  name: 'policies',
  async start({ config, clock, partHealth }: Surroundings) {
    const value = followPolicies({
      directory: config.policy.directory,
      clock,
      onState: (problem) => partHealth.report('policy', problem),
    })
    await value.start()
    // A later version that cannot be used is a problem on the status; the last good one serves on.
    return { value, stop: () => value.stop(), notReady: () => nothingLoaded(value) }
  },
})
