import { setTimeout as pause } from 'node:timers/promises'
import type { ClockGuard } from '../../core/clock-guard.ts'
import { StintError } from '../../core/errors.ts'
import type { PartHealth } from '../../core/health/part-health.ts'
import type { Canaries } from '../../credentials/canary.ts'
import { QUARANTINE_COMPONENT } from '../../grants/quarantine/keep-quarantine.ts'
import { Sweeper } from '../../grants/sweeper.ts'
import type { Grants } from '../grants.ts'
import { sessionNotes } from '../ledger/session-notes.ts'
import { definePart } from '../part.ts'
import { type NotReady, problemReason } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'

const TOLD_WITHIN_MS = 2_000
const TOLD_POLL_MS = 10

/** Settles what a crash left behind, then moves grants as time passes. It starts before any port, so before any call. */
export const sweeper = definePart({
  name: 'sweeper',
  async start({
    config,
    grants,
    provider,
    clock,
    random,
    partHealth,
    fail,
  }: Surroundings & { readonly grants: Grants; readonly provider: { readonly canaries: Canaries } }) {
    const value = new Sweeper({
      ...grants.parts,
      canaries: provider.canaries,
      notes: await sessionNotes(config, clock),
      owner: grants.parts.ledger.identity.replica,
      random,
      retentionMs: config.grants.retention,
      onProblem: ({ component, error }) => {
        partHealth.failed(component, error)
        // After a failed sync the ledger takes nothing more until its file has been opened and checked again.
        if (error instanceof StintError && error.details.poisoned === true) fail(error)
      },
      onWell: (component) => partHealth.well(component),
    })
    await value.recover()
    // Before any port is open, so that a ledger that was set back is never shown as ready.
    await value.lookForLaterState()
    await waitForTime(grants.parts.clockGuard)
    value.start()
    return {
      value,
      stop: () => value.stop(),
      // An older copy of the ledger must not serve: it does not know what was granted since.
      notReady: () =>
        problemReason(partHealth, ({ component, code }) => component === 'clock' || code === 'LEDGER_OUTDATED') ??
        quarantineReason(partHealth),
    }
  },
})

/** So that the first call is not refused: the cloud answers within moments. A broker whose cloud does not answer starts all the same. */
async function waitForTime(guard: Pick<ClockGuard, 'isTold'>): Promise<void> {
  for (let waitedMs = 0; !guard.isTold() && waitedMs < TOLD_WITHIN_MS; waitedMs += TOLD_POLL_MS)
    await pause(TOLD_POLL_MS)
}

/** Agents complete their grants while the ledger is quarantined, and only an operator's call ends that. */
function quarantineReason(partHealth: PartHealth): NotReady | undefined {
  const reason = problemReason(partHealth, ({ component }) => component === QUARANTINE_COMPONENT)
  return reason && { ...reason, takesCalls: true }
}
