import { RegistryStore } from '../../registry/registry-store.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

/** The registrations of agents, following their file. */
export const registry = definePart({
  name: 'registry',
  async start({ config, clock, partHealth }: Surroundings) {
    const value = new RegistryStore({
      file: config.registry.file,
      clock,
      onProblem: (error) => partHealth.failed('registry', error),
      onLoaded: () => partHealth.well('registry'),
    })
    await value.start()
    return { value, stop: () => value.stop(), ready: () => value.status.value !== undefined }
  },
})
