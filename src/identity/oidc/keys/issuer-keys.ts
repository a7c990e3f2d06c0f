import type { Clock } from '../../../core/clock.ts'
import { asStintError, StintError } from '../../../core/errors.ts'
import { tokenInvalid } from '../../jwt/jwt-token.ts'
import type { PublishedKeys } from './discovery.ts'
import type { IssuerKey } from './jwks.ts'

/** Options of `IssuerKeys`. */
export interface IssuerKeysOptions {
  /** Gets the keys anew; bounded in time and size by itself. */
  readonly load: (signal: AbortSignal) => Promise<PublishedKeys>
  readonly clock: Clock
  /** After so long without an answer of the issuer its keys are trusted no longer. */
  readonly maxKeyAgeMs: number
  /** How often keys are fetched without need, so that a withdrawn key stops to count. Default 10 minutes. */
  readonly refreshMs?: number
  /** The least time between two attempts, whether they work or fail and whoever asks. Default 30 s. */
  readonly cooldownMs?: number
  /** Called after each failed attempt. Must not throw. */
  readonly onProblem?: (error: StintError) => void
  /** Called after each attempt that worked. Must not throw. */
  readonly onLoaded?: (published: PublishedKeys) => void
}

/** On both clocks: a suspended machine stops the one, a correction turns the other back. */
interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

const DEFAULT_REFRESH_MS = 10 * 60_000
const DEFAULT_COOLDOWN_MS = 30_000

/**
 * The keys of an issuer at one place, kept current: fetched in the background, and ahead of time when a token names a key that is not
 * known yet. However many tokens with invented keys come, the issuer is asked once in 30 seconds at most. When it does not
 * answer, the keys held go on for a bounded time; then none counts.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  readonly #refreshMs: number
  readonly #cooldownMs: number
  readonly #stop = new AbortController()
  #keys: ReadonlyMap<string, IssuerKey> = new Map()
  #loadedAt: Instant | undefined
  #attemptedAtMs = Number.NEGATIVE_INFINITY
  #problem: StintError | undefined
  /** How many attempts have begun. */
  #looks = 0
  #attempt: Promise<void> | undefined
  #following: Promise<void> | undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
    this.#refreshMs = options.refreshMs ?? DEFAULT_REFRESH_MS
    this.#cooldownMs = options.cooldownMs ?? DEFAULT_COOLDOWN_MS
  }

  /** Begins to follow the issuer; does not wait for it, so that one that is down does not hold up the others. */
  start(): void {
    this.#following ??= this.#follow()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#following
    await this.#attempt
  }

  /** True if there are keys that count now. */
  get usable(): boolean {
    const { clock, maxKeyAgeMs } = this.#options
    if (!this.#loadedAt) return false
    const [now, then] = [instant(clock), this.#loadedAt]
    return Math.max(now.wallMs - then.wallMs, now.monotonicMs - then.monotonicMs) < maxKeyAgeMs
  }

  /** All keys that count now. */
  get current(): readonly IssuerKey[] {
    return this.usable ? [...this.#keys.values()] : []
  }

  /** The key of this name, without asking the issuer. */
  held(kid: string): IssuerKey | undefined {
    return this.usable ? this.#keys.get(kid) : undefined
  }

  /**
   * The key of this name, if need be after one look at the issuer.
   *
   * @throws {StintError} TOKEN_INVALID (kid) only when a look that began after this call has worked and shows no such key;
   *   else ISSUER_UNAVAILABLE with `details.retryAfterMs`, after which the issuer may be asked again.
   */
  async keyFor(kid: string): Promise<IssuerKey> {
    const held = this.held(kid)
    if (held) return held
    const looksBefore = this.#looks
    await this.#refresh()
    const found = this.held(kid)
    if (found) return found
    if (!this.usable || this.#problem) {
      const explanation =
        'The keys of the token issuer are unavailable, so the token cannot be verified; try again later.'
      throw this.#unavailable('keys', explanation)
    }
    if (this.#looks > looksBefore) throw tokenInvalid('kid', "The token's issuer has no key with this kid.")
    // The issuer may have changed its keys since the last look.
    throw this.#unavailable(
      'kid',
      "The token's issuer had no key with this kid when the broker last fetched its keys. The broker fetches them again soon.",
    )
  }

  #unavailable(check: 'keys' | 'kid', explanation: string): StintError {
    const retryAfterMs = Math.ceil(this.#leftMs())
    return new StintError('ISSUER_UNAVAILABLE', { check, explanation, retryAfterMs }, this.#problem)
  }

  /** Until the issuer may be asked again. */
  #leftMs(): number {
    return Math.max(0, this.#attemptedAtMs + this.#cooldownMs - this.#options.clock.monotonicMs())
  }

  async #follow(): Promise<void> {
    const { clock } = this.#options
    while (!this.#stop.signal.aborted) {
      await this.#refresh()
      const wait = this.#problem ? Math.min(this.#cooldownMs, this.#refreshMs) : this.#refreshMs
      await clock.sleep(wait, this.#stop.signal).catch(() => undefined)
    }
  }

  /** One attempt at a time, which all wait for; none at all while the last one is recent. */
  #refresh(): Promise<void> {
    const { clock } = this.#options
    if (this.#attempt) return this.#attempt
    if (this.#stop.signal.aborted || this.#leftMs() > 0) return Promise.resolve()
    this.#looks += 1
    this.#attemptedAtMs = clock.monotonicMs()
    this.#attempt = this.#load().finally(() => {
      this.#attempt = undefined
    })
    return this.#attempt
  }

  async #load(): Promise<void> {
    const { load, clock, onLoaded, onProblem } = this.#options
    const startedAt = instant(clock)
    try {
      const published = await load(this.#stop.signal)
      // A changed configuration may have taken the issuer off the status meanwhile.
      if (this.#stop.signal.aborted) return
      this.#keys = published.keys
      this.#loadedAt = startedAt
      this.#problem = undefined
      onLoaded?.(published)
    } catch (thrown) {
      if (this.#stop.signal.aborted) return
      this.#problem = asStintError(thrown)
      onProblem?.(this.#problem)
    }
  }
}

function instant(clock: Clock): Instant {
  return { wallMs: clock.now().getTime(), monotonicMs: clock.monotonicMs() }
}
