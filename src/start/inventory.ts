import type { Clock } from '../core/clock.ts'
import { runOffboards } from '../grants/inventory/run-offboards.ts'
import type { Grants } from './grants.ts'
import { definePart } from './part.ts'
import type { Surroundings } from './surroundings.ts'

/** Whoever offboards agents waits for their grants to end. */
const OFFBOARD_EVERY_MS = 500

/** Ends what offboarded agents hold, whichever replica was told to. */
export const inventory = definePart({
  name: 'inventory',
  start({ grants, clock, partHealth }: Surroundings & { readonly grants: Grants }) {
    const stop = new AbortController()
    const parts = { ...grants.parts, owner: grants.parts.ledger.identity.replica }
    const every = (ms: number, component: string, work: () => Promise<void>) =>
      repeat({ clock, ms, signal: stop.signal }, async () => {
        try {
          await work()
          partHealth.well(component)
        } catch (error) {
          partHealth.failed(component, error)
        }
      })
    const loops = [every(OFFBOARD_EVERY_MS, 'offboarding', () => runOffboards(parts, stop.signal))]
    return {
      value: undefined,
      stop: async () => {
        stop.abort()
        await Promise.all(loops)
      },
    }
  },
})

async function repeat(
  { clock, ms, signal }: { readonly clock: Clock; readonly ms: number; readonly signal: AbortSignal },
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await work()
    await clock.sleep(ms, signal).catch(() => undefined)
  }
}
