import type { Clock } from '../../../core/clock.ts'
import { hasCode, StintError } from '../../../core/errors.ts'
import { backoffMs } from '../../../core/limits/backoff.ts'
import type { ReleaseSlot, Slots } from '../../../core/limits/slots.ts'
import type { MintOutcome } from '../../provider.ts'
import type { BrokerCredentials, Renewal } from '../own-credentials/broker-credentials.ts'
import { cancelled } from './call.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { type CallContext, type FaultRow, type ProviderFault, toProviderFault } from './errors.ts'

/** How often and how long a call is tried. */
export interface RetryLimits {
  readonly maxAttempts: number
  /** The longest first pause; each next one may be twice as long. */
  readonly baseDelayMs: number
  readonly maxDelayMs: number
  /** From the first attempt on, waits included. */
  readonly totalMs: number
}

/** One try; `sent` turns true once its request may have had an effect. */
export interface Attempt {
  sent: boolean
}

/** Dependencies of retrying. `random` is in [0, 1). */
export interface RetryTools {
  readonly clock: Clock
  readonly random: () => number
  readonly limits: RetryLimits
  readonly breaker?: CircuitBreaker
  /** Waits for the right to make one more call; false if that would take longer than it may. */
  readonly pace?: (maxWaitMs: number, signal: AbortSignal) => Promise<boolean>
  /** Places for calls at the same time; one is held while a try is under way. */
  readonly slots?: Slots
  /** The credentials that calls are signed with. When AWS refuses them they are read anew and the call is tried once more. */
  readonly credentials?: BrokerCredentials
  /** Told of every failed try. */
  readonly onFault?: (fault: ProviderFault, attempt: number) => void
  /** Told how the call ended after all its tries; not of one that the caller gave up. */
  readonly onEnd?: (error: StintError | undefined) => void
}

/**
 * Runs `once` until it succeeds, fails for good, or the limits are reached, with full jitter between tries.
 *
 * @throws {StintError} `details.outcome` is 'unknown' if any try may have had an effect, else 'not_minted'; CANCELLED when
 *   `signal` fires; PROVIDER_UNAVAILABLE while the breaker is open; PROVIDER_THROTTLED when the pace allows no call in time.
 */
export async function withRetry<R>(
  once: (attempt: Attempt) => Promise<R>,
  context: Omit<CallContext, 'sent'>,
  signal: AbortSignal,
  tools: RetryTools,
): Promise<R> {
  try {
    const result = await tryAgain(once, context, signal, tools)
    tools.onEnd?.(undefined)
    return result
  } catch (error) {
    if (error instanceof StintError && error.code !== 'CANCELLED') tools.onEnd?.(error)
    throw error
  }
}

async function tryAgain<R>(
  once: (attempt: Attempt) => Promise<R>,
  context: Omit<CallContext, 'sent'>,
  signal: AbortSignal,
  tools: RetryTools,
): Promise<R> {
  const deadlineMs = tools.clock.monotonicMs() + tools.limits.totalMs
  let outcome: MintOutcome = 'not_minted'
  let renewal: Renewal | undefined
  for (let number = 1; ; number++) {
    const attempt: Attempt = { sent: false }
    const version = tools.credentials?.version ?? 0
    try {
      return await onePass(once, attempt, context, deadlineMs, signal, tools)
    } catch (thrown) {
      const failure = read(thrown, { ...context, secrets: knownSecrets(context, tools) }, attempt)
      if (failure.outcome === 'unknown') outcome = 'unknown'
      if (failure.fault) tools.onFault?.(failure.fault, number)
      if (failure.row?.kind === 'broker_credentials' && renewal === undefined) {
        const timeoutMs = Math.max(0, deadlineMs - tools.clock.monotonicMs())
        renewal = await tools.credentials?.renew(version, { timeoutMs, signal })
        // AWS refused the credentials, so nothing was minted: another try with others is no second session.
        if (renewal === 'renewed') continue
      }
      const error = withOutcome(failure.error, outcome, number, renewal)
      if (!failure.row?.retry || number >= tools.limits.maxAttempts) throw error
      await pause(number, deadlineMs, error, signal, tools)
    }
  }
}

function knownSecrets(context: Omit<CallContext, 'sent'>, { credentials }: RetryTools): readonly string[] {
  return [...(context.secrets ?? []), ...(credentials?.secrets ?? [])]
}

async function onePass<R>(
  once: (attempt: Attempt) => Promise<R>,
  attempt: Attempt,
  context: Omit<CallContext, 'sent'>,
  deadlineMs: number,
  signal: AbortSignal,
  tools: RetryTools,
): Promise<R> {
  if (signal.aborted) throw cancelled()
  // First, so that calls which cannot be made take no turn from others.
  const permit = tools.breaker?.enter()
  if (tools.breaker && !permit) throw breakerOpen(context, tools.breaker)
  let release: ReleaseSlot | undefined
  try {
    release = await takeTurn(context, deadlineMs, signal, tools)
  } catch (error) {
    permit?.done('undecided')
    throw error
  }
  try {
    const result = await once(attempt)
    permit?.done('answered')
    return result
  } catch (thrown) {
    permit?.done(verdict(thrown, context, attempt))
    throw thrown
  } finally {
    release?.()
  }
}

/** Which kinds of failure say that the service itself is ill. */
function verdict(thrown: unknown, context: Omit<CallContext, 'sent'>, attempt: Attempt) {
  if (hasCode(thrown, 'CANCELLED')) return 'undecided'
  const { row, error } = read(thrown, context, attempt)
  return (row?.kind ?? error.details.fault) === 'down' ? 'failed' : 'answered'
}

interface Failure {
  readonly error: StintError
  readonly outcome: MintOutcome
  readonly row?: FaultRow
  readonly fault?: ProviderFault
}

function read(thrown: unknown, context: Omit<CallContext, 'sent'>, attempt: Attempt): Failure {
  if (thrown instanceof StintError) {
    const known = thrown.details.outcome
    return { error: thrown, outcome: known === 'not_minted' || !attempt.sent ? 'not_minted' : 'unknown' }
  }
  const fault = toProviderFault(thrown, { ...context, sent: attempt.sent })
  return { error: fault.error, outcome: fault.error.details.outcome as MintOutcome, row: fault.row, fault }
}

const RENEWAL_FOUND: Readonly<Record<Renewal, string>> = {
  renewed: 'Freshly read credentials were rejected too.',
  unchanged: 'Their source still returns the same credentials.',
  unreadable: 'Reading their source again failed.',
}

function withOutcome(
  error: StintError,
  outcome: MintOutcome,
  attempts: number,
  renewal: Renewal | undefined,
): StintError {
  const { explanation, ...details } = error.details
  const found = details.fault === 'broker_credentials' && renewal ? [RENEWAL_FOUND[renewal]] : []
  const said = explanation === undefined ? {} : { explanation: [explanation, ...found].join(' ') }
  return new StintError(error.code, { ...said, ...details, outcome, attempts }, error.cause)
}

async function takeTurn(
  context: Omit<CallContext, 'sent'>,
  deadlineMs: number,
  signal: AbortSignal,
  tools: RetryTools,
): Promise<ReleaseSlot | undefined> {
  const timeLeft = () => Math.max(0, deadlineMs - tools.clock.monotonicMs())
  const asCancelled = (error: unknown) => {
    throw signal.aborted ? cancelled() : error
  }
  const release = await tools.slots?.acquire({ maxWaitMs: timeLeft(), signal }).catch(asCancelled)
  if (tools.slots && !release) throw busy(context, 'Too many calls of this account wait for AWS', 'busy')
  if (!tools.pace) return release
  const granted = await tools.pace(timeLeft(), signal).catch((error) => {
    release?.()
    return asCancelled(error)
  })
  if (granted) return release
  release?.()
  throw busy(
    context,
    `Too many calls are queued for the configured rate (${tools.limits.totalMs} ms budget)`,
    'throttled',
  )
}

function busy(context: Omit<CallContext, 'sent'>, why: string, fault: string): StintError {
  return new StintError('PROVIDER_THROTTLED', {
    explanation: `${why}; try again later.`,
    ...callIds(context),
    provider: 'aws-sts',
    outcome: 'not_minted',
    fault,
  })
}

function breakerOpen(context: Omit<CallContext, 'sent'>, breaker: CircuitBreaker): StintError {
  return new StintError('PROVIDER_UNAVAILABLE', {
    explanation:
      'AWS failed several times in a row for this role or account; calls are held back until a probe succeeds.',
    ...callIds(context),
    provider: 'aws-sts',
    outcome: 'not_minted',
    fault: 'down',
    retryAfterMs: Math.ceil(breaker.retryAfterMs),
  })
}

function callIds({ operation, roleArn, target, revokerArn }: Omit<CallContext, 'sent'>) {
  return { operation, ...(roleArn && { roleArn }), ...(target && { target }), ...(revokerArn && { revokerArn }) }
}

async function pause(number: number, deadlineMs: number, error: StintError, signal: AbortSignal, tools: RetryTools) {
  const { baseDelayMs: baseMs, maxDelayMs: capMs } = tools.limits
  const delayMs = backoffMs(number, { baseMs, capMs, random: tools.random, leastShare: 0 })
  if (tools.clock.monotonicMs() + delayMs >= deadlineMs) throw error
  try {
    await tools.clock.sleep(delayMs, signal)
  } catch {
    const explanation = 'The caller cancelled the call during a retry to AWS.'
    throw new StintError('CANCELLED', { ...error.details, explanation }, error.cause)
  }
}
