import type { ClockReading } from '../../core/clock-guard.ts'
import type { Surroundings } from '../surroundings.ts'

const COMPONENT = 'ledger_clock'
/** Clocks that are synchronised at all differ by milliseconds. */
const NOTICED_MS = 1_000
/** A clock that wavers about the bound is said once. */
const FORGOTTEN_MS = 700

/** Says on the status that this machine's clock and that of the database differ, long before it matters. */
export function reportSharedClock(
  { offsetMs, errorMs }: ClockReading,
  { clock, partHealth }: Pick<Surroundings, 'clock' | 'partHealth'>,
): void {
  const differsMs = Math.abs(clock.now().getTime() - clock.monotonicMs() - offsetMs) - errorMs
  const isSaid = partHealth.problems().some(({ component }) => component === COMPONENT)
  if (differsMs <= (isSaid ? FORGOTTEN_MS : NOTICED_MS)) {
    partHealth.found(COMPONENT, [])
    return
  }
  const explanation = `The clock of this machine and that of the ledger's database differ by more than ${NOTICED_MS / 1_000} s: synchronise both. Beyond 5 s this broker serves no calls, unless AWS's time shows that the database is wrong.`
  partHealth.found(COMPONENT, [{ finding: 'differs', code: 'CLOCK_UNSTABLE', explanation }])
}
