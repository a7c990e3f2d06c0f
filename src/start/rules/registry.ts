import { followRegistry } from '../../registry/registry-file.ts'
import { definePart } from '../part.ts'
import { nothingLoaded } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'

/** The registrations of agents, following their file. */
export const registry = definePart({
  name: 'registry',
  async start({ config, clock, partHealth }: Surroundings) {
    const value = followRegistry({
      file: config.registry.file,
      clock,
      onState: (problem) => partHealth.report('registry', problem),
    })
    await value.start()
    // A later version that cannot be used is a problem on the status; the last good one serves on.
    return { value, stop: () => value.stop(), notReady: () => nothingLoaded(value) }
  },
})
