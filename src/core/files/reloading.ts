import type { Clock } from '../clock.ts'
import { asStintError, type ErrorCode, StintError } from '../errors.ts'

/** Where a `Reloading` value stands. */
export interface ReloadStatus<T> {
  /** The last value that loaded; still in force while `problem` is set. */
  readonly value?: T
  readonly loadedAt?: Date
  /** Why the source as it is now cannot be used; goes when a load succeeds. */
  readonly problem?: { readonly error: StintError; readonly since: Date }
}

/** The source of a `Reloading` value, and its callbacks. */
export interface ReloadingOptions<T> {
  /** Reads and checks the whole source; throws StintError if any of it is wrong. */
  readonly load: () => Promise<T>
  /** A cheap text that changes whenever the source does, e.g. a hash, or sizes and times of its files. */
  readonly fingerprint: () => Promise<string>
  readonly clock: Clock
  readonly pollMs: number
  /** The code that `current` throws while nothing has ever loaded. Default INTERNAL. */
  readonly missing?: { readonly code: ErrorCode; readonly explanation: string }
  /** Puts each value that loaded into force. What it throws is a problem of the source like any other. */
  readonly onLoaded?: (value: T) => void | Promise<void>
  /** Called as each look at the source begins. @returns to be called when the source was found to be good. Must not throw. */
  readonly onLook?: () => () => void
  /** Called with each new problem, and with undefined when the source can be used again. Must not throw. */
  readonly onState?: (problem: StintError | undefined) => void
}

/**
 * A value that follows its source: swapped whole when the source changes and is good, kept when it is not. A source that is
 * wrong is loaded once more, in case it was still being written, and then when it changes; one that could not be read, or
 * whose value could not be put into force, at each look.
 */
export class Reloading<T> {
  readonly #options: ReloadingOptions<T>
  readonly #stop = new AbortController()
  #status: ReloadStatus<T> = {}
  /** Fingerprint of the source that needs no further load; undefined: load at the next look. */
  #seen: string | undefined
  /** Fingerprint of the value in force, if the source held still while it was read. */
  #inForce: string | undefined
  /** Fingerprint of the source that failed last, since one that is good. */
  #failed: string | undefined
  #polling: Promise<void> | undefined
  #working: Promise<unknown> = Promise.resolve()

  constructor(options: ReloadingOptions<T>) {
    this.#options = options
  }

  get status(): ReloadStatus<T> {
    return this.#status
  }

  /**
   * The value in force. Read it once per operation.
   *
   * @throws {StintError} `missing`, if none ever loaded.
   */
  current(): T {
    const { value, problem } = this.#status
    if (value !== undefined) return value
    const { code, explanation } = this.#options.missing ?? { code: 'INTERNAL', explanation: 'Nothing has been loaded.' }
    throw new StintError(code, { explanation }, problem?.error)
  }

  /** Loads for the first time and begins to poll. A source that cannot be used is a problem in `status`, not a throw. */
  async start(): Promise<void> {
    if (this.#polling) return
    this.#polling = this.#poll()
    await this.check()
  }

  /**
   * As `start`, for a source that has to be good at first; nobody hears of its problem but the caller.
   *
   * @throws {StintError} what is wrong with the source; nothing is polled then.
   */
  async startWithValue(): Promise<T> {
    await this.#inTurn(() => this.#look())
    this.#polling ??= this.#poll()
    return this.current()
  }

  /** Looks at the source now. Never throws. */
  check(): Promise<void> {
    return this.#inTurn(() => this.#look().catch((error: unknown) => this.#setProblem(asStintError(error))))
  }

  /** Ends polling, and waits for a load in hand. The value stays. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#polling
    await this.#working
  }

  async #poll(): Promise<void> {
    const { clock, pollMs } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      const slept = await clock.sleep(pollMs, signal).then(
        () => true,
        () => false,
      )
      if (slept) await this.check()
    }
  }

  async #look(): Promise<void> {
    const worked = this.#options.onLook?.()
    const fingerprint = await this.#fingerprint()
    if (fingerprint !== this.#seen) {
      if (fingerprint !== this.#inForce) await this.#load(fingerprint)
      else this.#setWell(this.#status)
      this.#seen = this.#inForce
      this.#failed = undefined
    }
    if (!this.#status.problem) worked?.()
  }

  /** @param before the fingerprint just taken */
  async #load(before: string): Promise<void> {
    const { load, clock, onLoaded } = this.#options
    this.#seen = undefined
    let value: T
    try {
      value = await load()
    } catch (error) {
      // A file that was half written while it was read may have had its final bytes before and after: it gets a second try.
      const isSecondTry = before === this.#failed
      this.#failed = before
      if (isSecondTry && !isReadError(error) && (await this.#fingerprint()) === before) this.#seen = before
      throw error
    }
    await onLoaded?.(value)
    this.#setWell({ value, loadedAt: clock.now() })
    // A change during the read may have been read before or after: the next look reads it again.
    const after = await this.#fingerprint()
    this.#inForce = after === before ? before : undefined
  }

  async #fingerprint(): Promise<string> {
    return this.#options.fingerprint().catch((error: unknown) => `unreadable: ${asStintError(error).message}`)
  }

  #setWell({ problem: _, ...status }: ReloadStatus<T>): void {
    const { problem } = this.#status
    this.#status = status
    if (problem) this.#options.onState?.(undefined)
  }

  #setProblem(error: StintError): void {
    const { problem } = this.#status
    const since = problem?.since ?? this.#options.clock.now()
    this.#status = { ...this.#status, problem: { error, since } }
    if (problem?.error.message !== error.message) this.#options.onState?.(error)
  }

  /** One look at a time, in the order asked for. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#working.then(work)
    this.#working = done.catch(() => undefined)
    return done
  }
}

/** True if the operating system kept the source from being read, which may pass without any change of the source. */
function isReadError(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if ('syscall' in at) return true
  return false
}
