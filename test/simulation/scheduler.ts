/** Seeded randomness: mulberry32. The same seed gives the same numbers on every machine. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return this.next() < probability
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)] as T
  }
}

interface Event {
  readonly atMs: number
  /** Drawn at random: which of two events of one instant comes first is the scheduler's choice. */
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** Runs everything of one simulation in virtual time, one event after another, in an order that the seed decides. */
export class Scheduler {
  readonly chance: Chance
  /** Virtual time since the beginning of the simulation: how late it truly is. */
  nowMs = 0
  /** Calls of real code that real time has to finish, such as a commit; the next event waits for them. */
  working = 0
  /** Events that have run. */
  steps = 0
  readonly #heap: Event[] = []

  constructor(chance: Chance) {
    this.chance = chance
  }

  /** @returns takes the event back */
  after(ms: number, run: () => void): () => void {
    const event = { atMs: this.nowMs + Math.max(0, ms), order: this.chance.next(), run, cancelled: false }
    this.#push(event)
    return () => {
      event.cancelled = true
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** Lets real code run on; the next event waits for it. */
  async work<T>(run: () => Promise<T>): Promise<T> {
    this.working += 1
    try {
      return await run()
    } finally {
      this.working -= 1
    }
  }

  /** Runs events until the condition holds or nothing is left to happen. */
  async run(isOver: () => boolean): Promise<void> {
    await this.#settle()
    while (!isOver()) {
      const event = this.#pop()
      if (!event) return
      if (event.cancelled) continue
      this.nowMs = event.atMs
      this.steps += 1
      event.run()
      // Events of one instant may share a turn of the loop, and so a commit.
      while (this.#heap[0]?.atMs === event.atMs && this.chance.happens(0.5)) {
        const next = this.#pop()
        if (!next?.cancelled) next?.run()
      }
      await this.#settle()
    }
  }

  /** Until everything that the events have begun waits for virtual time again. */
  async #settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.working > 0)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!comesBefore(event, heap[parent] as Event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!last || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && comesBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1
      if (!comesBefore(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
    return first
  }
}

function comesBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
