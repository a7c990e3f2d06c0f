import type { StintError } from '../../core/errors.ts'
import { hasCode } from '../../core/errors.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { LEDGER_WRITES } from '../../metrics/meter-ledger.ts'
import type { NotReady } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'

/** Between two tries to write while the ledger cannot be written. */
const TRY_EVERY_MS = 1_000
const COMPONENT = 'ledger_writes'

/** A ledger whose writes are watched. */
export interface WatchedWrites {
  readonly ledger: Ledger
  readonly notReady: () => NotReady | undefined
  /** Ends the tries; the ledger can be closed then. */
  stop(): Promise<void>
}

/**
 * Watches whether the ledger can be written. After a write that failed the broker is not ready until another one has worked: it
 * tries one of its own, which puts the outage on record, since nobody sends calls to a broker that is not ready.
 */
export function watchWrites(
  ledger: Ledger,
  { clock, partHealth }: Pick<Surroundings, 'clock' | 'partHealth'>,
): WatchedWrites {
  const stopping = new AbortController()
  let failing: { readonly error: StintError; readonly since: Date } | undefined
  let trying = Promise.resolve()

  const tryAgain = async (since: Date) => {
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      const slept = await clock.sleep(TRY_EVERY_MS, stopping.signal).then(
        () => true,
        () => false,
      )
      if (!slept) return
      const data = { since: since.toISOString(), failures }
      const error = await ledger
        .appendEvents([auditEvent('ledger.writable', { at: clock.now(), actor: 'stint', data })])
        .then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
      if (error === undefined) {
        failing = undefined
        return partHealth.well(COMPONENT)
      }
      partHealth.failed(COMPONENT, error)
    }
  }
  const failed = (error: unknown) => {
    if (failing || stopping.signal.aborted || !hasCode(error, 'LEDGER_UNAVAILABLE')) return
    const since = clock.now()
    failing = { error, since }
    partHealth.failed(COMPONENT, error)
    trying = tryAgain(since)
  }
  return {
    ledger: withWatch(ledger, failed),
    notReady: () => failing && { code: failing.error.code, explanation: failing.error.message, since: failing.since },
    stop: async () => {
      stopping.abort()
      await trying
    },
  }
}

function withWatch(ledger: Ledger, failed: (error: unknown) => void): Ledger {
  const watched = LEDGER_WRITES.map((name) => {
    const write = ledger[name] as (input: unknown) => Promise<unknown>
    const watchedWrite = (input: unknown) => {
      const done = write(input)
      done.catch(failed)
      return done
    }
    return [name, watchedWrite] as const
  })
  return { ...ledger, ...Object.fromEntries(watched) }
}
