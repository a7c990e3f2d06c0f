import type { Clock } from '../../core/clock.ts'
import { createReminder, findDueRegistrations } from '../../grants/inventory/remind.ts'
import { runOffboards } from '../../grants/inventory/run-offboards.ts'
import type { Grants } from '../grants.ts'
import { definePart } from '../part.ts'
import type { FollowedRegistry } from '../rules/registry.ts'
import type { Surroundings } from '../surroundings.ts'

/** An operator who offboards agents waits for their grants to end. */
const OFFBOARD_EVERY_MS = 500

/** Operators are told of dates that are days away. */
const REMIND_EVERY_MS = 10_000

interface Needs extends Surroundings {
  readonly grants: Grants
  readonly registry: FollowedRegistry
}

/** Ends what offboarded agents hold, whichever replica was told to, and tells operators of registrations that end soon. */
export const inventory = definePart({
  name: 'inventory',
  start({ grants, registry, clock, partHealth }: Needs) {
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
    const remind = createReminder({ ledger: parts.ledger, clock, registry })
    const loops = [
      every(OFFBOARD_EVERY_MS, 'offboarding', () => runOffboards(parts, stop.signal)),
      every(REMIND_EVERY_MS, 'reminders', async () => {
        partHealth.found('registrations', findDueRegistrations(registry.status.value, clock.now()))
        await remind(stop.signal)
      }),
    ]
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
