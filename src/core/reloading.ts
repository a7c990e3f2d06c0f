import type { Clock } from './clock.ts'
import { asStintError, type StintError } from './errors.ts'

/** Where a `Reloading` value stands. */
export interface ReloadStatus<T> {
  /** The last value that loaded; still in force while `problem` is set. */
  readonly value?: T
  readonly loadedAt?: Date
  /** Why the source as it is now cannot be used; goes when a load succeeds. */
  readonly problem?: { readonly error: StintError; readonly since: Date }
}

/** What a `Reloading` value follows, and who hears of it. */
export interface ReloadingOptions<T> {
  /** Reads and checks the whole source; throws StintError if any of it is wrong. */
  readonly load: () => Promise<T>
  /** A cheap text that changes whenever the source does, e.g. sizes and times of its files. */
  readonly fingerprint: () => Promise<string>
  readonly clock: Clock
  readonly pollMs: number
  /** Called after each load that succeeded. Must not throw. */
  readonly onLoaded?: (value: T) => void
  /** Called after each load that failed; not again until the source changes. Must not throw. */
  readonly onProblem?: (error: StintError) => void
}

/** A value that follows its source: swapped whole when the source changes and is good, kept when it is not. */
export class Reloading<T> {
  readonly #options: ReloadingOptions<T>
  readonly #stop = new AbortController()
  #status: ReloadStatus<T> = {}
  #seen: string | undefined
  #polling: Promise<void> | undefined
  #working: Promise<unknown> = Promise.resolve()

  constructor(options: ReloadingOptions<T>) {
    this.#options = options
  }

  get status(): ReloadStatus<T> {
    return this.#status
  }

  /** Loads for the first time and begins to poll. A source that cannot be used is a problem in `status`, not a throw. */
  async start(): Promise<void> {
    if (this.#polling) return
    this.#polling = this.#poll()
    await this.#inTurn(() => this.#loadIfChanged())
  }

  /**
   * Loads now, changed or not.
   *
   * @throws {StintError} what is wrong with the source; the last good value stays.
   */
  reload(): Promise<T> {
    return this.#inTurn(async () => {
      this.#seen = await this.#fingerprint()
      return this.#load()
    })
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
      if (slept) await this.#inTurn(() => this.#loadIfChanged())
    }
  }

  async #loadIfChanged(): Promise<void> {
    const fingerprint = await this.#fingerprint()
    if (fingerprint === this.#seen) return
    this.#seen = fingerprint
    // The problem is in the status and with `onProblem`.
    await this.#load().catch(() => undefined)
  }

  /** Taken before the source is read: a change while it is being read is then seen at the next poll. */
  async #fingerprint(): Promise<string> {
    return this.#options.fingerprint().catch((error: unknown) => `unreadable: ${asStintError(error).message}`)
  }

  async #load(): Promise<T> {
    const { load, clock, onLoaded, onProblem } = this.#options
    try {
      const value = await load()
      this.#status = { value, loadedAt: clock.now() }
      onLoaded?.(value)
      return value
    } catch (cause) {
      const error = asStintError(cause)
      const since = this.#status.problem?.since ?? clock.now()
      this.#status = { ...this.#status, problem: { error, since } }
      onProblem?.(error)
      throw error
    }
  }

  /** One load at a time, in the order asked for. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#working.then(work)
    this.#working = done.catch(() => undefined)
    return done
  }
}
