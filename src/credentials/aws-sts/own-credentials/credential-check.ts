import type { Clock } from '../../../core/clock.ts'

/** How soon to look again after a failure. */
const AFTER_FAILURE_MS = 10_000

/** Dependencies of the check. */
export interface CredentialCheckDeps {
  /** One look; what it finds goes to the provider's observer. Rejects when it found a fault. */
  readonly look: (signal: AbortSignal) => Promise<void>
  /** Between two looks while all is well; 0 for none at all. */
  readonly everyMs: number
  readonly clock: Clock
}

/**
 * Looks at the broker's own credentials at start and every few minutes: whether they work must not be learnt from the first
 * agent's failed task, nor from the first revocation.
 */
export class CredentialCheck {
  readonly #deps: CredentialCheckDeps
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #looked = false

  constructor(deps: CredentialCheckDeps) {
    this.#deps = deps
  }

  /** Begins to look, and does not wait for what it finds. */
  start(): void {
    if (this.#deps.everyMs > 0) this.#loop ??= this.#run()
  }

  /** True until the first look has ended. What it found is with the observer. */
  get isFirstLookDue(): boolean {
    return this.#deps.everyMs > 0 && !this.#looked
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { look, everyMs, clock } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      const ok = await look(signal).then(
        () => true,
        // Told to the observer by the look itself.
        () => false,
      )
      this.#looked = true
      await clock.sleep(ok ? everyMs : Math.min(everyMs, AFTER_FAILURE_MS), signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }
}
