/** The cloud's own time, from its answers. Leases begin and end by it, not by the broker's clock. */
export interface CloudClock {
  /** Calls the listener with the time of each answer: its HTTP Date, in whole seconds, rounded down. */
  subscribe(listener: (cloudNow: Date) => void): void
  /** Makes a call so that an answer comes soon; missing if the cloud has no such call. */
  readonly ask?: () => void
}

/** Passes the times of answers to listeners. */
export class CloudClockRelay implements CloudClock {
  readonly ask?: () => void
  readonly #listeners: ((cloudNow: Date) => void)[] = []

  constructor(ask: (() => void) | undefined) {
    if (ask) this.ask = ask
  }

  subscribe(listener: (cloudNow: Date) => void): void {
    this.#listeners.push(listener)
  }

  /** Tells all listeners the time of an answer. */
  tell(cloudNow: Date): void {
    for (const listener of this.#listeners) listener(cloudNow)
  }
}
