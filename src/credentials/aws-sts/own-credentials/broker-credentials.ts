import type { Clock } from '../../../core/clock.ts'
import type { AwsCredentialSource } from '../calls/clients.ts'

/** One set of AWS credentials as its source gave it. `expiration` is known for some sources only. */
export interface BrokerKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/** Reads the credentials from where they are kept, each time anew. */
export type ReadBrokerKeys = () => Promise<BrokerKeys>

/** Outcome of reading the credentials anew. */
export type Renewal = 'renewed' | 'unchanged' | 'unreadable'

/** The source of the broker's own credentials failed; `cause` is its error. */
export class CredentialSourceError extends Error {
  override readonly name = 'CredentialSourceError'
}

/** Credentials that end sooner are read anew, as the SDKs do. */
const SOON_OVER_MS = 300_000
/** A source is read no more often than this because calls fail or an end is near. */
const READ_PAUSE_MS = 1_000
/** A source that does not answer is given up, so that a later call asks it again. */
const READ_TIMEOUT_MS = 20_000
/**
 * The longest pause while readings hang. The first is twice the timeout and each is twice as long as the one before: a reading
 * that was given up may hold a process (`credential_process`), which nobody here can end.
 */
const MAX_HANGING_PAUSE_MS = 600_000

/**
 * The AWS credentials that the broker calls AWS with. Many sources (a shared file, mounted key files, `credential_process`)
 * tell no end, and the SDK would keep the first answer of these for ever: so AWS's refusal of the credentials is what
 * makes them read anew, by `renew`. Whoever calls at the same time shares one reading.
 */
export class BrokerCredentials {
  readonly #read: ReadBrokerKeys
  readonly #clock: Clock
  readonly #readTimeoutMs: number
  #keys: BrokerKeys | undefined
  #reading: Promise<BrokerKeys> | undefined
  #readAtMs = Number.NEGATIVE_INFINITY
  #lastFailed = false
  /** Readings that were given up and have not ended. */
  #hanging = 0
  #version = 0

  /** @param options.readTimeoutMs default 20 s */
  constructor(options: { readonly read: ReadBrokerKeys; readonly clock: Clock; readonly readTimeoutMs?: number }) {
    this.#read = options.read
    this.#clock = options.clock
    this.#readTimeoutMs = options.readTimeoutMs ?? READ_TIMEOUT_MS
  }

  /** For an SDK client. Marked as memoized, since the client would else keep what has no expiration. */
  get source(): NonNullable<AwsCredentialSource> {
    return Object.assign(() => this.#provide(), { memoized: true })
  }

  /** Changes whenever other credentials were read; taken before a call, and given to `renew` when AWS refuses that call. */
  get version(): number {
    return this.#version
  }

  /** Texts that must not be quoted from an answer; empty before the first reading. */
  get secrets(): readonly string[] {
    if (!this.#keys) return []
    const { secretAccessKey, sessionToken } = this.#keys
    return sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken]
  }

  /**
   * Reads the source anew unless that has happened since `usedVersion`, or was tried within the last second.
   *
   * @param limits how long the caller can wait; the reading itself goes on for others.
   * @returns `renewed` when a call with the present credentials is worth a try.
   */
  async renew(
    usedVersion: number,
    limits: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Renewal> {
    // A call that found none here was signed with the first that were read.
    const used = usedVersion === 0 && this.#version > 0 ? 1 : usedVersion
    if (this.#version !== used) return 'renewed'
    if (!this.#reading && this.#pausing()) return this.#lastFailed ? 'unreadable' : 'unchanged'
    try {
      await inTime(() => this.#readOnce(), limits)
    } catch {
      return 'unreadable'
    }
    return this.#version === used ? 'unchanged' : 'renewed'
  }

  async #provide(): Promise<BrokerKeys> {
    const keys = this.#keys
    const leftMs = (keys?.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - this.#clock.now().getTime()
    if (!keys || leftMs <= 0) return this.#readOnce()
    // Credentials that still work are used, whether or not newer ones can be had.
    if (leftMs < SOON_OVER_MS && !this.#pausing()) this.#readOnce().catch(() => undefined)
    return keys
  }

  #pausing(): boolean {
    const hangingPauseMs = Math.min(MAX_HANGING_PAUSE_MS, this.#readTimeoutMs * 2 ** this.#hanging)
    return this.#clock.monotonicMs() - this.#readAtMs < (this.#hanging > 0 ? hangingPauseMs : READ_PAUSE_MS)
  }

  #readOnce(): Promise<BrokerKeys> {
    if (this.#reading) return this.#reading
    if (this.#hanging > 0 && this.#pausing()) return Promise.reject(sourceError(new Error('it still does not answer')))
    this.#readAtMs = this.#clock.monotonicMs()
    const work = Promise.resolve().then(this.#read)
    const reading = inTime(() => work, { timeoutMs: this.#readTimeoutMs })
      .catch((cause: unknown) => {
        this.#lastFailed = true
        if (cause instanceof TooLate) this.#watchHanging(work)
        throw sourceError(cause)
      })
      .then((keys) => this.#keep(keys))
      .finally(() => {
        this.#reading = undefined
      })
    this.#reading = reading
    return reading
  }

  #watchHanging(work: Promise<unknown>): void {
    const ended = () => {
      this.#hanging -= 1
    }
    this.#hanging += 1
    work.then(ended, ended)
  }

  #keep(keys: BrokerKeys): BrokerKeys {
    this.#lastFailed = false
    if (!this.#keys || !sameKeys(this.#keys, keys)) this.#version += 1
    this.#keys = keys
    return keys
  }
}

function sourceError(cause: unknown): CredentialSourceError {
  return new CredentialSourceError("The broker's AWS credential source failed.", { cause })
}

/** Named so that it is read as a call that was not answered in time. */
class TooLate extends Error {
  override readonly name = 'TimeoutError'
}

function sameKeys(a: BrokerKeys, b: BrokerKeys): boolean {
  return a.accessKeyId === b.accessKeyId && a.secretAccessKey === b.secretAccessKey && a.sessionToken === b.sessionToken
}

async function inTime<T>(
  work: () => Promise<T>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(new TooLate('no credentials in time'))
  const timer = setTimeout(giveUp, timeoutMs).unref()
  signal?.addEventListener('abort', giveUp, { once: true })
  if (signal?.aborted) giveUp()
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}
