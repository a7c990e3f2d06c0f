import { followPolicies } from '../../policy/policy-directory.ts'
import { definePart } from '../part.ts'
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
    return { value, stop: () => value.stop(), ready: () => value.status.value !== undefined }
  },
})
