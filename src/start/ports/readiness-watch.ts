import { definePart } from '../part.ts'
import type { UnreadyPart } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'
import { type Health, toReadiness } from './health.ts'

interface Needs extends Surroundings {
  readonly health: Health
}

const LOOK_EVERY_MS = 500

/** Tells probes, and the log, whether a good request would be served, as the parts say it. */
export const readinessWatch = definePart({
  name: 'readinessWatch',
  start({ running, health, clock, logger }: Needs) {
    const stopping = new AbortController()
    let said: string | undefined
    const look = () => {
      const reasons = running.notReady()
      health.setReady(toReadiness(reasons).takesCalls)
      const next = reasons.map(toKey).join()
      if (next === said) return
      said = next
      if (reasons.length > 0) logger.warn({ reasons }, 'not ready')
      else logger.info({}, 'ready')
    }
    running.whenCompleted(look)
    const looking = (async () => {
      while (!stopping.signal.aborted) {
        await clock.sleep(LOOK_EVERY_MS, stopping.signal).catch(() => undefined)
        if (!stopping.signal.aborted) look()
      }
    })()
    return {
      value: undefined,
      stop: async () => {
        stopping.abort()
        await looking
      },
    }
  },
})

function toKey({ part, code }: UnreadyPart): string {
  return `${part} ${code}`
}
