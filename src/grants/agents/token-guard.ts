import type { Clock } from '../../core/clock.ts'
import { asStintError, type ErrorDetails, hasCode, StintError } from '../../core/errors.ts'
import { backoffMs } from '../../core/limits/backoff.ts'
import type { CallConnection, CallerIdentity } from '../../identity/caller-identity.ts'
import type { Ledger, TokenUse } from '../../ledger/ledger.ts'
import type { RefusalLog, TokenFacts } from '../../ledger/refusal-log.ts'

/** How often a bearer token may mint; see `TokenUse`. `lifetime`: until it expires, by anyone who holds it. */
export const TOKEN_REUSE = ['connection', 'never', 'lifetime'] as const
/** A member of `TOKEN_REUSE`. */
export type TokenReuse = (typeof TOKEN_REUSE)[number]

/** Dependencies of a token guard. */
export interface TokenGuardOptions {
  readonly ledger: Pick<Ledger, 'connectionClosed'>
  /** Where refused tokens go, bounded: a thief must neither fill the record nor use up what its victim may have on it. */
  readonly refusedTokens: Pick<RefusalLog, 'note'>
  readonly clock: Clock
  readonly reuse: TokenReuse
  /** How long the edge takes at most to notice that a connection is dead. */
  readonly deadAfterMs: number
  /** Told when the end of a connection cannot be put on record: until it is, its tokens stay with it. */
  readonly onProblem: (error: StintError) => void
  /** Told when every such end is on record. */
  readonly onWell: () => void
}

/** Told as a problem after so many attempts: a busy ledger refuses now and then. */
const QUIET_ATTEMPTS = 5
/** Without jitter: whoever waits here is this process alone. */
const CLOSE_PAUSES = { baseMs: 1_000, capMs: 30_000, leastShare: 1, random: () => 1 }

/** Says what becomes of the bearer token that a call rests on, and follows the connections that tokens were bound to. */
export class TokenGuard {
  readonly #options: TokenGuardOptions
  readonly #followed = new WeakSet<CallConnection>()
  readonly #stop = new AbortController()
  readonly #recording = new Set<Promise<void>>()
  /** Connections that have ended and are not on record so, after the quiet attempts. */
  readonly #unrecorded = new Set<string>()

  constructor(options: TokenGuardOptions) {
    this.#options = options
  }

  /**
   * Describes the token for the ledger to check, and to bind where a lease is intended. Empty for a caller with a
   * certificate, and where a token may be used as long as it lives.
   *
   * @throws {StintError} CANCELLED when the connection of the call has closed: what is bound to it now would stay so;
   *   TOKEN_EXPIRED.
   */
  describeUse(caller: CallerIdentity, by: TokenUse['by'], at: Date): { token?: TokenUse } {
    const { token, subject, evidence } = caller
    const { reuse } = this.#options
    if (!token) return {}
    const { key, until, connection } = token
    // The ledger forgets a token that has ended, and a call may have waited since it was verified.
    if (at >= until) {
      throw new StintError('TOKEN_EXPIRED', { check: 'expiry', explanation: 'The token has expired; fetch a new one.' })
    }
    if (reuse === 'lifetime') return {}
    if (connection.closed.aborted) {
      throw new StintError('CANCELLED', { explanation: "The call's connection has closed." })
    }
    this.#follow(connection)
    return { token: { key, until, reuse, by, connectionId: connection.id, at, caller: { subject, evidence } } }
  }

  /**
   * Asks the issuer whether the token still counts, where the configuration wants that; before the token is spent, so that
   * an issuer that cannot be asked right now costs nobody a token. Such an outage is on the status, and no refusal.
   *
   * @throws {StintError} TOKEN_INVALID, on record; ISSUER_UNAVAILABLE, CANCELLED.
   */
  async askIssuer(caller: CallerIdentity, signal: AbortSignal): Promise<void> {
    try {
      await caller.askIssuer?.(signal)
    } catch (error) {
      if (hasCode(error, 'TOKEN_INVALID')) await this.#noteRefusal(caller, error)
      throw error
    }
  }

  /** Puts a replay on record, with both sides by their ids, before the caller hears of it. @throws what `work` throws */
  async onRecord<T>(caller: CallerIdentity, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!hasCode(error, 'TOKEN_REPLAYED')) throw error
      await this.#noteRefusal(caller, error)
      if (error.details.check !== 'connection') throw error
      // If the other connection is dead, this is when that will be known.
      throw new StintError(error.code, { ...error.details, retryAfterMs: this.#options.deadAfterMs }, error)
    }
  }

  /** Waits for what is being written. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#recording)
  }

  #noteRefusal({ subject, evidence }: CallerIdentity, { code, details }: StintError): Promise<void> {
    return this.#options.refusedTokens.note({
      actor: subject,
      code,
      reason: String(details.check),
      operation: 'mint',
      details: { ...evidence, ...toTokenFacts(details) },
    })
  }

  /** Before the first token is bound to a connection, so that its end comes after that in the ledger. */
  #follow(connection: CallConnection): void {
    if (this.#followed.has(connection)) return
    this.#followed.add(connection)
    const recorded = () => {
      const recording = this.#recordEnd(connection.id).finally(() => this.#recording.delete(recording))
      this.#recording.add(recording)
    }
    connection.closed.addEventListener('abort', recorded, { once: true })
  }

  /** Until it is done: the agent behind the connection cannot use its tokens elsewhere before. */
  async #recordEnd(connectionId: string): Promise<void> {
    const { ledger, clock, onProblem, onWell } = this.#options
    const at = clock.now()
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      try {
        await ledger.connectionClosed({ connectionId, at })
        if (this.#unrecorded.delete(connectionId) && this.#unrecorded.size === 0) onWell()
        return
      } catch (error) {
        if (attempt >= QUIET_ATTEMPTS) {
          this.#unrecorded.add(connectionId)
          onProblem(asStintError(error))
        }
      }
      const pauseMs = backoffMs(Math.max(1, attempt - QUIET_ATTEMPTS + 1), CLOSE_PAUSES)
      await clock.sleep(pauseMs, this.#stop.signal).catch(() => undefined)
    }
    // The next process takes every connection of this one for gone.
  }
}

/** Details of an error about a token, beyond the sentence for people. */
const TOKEN_FACTS = [
  'check',
  'connectionId',
  'replica',
  'ownerConnectionId',
  'ownerReplica',
  'grantId',
] as const satisfies readonly (keyof TokenFacts)[]

function toTokenFacts(details: ErrorDetails): TokenFacts {
  const facts = TOKEN_FACTS.map((name) => [name, details[name]] as const)
  return Object.fromEntries(facts.filter(([, value]) => typeof value === 'string'))
}
