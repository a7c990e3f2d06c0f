import { asStintError, StintError } from '../core/errors.ts'
import { Backoff } from '../core/limits/backoff.ts'
import { cancelled, isHeldElsewhere, retryAfterMs, sleep } from './calls.ts'
import { explainEnd } from './grant-end.ts'
import type { Timing } from './timing.ts'
import type { GrantAnswer, GrantInfo } from './types.ts'

/** How to wait for a grant. */
export interface GateSettings {
  readonly signal?: AbortSignal
  /** Called once, when the grant turns out to need a person. The same key and task come back to it, also from another process. */
  readonly onAwaitingApproval?: (approvalId: string, grant: GrantInfo, idempotencyKey: string) => void
  /** Wait for the person no longer than this; undefined waits until the approval expires. */
  readonly approvalTimeoutMs?: number
  /**
   * What becomes of the question when the wait is given up, by `signal` or by time. `withdraw`: nobody is asked any more. `keep`:
   * the same key and task come back to it. Default `keep` if an idempotency key was given, else `withdraw`.
   */
  readonly onGiveUp?: 'keep' | 'withdraw'
}

/**
 * Asks until the grant is active: one that needs a person is followed to the person's answer, over reconnects and restarts of
 * the broker, and then asked for again under the same idempotency key, which brings its lease.
 *
 * @param request one RequestGrant. Before the gate its failure is the caller's; at the gate a retryable one is tried again.
 * @throws {StintError} POLICY_DENIED, APPROVAL_REJECTED, APPROVAL_EXPIRED, GRANT_NOT_ACTIVE, and what `request` and `follow` throw;
 *   when the wait is given up by time APPROVAL_PENDING, or REQUEST_WITHDRAWN; by the signal CANCELLED. Where the grant may be
 *   there all the same, `details.idempotencyKey` leads back to it.
 */
export async function requestUntilActive({
  idempotencyKey,
  request,
  follow,
  complete,
  timing,
  settings,
}: {
  idempotencyKey: string
  request: (signal: AbortSignal) => Promise<GrantAnswer>
  follow: (grantId: string, signal: AbortSignal) => AsyncIterable<GrantInfo>
  complete: (grantId: string, note: string) => Promise<GrantInfo>
  timing: Timing
  settings: GateSettings & Required<Pick<GateSettings, 'onGiveUp'>>
}): Promise<GrantAnswer> {
  let waiting: GrantInfo | undefined
  const stop = new AbortController()
  const signal = settings.signal ? AbortSignal.any([settings.signal, stop.signal]) : stop.signal
  try {
    let answer = await request(signal)
    if (answer.grant.state === 'awaiting_approval') {
      waiting = answer.grant
      settings.onAwaitingApproval?.(waiting.approvalId ?? '', waiting, idempotencyKey)
      limitWait(answer.grant, stop, timing, settings)
      await answered(follow(answer.grant.id, signal))
      answer = await requestUntilAnswered(request, timing, signal)
    }
    const end = explainEnd(answer.grant)
    if (end) throw end
    if (answer.grant.state === 'active' && answer.lease) return answer
    const explanation = `The broker answered with grant ${answer.grant.id} in state ${answer.grant.state} and no lease.`
    throw new StintError('INTERNAL', { explanation, grantId: answer.grant.id })
  } catch (thrown) {
    const error = asStintError(thrown)
    const isGivenUp = signal.aborted && (error === signal.reason || error.code === 'CANCELLED')
    if (!waiting || !isGivenUp) throw mayHaveGrant(error) ? withDetails(error, { idempotencyKey }) : error
    throw await giveUp(error, waiting, { idempotencyKey, complete, onGiveUp: settings.onGiveUp })
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
    explanation: `Nobody decided approval ${grant.approvalId ?? ''} of grant ${grant.id} in time.`,
    grantId: grant.id,
    approvalId: grant.approvalId ?? '',
  })
  clock.sleep(approvalTimeoutMs, stop.signal).then(
    () => stop.abort(pending),
    () => undefined, // the gate was passed or left before
  )
}

/**
 * The error for a wait that was given up, after the question was withdrawn if that was wanted. A person may have said yes at the same
 * instant: then the grant has ended, unused.
 */
async function giveUp(
  error: StintError,
  { id: grantId, approvalId = '' }: GrantInfo,
  { idempotencyKey, complete, onGiveUp }: GiveUp,
): Promise<StintError> {
  const facts = { grantId, approvalId, idempotencyKey }
  const comeBack = `To come back to it, repeat the request with the idempotency key ${idempotencyKey}.`
  const why = error.code === 'APPROVAL_PENDING' ? String(error.details.explanation) : 'The caller gave up the wait.'
  if (onGiveUp === 'keep') {
    return withDetails(error, {
      ...facts,
      explanation: `${why} Grant ${grantId} still waits for approval. ${comeBack}`,
    })
  }
  try {
    const { state } = await complete(grantId, 'withdrawn: the wait for approval was given up')
    const explanation = `${why} Grant ${grantId} ${describeEnd(state)}; to ask again, choose a new idempotency key.`
    const code = error.code === 'APPROVAL_PENDING' ? 'REQUEST_WITHDRAWN' : error.code
    return new StintError(code, { ...error.details, ...facts, explanation, state, withdrawn: true }, error.cause)
  } catch (failed) {
    const { code } = asStintError(failed)
    const explanation = `${why} Grant ${grantId} could not be withdrawn (${code}) and may still be approved. ${comeBack}`
    return withDetails(error, { ...facts, explanation, withdrawn: false })
  }
}

function describeEnd(state: GrantInfo['state']): string {
  if (state === 'withdrawn') return 'was withdrawn'
  return state === 'ended' || state === 'ending' ? 'was approved at the same moment, and has ended' : `is ${state}`
}

interface GiveUp {
  readonly idempotencyKey: string
  readonly complete: (grantId: string, note: string) => Promise<GrantInfo>
  readonly onGiveUp: 'keep' | 'withdraw'
}

/** True if the broker may have the grant although no answer came. */
function mayHaveGrant({ code, retryable }: StintError): boolean {
  return retryable || code === 'CANCELLED' || code === 'DEADLINE_EXCEEDED'
}

function withDetails(error: StintError, more: StintError['details']): StintError {
  return new StintError(error.code, { ...error.details, ...more }, error.cause)
}
