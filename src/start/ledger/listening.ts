import type { PostgresSettings } from '../../config/ledger-settings.ts'
import { StintError } from '../../core/errors.ts'
import type { Surroundings } from '../surroundings.ts'

const COMPONENT = 'ledger_listen'
/** A connection that comes back soon is nobody's concern: until then the ledger is looked at. */
const LASTING_MS = 30_000

/**
 * Says when other replicas are not heard at once, which is no problem where a pooler stands between and no direct way is set: then
 * this is how it was meant, and it is said in the log.
 *
 * @returns what to call with each state of the connection
 */
export function reportListening(
  { clock, logger, partHealth }: Pick<Surroundings, 'clock' | 'logger' | 'partHealth'>,
  { pooler, listen }: Pick<PostgresSettings, 'pooler' | 'listen'>,
): (error: StintError | undefined) => void {
  let isSaid = false
  const say = () => {
    if (!isSaid) {
      const reason = 'a pooler stands between, and ledger.postgres.listen is not set'
      logger.info({ component: COMPONENT, reason }, 'changes of other replicas are found by looking every 500 ms')
    }
    isSaid = true
  }
  if (pooler && !listen) say()
  let sinceMs: number | undefined
  return (error) => {
    if (!error) {
      sinceMs = undefined
      partHealth.well(COMPONENT)
      return
    }
    const isPooler = error.details.pooler === true
    if (isPooler && !listen) {
      // The server did not answer before, and now it does, as it was meant to.
      sinceMs = undefined
      partHealth.well(COMPONENT)
      return say()
    }
    sinceMs ??= clock.monotonicMs()
    // A setting that is wrong does not mend itself.
    if (isPooler || clock.monotonicMs() - sinceMs >= LASTING_MS) partHealth.failed(COMPONENT, notHeard(error))
  }
}

function notHeard(error: StintError): StintError {
  const explanation = `Other replicas cannot tell this one of their changes, so it looks every 500 ms while agents wait. ${error.message}`
  return new StintError('LEDGER_LISTEN_FAILED', { ...error.details, explanation }, error)
}
