import { StintError } from '../core/errors.ts'
import type { Canaries } from '../credentials/canary.ts'
import { Sweeper } from '../grants/sweeper.ts'
import type { Grants } from './grants.ts'
import { sessionNotes } from './ledger/session-notes.ts'
import { definePart } from './part.ts'
import { problemReason } from './readiness.ts'
import type { Surroundings } from './surroundings.ts'

const NOT_READY: ReadonlySet<string> = new Set(['LEDGER_OUTDATED', 'LEDGER_QUARANTINED'])

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
    value.start()
    return {
      value,
      stop: () => value.stop(),
      // An older copy of the ledger must not serve: it does not know what was granted since.
      notReady: () => problemReason(partHealth, ({ component, code }) => component === 'clock' || NOT_READY.has(code)),
    }
  },
})
