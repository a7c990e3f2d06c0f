/** The cloud's own time, as its answers tell it. Leases begin and end by it, not by the broker's. */
export interface CloudClock {
  /** Calls the listener with the time of each answer as it comes in: HTTP's Date, in whole seconds, rounded down. */
  subscribe(listener: (cloudNow: Date) => void): void
  /** Makes the cloud answer soon, whatever it says; missing where there is nothing to ask. */
  readonly ask?: () => void
}

/** Passes the times of answers on. */
export class CloudClockRelay implements CloudClock {
  readonly ask?: () => void
  readonly #listeners: ((cloudNow: Date) => void)[] = []

  constructor(ask: (() => void) | undefined) {
    if (ask) this.ask = ask
  }

  subscribe(listener: (cloudNow: Date) => void): void {
    this.#listeners.push(listener)
  }

  /** An answer has come in. */
  tell(cloudNow: Date): void {
    for (const listener of this.#listeners) listener(cloudNow)
  }
}
