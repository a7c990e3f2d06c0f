import { asStintError, StintError } from '../core/errors.ts'
import { Backoff } from '../core/limits/backoff.ts'
import { cancelled, isHeldElsewhere, retryAfterMs, sleep } from './calls.ts'
import { explainEnd } from './grant-end.ts'
import type { Timing } from './timing.ts'
import type { GrantAnswer, GrantInfo } from './types.ts'

/** How to wait for a grant. */
export interface GateSettings {
  readonly signal?: AbortSignal
  /** Called once, when the grant turns out to need a person. */
  readonly onAwaitingApproval?: (approvalId: string, grant: GrantInfo) => void
  /** Wait for the person no longer than this, then APPROVAL_PENDING; undefined waits until the approval expires. */
  readonly approvalTimeoutMs?: number
}

/**
 * Asks until the grant is active: one that needs a person is followed to the person's answer, over reconnects and restarts of
 * the broker, and then asked for again under the same idempotency key, which brings its lease.
 *
 * @param request one RequestGrant. Before the gate its failure is the caller's; at the gate a retryable one is tried again.
 * @throws {StintError} POLICY_DENIED, APPROVAL_REJECTED, APPROVAL_EXPIRED, APPROVAL_PENDING, GRANT_NOT_ACTIVE, CANCELLED, and
 *   what `request` and `follow` throw.
 */
export async function requestUntilActive({
  request,
  follow,
  timing,
  settings,
}: {
  request: (signal: AbortSignal) => Promise<GrantAnswer>
  follow: (grantId: string, signal: AbortSignal) => AsyncIterable<GrantInfo>
  timing: Timing
  settings: GateSettings
}): Promise<GrantAnswer> {
  const stop = new AbortController()
  const signal = settings.signal ? AbortSignal.any([settings.signal, stop.signal]) : stop.signal
  try {
    let answer = await request(signal)
    if (answer.grant.state === 'awaiting_approval') {
      settings.onAwaitingApproval?.(answer.grant.approvalId ?? '', answer.grant)
      limitWait(answer.grant, stop, timing, settings)
      await answered(follow(answer.grant.id, signal))
      answer = await requestUntilAnswered(request, timing, signal)
    }
    const end = explainEnd(answer.grant)
    if (end) throw end
    if (answer.grant.state === 'active' && answer.lease) return answer
    const explanation = `The broker answered with grant ${answer.grant.id} in state ${answer.grant.state} and no lease.`
    throw new StintError('INTERNAL', { explanation, grantId: answer.grant.id })
  } finally {
    stop.abort()
  }
}

async function answered(states: AsyncIterable<GrantInfo>): Promise<void> {
  for await (const grant of states) {
    const end = explainEnd(grant)
    if (end) throw end
    if (grant.state === 'active') return
  }
}

/** How often a token that another connection holds is shown again: its own agent needs it once, when its connection broke. */
const MAX_HELD = 3

/** Repeats the request while the broker is away: a person has said yes by now, and a short outage must not lose that. */
async function requestUntilAnswered(
  request: (signal: AbortSignal) => Promise<GrantAnswer>,
  { clock, random }: Timing,
  signal: AbortSignal,
): Promise<GrantAnswer> {
  const backoff = new Backoff({ random, baseMs: 200, capMs: 5_000 })
  for (let held = 0; ; ) {
    let askedMs = 0
    try {
      return await request(signal)
    } catch (error) {
      const known = asStintError(error)
      if (isHeldElsewhere(known)) held += 1
      if (signal.aborted || held > MAX_HELD || !(known.retryable || isHeldElsewhere(known))) throw known
      askedMs = retryAfterMs(known)
    }
    if (signal.aborted) throw cancelled(signal)
    await sleep(clock, Math.max(backoff.nextMs(), askedMs), signal)
  }
}

function limitWait(grant: GrantInfo, stop: AbortController, { clock }: Timing, settings: GateSettings): void {
  const { approvalTimeoutMs } = settings
  if (approvalTimeoutMs === undefined) return
  const pending = new StintError('APPROVAL_PENDING', {
    explanation: `Grant ${grant.id} is still waiting for approval ${grant.approvalId ?? ''}; repeat the request with the same idempotency key.`,
    grantId: grant.id,
    approvalId: grant.approvalId ?? '',
  })
  clock.sleep(approvalTimeoutMs, stop.signal).then(
    () => stop.abort(pending),
    () => undefined, // the gate was passed or left before
  )
}
