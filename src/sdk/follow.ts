import { asStintError, type StintError } from '../core/errors.ts'
import { Backoff } from '../core/limits/backoff.ts'
import { type Calls, cancelled, retryAfterMs, sleep } from './calls.ts'
import type { ChannelUse } from './connection/connection.ts'
import type { Timing } from './timing.ts'
import type { GrantInfo, GrantState } from './types.ts'

/** SVID_INVALID too: the root that the old SVID was signed by is gone once trust has moved on to the next. */
const MENDED_BY_RENEWAL = new Set<string>(['SVID_EXPIRED', 'SVID_INVALID', 'TOKEN_EXPIRED', 'TOKEN_REPLAYED'])

const FINAL: readonly GrantState[] = ['denied', 'rejected', 'withdrawn', 'approval_expired', 'ended']

/** True for a state that a grant never leaves. */
function isFinal(state: GrantState): boolean {
  return FINAL.includes(state)
}

/**
 * The states of one grant until a final one, over as many WatchGrant streams as it takes: a lost connection, a restart of the
 * broker or the end of a stream leads to the next try, with jittered back-off. The present state comes again after each.
 *
 * @param use `background` does not keep the process alive.
 * @throws {StintError} what is not retryable, e.g. GRANT_NOT_FOUND; CANCELLED when `signal` aborts.
 */
export async function* followGrant({
  calls,
  timing,
  grantId,
  use,
  signal,
}: {
  calls: Calls
  timing: Timing
  grantId: string
  use: ChannelUse
  signal: AbortSignal
}): AsyncGenerator<GrantInfo, void> {
  const clock = use === 'background' ? timing.backgroundClock : timing.clock
  const backoff = new Backoff({ random: timing.random, baseMs: 200, capMs: 5_000 })
  for (;;) {
    let askedMs = 0
    try {
      for await (const grant of calls.watch(grantId, use, signal)) {
        backoff.reset()
        yield grant
        if (isFinal(grant.state)) return
      }
    } catch (error) {
      const known = asStintError(error)
      if (!canReconnect(known)) throw known
      askedMs = retryAfterMs(known)
    }
    if (signal.aborted) throw cancelled(signal)
    await sleep(clock, Math.max(backoff.nextMs(), askedMs), signal)
  }
}

/** A stream of a broker that is going away may be CANCELLED; an SVID may be renewed by the next try. */
function canReconnect({ code, retryable }: StintError): boolean {
  return retryable || MENDED_BY_RENEWAL.has(code)
}
