import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { type Part, STOP_WITHIN_MS, type Started } from './part.ts'
import type { NotReady, UnreadyPart } from './readiness.ts'

type Entry = Omit<Started<unknown>, 'value'> & { readonly name: string }

const STOPPING = { part: 'broker', code: 'SHUTTING_DOWN', explanation: 'The broker is stopping.' } as const
const STARTING = {
  part: 'broker',
  code: 'SHUTTING_DOWN',
  explanation: 'The broker is starting; not all of its parts run yet.',
} as const

/** The parts that have started, in their order: whether they are ready, and how they are stopped. */
export class RunningParts {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries: Entry[] = []
  readonly #stopping = new AbortController()
  #complete = false
  #onCompleted = () => {}
  /** By part and code: since when it is not ready. */
  #since: ReadonlyMap<string, Date> = new Map()
  #stopped: Promise<void> | undefined

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Aborted before the first part is stopped. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** Why a good request would not be served, by part; none if it would. */
  notReady(): readonly UnreadyPart[] {
    const now = this.#clock.now()
    const found = [...this.#reasons()].map(({ part, since, ...reason }) => {
      const key = `${part} ${reason.code}`
      return { key, reason: { part, ...reason, since: since ?? this.#since.get(key) ?? now } }
    })
    this.#since = new Map(found.map(({ key, reason: { since } }) => [key, since]))
    return found.map(({ reason }) => reason)
  }

  *#reasons(): Generator<NotReady & { readonly part: string }> {
    if (this.stopping.aborted) yield STOPPING
    else if (!this.#complete) yield STARTING
    for (const { name: part, notReady } of this.#entries) {
      const reason = notReady?.()
      if (reason) yield { part, ...reason }
    }
  }

  /** Calls back once every part has started. */
  whenCompleted(completed: () => void): void {
    this.#onCompleted = completed
  }

  /** Starts the next part. @throws what its start throws */
  async start<Needs, Value>(part: Part<string, Needs, Value>, before: Needs): Promise<Value> {
    this.#logger.debug({ part: part.name }, 'a part starts')
    const { value, ...started } = await part.start(before)
    this.#entries.push({ ...started, name: part.name })
    return value
  }

  /** Every part has started. */
  completed(): void {
    this.#complete = true
    this.#onCompleted()
  }

  /**
   * Stops all parts, the last started first, each within its time. One that fails or takes too long is logged by name and
   * does not keep the others from being stopped. A repeated call is the same stop.
   *
   * @throws when all are through: what the part threw, or INTERNAL if it took too long or several failed.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  async #stopAll(): Promise<void> {
    this.#stopping.abort()
    const failures: unknown[] = []
    for (const entry of this.#entries.toReversed()) {
      try {
        await this.#stopOne(entry)
      } catch (error) {
        this.#logger.error({ part: entry.name, err: error }, 'a part could not be stopped')
        failures.push(error)
      }
    }
    if (failures.length === 0) return
    if (failures.length === 1) throw failures[0]
    const explanation = `${failures.length} parts could not be stopped; the log names each.`
    throw new StintError('INTERNAL', { explanation }, new AggregateError(failures))
  }

  async #stopOne({ name, stop, stopWithinMs = STOP_WITHIN_MS }: Entry): Promise<void> {
    if (!stop) return
    this.#logger.debug({ part: name }, 'a part stops')
    const beganMs = this.#clock.monotonicMs()
    const done = new AbortController()
    const stopped = (async () => stop())()
    const late = this.#clock.sleep(stopWithinMs, done.signal).then(
      () => true,
      () => false,
    )
    try {
      if (!(await Promise.race([stopped.then(() => false), late]))) {
        this.#logger.info({ part: name, ms: Math.round(this.#clock.monotonicMs() - beganMs) }, 'a part has stopped')
        return
      }
    } finally {
      done.abort()
    }
    stopped.then(
      () => this.#logger.info({ part: name }, 'a part has stopped late'),
      (error: unknown) => this.#logger.error({ part: name, err: error }, 'a part that was late could not be stopped'),
    )
    const explanation = `The part ${name} did not stop within ${stopWithinMs} ms; the broker went on without it.`
    throw new StintError('INTERNAL', { explanation })
  }
}
