import { StintError } from '../core/errors.ts'

/** Limits on the writes that share a commit and on those that wait for one. */
export interface WriteQueueOptions {
  /** Units in one commit. */
  readonly maxBatch?: number
  /** Units that may wait; over it a write is refused. */
  readonly maxQueue?: number
  /** Further places for writes that settle or take away access. */
  readonly reserved?: number
  /** Called after each batch, whatever came of it. */
  readonly onCommit?: (commit: { readonly writes: number; readonly seconds: number; readonly waiting: number }) => void
}

/** A unit that waits for its commit. */
export interface Waiting<Work> {
  readonly work: Work
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * Lets concurrent writes share one commit: while one batch is on its way to the database, the next one gathers.
 */
export class WriteQueue<Work> {
  readonly #write: (batch: readonly Waiting<Work>[]) => Promise<void>
  readonly #isAlone: (work: Work) => boolean
  readonly #maxBatch: number
  readonly #maxQueue: number
  readonly #reserved: number
  readonly #onCommit: WriteQueueOptions['onCommit']
  readonly #queue: Waiting<Work>[] = []
  #running: Promise<void> | undefined
  #isClosed = false

  /**
   * @param write settles every unit of a batch, and never rejects
   * @param isAlone true for a unit that needs a batch of its own
   */
  constructor(
    write: (batch: readonly Waiting<Work>[]) => Promise<void>,
    isAlone: (work: Work) => boolean,
    options: WriteQueueOptions = {},
  ) {
    this.#write = write
    this.#isAlone = isAlone
    this.#maxBatch = options.maxBatch ?? 64
    this.#maxQueue = options.maxQueue ?? 10_000
    this.#reserved = options.reserved ?? 2_000
    this.#onCommit = options.onCommit
  }

  /**
   * Queues a unit and resolves with its result once that is durable.
   *
   * @throws {StintError} LEDGER_UNAVAILABLE when the queue is full or closed; else the error of the unit.
   */
  add<T>(work: Work, kind: 'ordinary' | 'settling' = 'ordinary'): Promise<T> {
    if (this.#isClosed) {
      return Promise.reject(new StintError('LEDGER_UNAVAILABLE', { explanation: 'The ledger is closed.' }))
    }
    const waiting = this.#queue.length
    if (waiting >= this.#maxQueue + (kind === 'settling' ? this.#reserved : 0)) {
      const explanation = 'Too many writes are waiting for the ledger; try again later.'
      return Promise.reject(new StintError('LEDGER_UNAVAILABLE', { explanation, waiting }))
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** How many wait for the next batch. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Refuses further writes and waits for those in hand. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  async #run(): Promise<void> {
    // After the I/O callbacks of this turn, so that all of their writes share the commit.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) await this.#commit(this.#next())
    this.#running = undefined
  }

  async #commit(batch: readonly Waiting<Work>[]): Promise<void> {
    const began = performance.now()
    await this.#write(batch)
    const seconds = (performance.now() - began) / 1_000
    this.#onCommit?.({ writes: batch.length, seconds, waiting: this.#queue.length })
  }

  #next(): Waiting<Work>[] {
    const alone = this.#queue.findIndex(({ work }) => this.#isAlone(work))
    const size = alone < 0 ? this.#maxBatch : Math.min(Math.max(alone, 1), this.#maxBatch)
    return this.#queue.splice(0, size)
  }
}
