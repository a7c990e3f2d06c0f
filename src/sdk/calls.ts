import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type requestCallback,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { fromServiceError } from '../contract/error-status.ts'
import type { BrokerServiceClient as BrokerClient } from '../contract/gen/stint/v1/BrokerService.ts'
import type { WatchGrantResponse__Output } from '../contract/gen/stint/v1/WatchGrantResponse.ts'
import { asStintError, ERROR_CATALOG, type ErrorCode, StintError } from '../core/errors.ts'
import { Backoff } from '../core/limits/backoff.ts'
import type { ChannelUse, Connection } from './connection/connection.ts'
import type { CallSettings, TokenSource } from './options.ts'
import type { Timing } from './timing.ts'
import type { GrantInfo } from './types.ts'
import { toGrantInfo } from './views.ts'

/** One unary method of the stub, ready to be started. */
export type Start<T> = (
  stub: BrokerClient,
  metadata: Metadata,
  options: CallOptions,
  done: requestCallback<T>,
) => ClientUnaryCall

/** A person is slow, and a caller that has given up does not want another try. */
const NEVER_RETRIED: ReadonlySet<ErrorCode> = new Set(['APPROVAL_PENDING', 'CANCELLED', 'DEADLINE_EXCEEDED'])

/** The broker has refused the SVID before it did anything. */
const SVID_REFUSED: ReadonlySet<ErrorCode> = new Set(['SVID_INVALID', 'SVID_EXPIRED'])

const WATCH_LOOK_MS = 5_000

/** One try of a call. */
interface Attempt {
  /** Version of the SVID that it showed; undefined until it had one. */
  version?: string
}

/** Starts calls on the broker: bearer token, deadline, typed errors, retries with jitter. */
export class Calls {
  readonly #connection: Connection
  readonly #timing: Timing
  readonly #token: TokenSource | undefined
  readonly #defaultDeadlineMs: number
  readonly #closed: AbortSignal

  constructor(deps: {
    connection: Connection
    timing: Timing
    token: TokenSource | undefined
    defaultDeadlineMs: number
    /** Aborts every call when the client is closed. */
    closed: AbortSignal
  }) {
    this.#connection = deps.connection
    this.#timing = deps.timing
    this.#token = deps.token
    this.#defaultDeadlineMs = deps.defaultDeadlineMs
    this.#closed = deps.closed
  }

  /**
   * One call, tried again while the error is retryable and the deadline leaves room. When no try succeeds, the first error
   * is the one that is thrown, unless a later try got a final answer to the request itself. Where the SVID is refused, or
   * no connection can be made (TLS says no more), its source is looked at once, and what it gives is tried at once: after
   * an emergency rotation the SVID at hand is worth nothing.
   *
   * @param settings.retry false for a call that must not be done twice.
   * @throws {StintError} what the broker said; BROKER_UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED.
   */
  async unary<T>(start: Start<T>, settings: CallSettings & { readonly retry?: boolean } = {}): Promise<T> {
    const { clock, random } = this.#timing
    const { deadlineMs = this.#defaultDeadlineMs, retry = true } = settings
    const signal = settings.signal ? AbortSignal.any([settings.signal, this.#closed]) : this.#closed
    const endMs = clock.monotonicMs() + deadlineMs
    const backoff = new Backoff({ random, baseMs: 100, capMs: 2_000 })
    let first: StintError | undefined
    let looked = false
    let asked: string | undefined
    for (;;) {
      const attempt: Attempt = {}
      try {
        return await this.#once(start, { leftMs: Math.max(1, endMs - clock.monotonicMs()), signal, attempt })
      } catch (error) {
        const failed = asStintError(error)
        const leftMs = asked === attempt.version ? 0 : endMs - clock.monotonicMs()
        asked = attempt.version
        const known = await this.#explained(failed, leftMs)
        const mayRepeat = SVID_REFUSED.has(known.code) || (retry && known.code === 'BROKER_UNAVAILABLE')
        if (mayRepeat && !looked) {
          looked = true
          if (await this.#look(attempt, { leftMs: endMs - clock.monotonicMs(), signal })) continue
        }
        const again = (known.retryable && !NEVER_RETRIED.has(known.code)) || isHeldElsewhere(known)
        if (!retry || !again) throw first && isOfTheRetry(known, first) ? first : known
        first ??= known
        const waitMs = Math.max(backoff.nextMs(), retryAfterMs(known))
        if (clock.monotonicMs() + waitMs >= endMs) throw first
        await sleep(clock, waitMs, signal)
      }
    }
  }

  /** One WatchGrant stream, to its end. @throws {StintError} as `unary`. */
  async *watch(grantId: string, use: ChannelUse, signal: AbortSignal): AsyncGenerator<GrantInfo, void> {
    const metadata = await this.#metadata(signal)
    await this.#ready(signal)
    const borrowed = this.#connection.borrow(use)
    let stream: ClientReadableStream<WatchGrantResponse__Output> | undefined
    const cancel = () => stream?.cancel()
    try {
      signal.addEventListener('abort', cancel)
      // It may have aborted since `#ready` looked: the listener would never hear of it, and the stream would never end.
      if (signal.aborted) throw cancelled(signal)
      stream = borrowed.stub.watchGrant({ grantId }, metadata)
      stream.once('metadata', () => borrowed.opened())
      // The iterator below reports the failure; a late one, after it was left, is of no interest to anybody.
      stream.on('error', () => {})
      for await (const { grant } of stream as AsyncIterable<WatchGrantResponse__Output>) {
        borrowed.opened()
        yield toGrantInfo(grant)
      }
    } catch (error) {
      if (signal.aborted) throw cancelled(signal)
      const known = await this.#explained(toStintError(error), WATCH_LOOK_MS)
      // Whoever follows the grant tries again soon; the SVID should then be the one of now.
      if (SVID_REFUSED.has(known.code)) await this.#look(borrowed, { leftMs: WATCH_LOOK_MS, signal })
      throw known
    } finally {
      signal.removeEventListener('abort', cancel)
      cancel()
      borrowed.done()
    }
  }

  async #once<T>(
    start: Start<T>,
    { leftMs, signal, attempt }: { leftMs: number; signal: AbortSignal; attempt: Attempt },
  ): Promise<T> {
    const metadata = await this.#metadata(signal)
    await this.#ready(signal)
    const borrowed = this.#connection.borrow('calls')
    attempt.version = borrowed.version
    // grpc-js measures a deadline by the wall clock of the process, whatever clock this client runs on.
    const options: CallOptions = { deadline: Date.now() + leftMs }
    let call: ClientUnaryCall | undefined
    const cancel = () => call?.cancel()
    signal.addEventListener('abort', cancel)
    try {
      // As in `watch`.
      if (signal.aborted) throw cancelled(signal)
      return await new Promise<T>((resolve, reject) => {
        call = start(borrowed.stub, metadata, options, (error, value) => {
          if (error) reject(error)
          else if (value === undefined)
            reject(new StintError('INTERNAL', { explanation: 'The broker sent an empty answer.' }))
          else resolve(value)
        })
      })
    } catch (error) {
      throw signal.aborted ? cancelled(signal) : toStintError(error)
    } finally {
      signal.removeEventListener('abort', cancel)
      borrowed.done()
    }
  }

  /** A connection that comes to nothing may have been refused for who we are, which gRPC does not say and no retry mends. */
  async #explained(error: StintError, withinMs: number): Promise<StintError> {
    if (!mayBeRefusal(error)) return error
    return (await this.#connection.refusal(withinMs)) ?? error
  }

  /** True if the source of the SVID has another one now. Waits no longer than the call may take. */
  async #look({ version }: Attempt, { leftMs, signal }: { leftMs: number; signal: AbortSignal }): Promise<boolean> {
    if (version === undefined || leftMs <= 0) return false
    const found = new AbortController()
    const either = AbortSignal.any([signal, found.signal])
    const tooLate = this.#timing.clock.sleep(leftMs, either).then(
      () => false,
      () => false,
    )
    try {
      return await Promise.race([this.#connection.look(version), tooLate])
    } finally {
      found.abort()
    }
  }

  /** An identity to connect with; does not hold up a caller who has given up. */
  async #ready(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled(signal)
    const { promise, reject } = Promise.withResolvers<never>()
    const abort = () => reject(cancelled(signal))
    signal.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([this.#connection.ready(), promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
    if (signal.aborted) throw cancelled(signal)
  }

  async #metadata(signal: AbortSignal): Promise<Metadata> {
    if (signal.aborted) throw cancelled(signal)
    const metadata = new Metadata()
    if (!this.#token) return metadata
    const token = (await this.#token()).trim()
    if (signal.aborted) throw cancelled(signal)
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new StintError('TOKEN_INVALID', {
        explanation: 'The token source must return a bearer token (printable ASCII without blanks).',
      })
    }
    metadata.set('authorization', `Bearer ${token}`)
    return metadata
  }
}

/** Sleeps; an abort is CANCELLED. */
export async function sleep(clock: Timing['clock'], ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    throw signal?.aborted ? cancelled(signal) : error
  }
}

/** The reason itself if it is one of our errors, else CANCELLED. */
export function cancelled(signal: AbortSignal): StintError {
  if (signal.reason instanceof StintError) return signal.reason
  return new StintError('CANCELLED', { explanation: 'The caller cancelled the call.' }, signal.reason)
}

/**
 * True for a token that another connection holds, as far as the broker knows: when that was a connection of our own that
 * broke, the broker finds out within the time that it names.
 */
export function isHeldElsewhere(error: StintError): boolean {
  return error.code === 'TOKEN_REPLAYED' && retryAfterMs(error) > 0
}

/**
 * True for an error that only says how a later try went wrong: the time was over, or a token that the first try was let in with
 * counts no more. It must not hide why there was a later try at all.
 */
function isOfTheRetry({ code }: StintError, first: StintError): boolean {
  if (code === 'TOKEN_REPLAYED' || code === 'DEADLINE_EXCEEDED') return true
  return !failedBeforeIdentity(first) && ERROR_CATALOG[code].grpc === 'UNAUTHENTICATED'
}

/** A later try's answer about the identity is then the first true one. */
function failedBeforeIdentity({ code, details: { check } }: StintError): boolean {
  if (code === 'ISSUER_UNAVAILABLE') return check === 'keys' || check === 'kid'
  return code === 'BROKER_UNAVAILABLE' || code === 'TOKEN_REPLAYED' || code === 'TRUST_DOMAIN_UNAVAILABLE'
}

/** gRPC makes PERMISSION_DENIED, with nothing in it, of the farewell that a broker says to a certificate. */
function mayBeRefusal({ code, cause }: StintError): boolean {
  if (code === 'BROKER_UNAVAILABLE') return true
  return code === 'INTERNAL' && (cause as Partial<ServiceError> | undefined)?.code === status.PERMISSION_DENIED
}

function toStintError(error: unknown): StintError {
  const isServiceError = error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number'
  return isServiceError ? fromServiceError(error as ServiceError) : asStintError(error)
}

/** How long the broker asks to wait; 0 unless it does. */
export function retryAfterMs({ details }: StintError): number {
  return typeof details.retryAfterMs === 'number' ? details.retryAfterMs : 0
}
