import { PolicyStore } from '../../policy/policy-store.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

/** The policy set, following its directory. */
export const policies = definePart({
  name: 'policies',
  async start({ config, clock, partHealth }: Surroundings) {
    const value = new PolicyStore({
      directory: config.policy.directory,
      clock,
      onProblem: (error) => partHealth.failed('policy', error),
      onLoaded: () => partHealth.well('policy'),
    })
    await value.start()
    return { value, stop: () => value.stop(), ready: () => value.status.hash !== undefined }
  },
})
