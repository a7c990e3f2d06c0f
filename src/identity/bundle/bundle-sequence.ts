import type { Clock } from '../../core/clock.ts'
import type { TrustBundle } from './trust-bundle.ts'

/**
 * Gives a bundle that has no sequence one of its own: the millisecond of the epoch at which its content was first seen here,
 * and more than the last one in any case. It goes up with each change and with each restart. Two processes that serve
 * one bundle would contradict each other, and so would a clock that goes back over a restart.
 *
 * @see SPIFFE Trust Domain and Bundle, section 4.1.1
 */
export function sequenceByTime(clock: Pick<Clock, 'now'>): (bundle: TrustBundle) => TrustBundle {
  let digest: string | undefined
  let sequence = 0n
  return (bundle) => {
    if (bundle.sequence !== undefined) return bundle
    if (bundle.digest !== digest) {
      const now = BigInt(clock.now().getTime())
      sequence = now > sequence ? now : sequence + 1n
      digest = bundle.digest
    }
    return { ...bundle, sequence }
  }
}
