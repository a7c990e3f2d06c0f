import { percentile } from './statistics.ts'

/** How calls come: so many always under way, or so many a second whatever becomes of those before. */
export type Arrival = { readonly inFlight: number } | { readonly perSecond: number }

/** What a load did since the last mark. */
export interface Mark {
  readonly done: number
  readonly failed: number
  /** Of one failure, to see what is wrong. */
  readonly problem?: string
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const NOTHING: Mark = { done: 0, failed: 0, seconds: 0, p50Ms: Number.NaN, p99Ms: Number.NaN }

/** What a load consists of. */
export interface Work {
  once(): Promise<unknown>
  /** Lets go of what it needed. */
  close?(): void
}

/** Where a machine cannot keep up, calls that came at a rate wait here rather than pile up without end. */
const MOST_UNDER_WAY = 256

/** Calls `once` over and over until it is ended, and keeps the time of each call. */
class Load {
  readonly #once: () => Promise<unknown>
  #latencies: number[] = []
  #failed = 0
  #problem: string | undefined
  #sinceMs = performance.now()
  #going = true
  #underWay = 0
  #idle: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(once: () => Promise<unknown>, arrival: Arrival) {
    this.#once = once
    if ('inFlight' in arrival) for (let n = 0; n < arrival.inFlight; n += 1) this.#loop()
    else this.#arrive(arrival.perSecond)
  }

  /** What was done since the last mark; the count begins anew. Where nothing was done, the time goes on. */
  mark(): Mark {
    const now = performance.now()
    const latencies = this.#latencies
    if (latencies.length === 0 && this.#failed === 0) return NOTHING
    const mark = {
      done: latencies.length,
      failed: this.#failed,
      ...(this.#problem ? { problem: this.#problem } : {}),
      seconds: (now - this.#sinceMs) / 1_000,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    }
    this.#latencies = []
    this.#failed = 0
    this.#sinceMs = now
    return mark
  }

  /** Starts no more calls, and waits for those under way. */
  async end(): Promise<void> {
    this.#going = false
    clearInterval(this.#timer)
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  async #loop(): Promise<void> {
    while (this.#going) await this.#call()
  }

  #arrive(perSecond: number): void {
    const startMs = performance.now()
    let started = 0
    this.#timer = setInterval(() => {
      const wanted = ((performance.now() - startMs) / 1_000) * perSecond
      for (; started < wanted && this.#underWay < MOST_UNDER_WAY; started += 1) void this.#call()
    }, 1)
  }

  async #call(): Promise<void> {
    this.#underWay += 1
    const startMs = performance.now()
    try {
      await this.#once()
      this.#latencies.push(performance.now() - startMs)
    } catch (error) {
      this.#failed += 1
      this.#problem = String(error)
      // Whoever is refused at once would otherwise fill the loop.
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#idle?.()
    }
  }
}

/** The methods of a role that runs loads: one at a time. */
export function loadMethods<Input extends object>(start: (input: Input) => Work) {
  let work: Work | undefined
  let load: Load | undefined
  return {
    begin: (input: Input & { arrival: Arrival }) => {
      work = start(input)
      load = new Load(work.once, input.arrival)
    },
    mark: () => load?.mark(),
    end: async () => {
      await load?.end()
      work?.close?.()
    },
  }
}
