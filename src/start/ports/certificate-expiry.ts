import { X509Certificate } from 'node:crypto'
import type { PartFinding } from '../../core/health/part-health.ts'
import type { Surroundings } from '../surroundings.ts'

const LOOK_EVERY_MS = 60_000
const DAY_MS = 86_400_000
/** A certificate that is renewed in time is replaced long before the last fifth of its life. */
const LAST_SHARE = 0.2
const WARN_AT_MOST_MS = 14 * DAY_MS

/**
 * Shows on the status when a certificate that is followed in files was not renewed in time, and when it is over.
 *
 * @param certificate PEM of the one in use; undefined while there is none.
 */
export function watchExpiry(
  component: string,
  certificate: () => string | undefined,
  { clock, partHealth }: Pick<Surroundings, 'clock' | 'partHealth'>,
): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const pem = certificate()
      partHealth.found(component, pem === undefined ? [] : findExpiry(new X509Certificate(pem), clock.now()))
      await clock.sleep(LOOK_EVERY_MS, stopping.signal).catch(() => undefined)
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await watching
    },
  }
}

/** The finding for a certificate in the last fifth of its life, 14 days at most. */
export function findExpiry(
  { validFromDate, validToDate }: Pick<X509Certificate, 'validFromDate' | 'validToDate'>,
  now: Date,
): PartFinding[] {
  const leftMs = validToDate.getTime() - now.getTime()
  const lifeMs = validToDate.getTime() - validFromDate.getTime()
  if (leftMs > Math.min(WARN_AT_MOST_MS, lifeMs * LAST_SHARE)) return []
  const at = validToDate.toISOString()
  const [finding, explanation] =
    leftMs <= 0
      ? ['expired', `The certificate expired at ${at}; clients refuse it. Replace its files.`]
      : ['expires-soon', `The certificate expires at ${at} and has not been renewed. Replace its files.`]
  return [{ finding, code: 'CERTIFICATE_EXPIRING', explanation }]
}
