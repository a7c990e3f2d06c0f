import { asStintError, StintError } from '../../../core/errors.ts'

/** The store under a group commit; every step is synchronous. */
export interface CommitTarget {
  begin(): void
  /** True if `begin` failed only because another connection is writing just now. */
  isBusy(error: unknown): boolean
  /** Runs one unit. When it throws, only `rollback` undoes it. */
  unguarded<T>(run: () => T): T
  /** Runs one unit inside a savepoint; undoes it alone when it throws. @throws what the unit threw */
  unit<T>(run: () => T): T
  /** Makes everything since `begin` durable. */
  commit(): void
  /** Undoes everything since `begin`; must not throw. */
  rollback(): void
  /** True for an error after which the store itself cannot be trusted: the disk, not the unit. */
  isFatal(error: unknown): boolean
}

/** How much may share a commit and how much may wait for one. */
export interface GroupCommitOptions {
  /** Units in one commit. Beyond a few dozen a commit only blocks the loop for longer. */
  readonly maxBatch?: number
  /** Units that may wait; over it a write is refused. */
  readonly maxQueue?: number
  /** Further places for writes that settle or take away access. */
  readonly reserved?: number
  /** Told of every commit that has succeeded, for a metric. */
  readonly onCommit?: (commit: Commit) => void
}

/** One commit, with all writes that shared it. */
export interface Commit {
  readonly writes: number
  readonly seconds: number
  /** Writes that wait for the next one. */
  readonly waiting: number
}

interface Waiting {
  readonly run: () => unknown
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * Lets concurrent writes share one commit. A write resolves only after the commit that holds it has returned; a unit that
 * throws is undone alone, and its neighbours commit. After a failure of the store every write rejects with
 * LEDGER_UNAVAILABLE, for good: whether the last commit is durable is then unknown, and only opening again can tell.
 */
export class GroupCommit {
  readonly #target: CommitTarget
  readonly #maxBatch: number
  readonly #maxQueue: number
  readonly #reserved: number
  readonly #onCommit: ((commit: Commit) => void) | undefined
  #queue: Waiting[] = []
  #scheduled = false
  #closed: StintError | undefined
  #idle: (() => void)[] = []

  constructor(target: CommitTarget, options: GroupCommitOptions = {}) {
    this.#target = target
    this.#maxBatch = options.maxBatch ?? 32
    this.#maxQueue = options.maxQueue ?? 10_000
    this.#reserved = options.reserved ?? 2_000
    this.#onCommit = options.onCommit
  }

  /**
   * @param run one atomic unit; synchronous. Its error is the write's error. It runs twice when a unit of its batch fails.
   * @throws {StintError} LEDGER_UNAVAILABLE when the queue is full, the ledger is closed or the store has failed.
   */
  write<T>(run: () => T, kind: 'ordinary' | 'settling' = 'ordinary'): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (this.#queue.length >= this.#maxQueue + (kind === 'settling' ? this.#reserved : 0)) {
      return Promise.reject(
        new StintError('LEDGER_UNAVAILABLE', {
          explanation: 'Too many writes are waiting for the ledger; try again later.',
          waiting: this.#queue.length,
        }),
      )
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run, resolve, reject })
      this.#schedule()
    })
  }

  /** Refuses further writes and waits for those in hand. */
  async close(): Promise<void> {
    this.#closed ??= new StintError('LEDGER_UNAVAILABLE', { explanation: 'The ledger is closed.' })
    if (this.#queue.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // After the I/O callbacks of this turn, so that all of their writes share the commit.
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    const batch = this.#queue.splice(0, this.#maxBatch)
    if (batch.length > 0) this.#commit(batch)
    if (this.#queue.length > 0) this.#schedule()
    else for (const idle of this.#idle.splice(0)) idle()
  }

  #commit(batch: readonly Waiting[]): void {
    const startMs = performance.now()
    if (!this.#begin(batch)) return
    let outcomes: (() => void)[] | undefined
    try {
      outcomes = this.#runTogether(batch)
      if (!outcomes) {
        this.#target.rollback()
        if (!this.#begin(batch)) return
        outcomes = batch.map((unit) => this.#runGuarded(unit))
      }
      this.#target.commit()
    } catch (error) {
      this.#target.rollback()
      this.#poison(batch, error)
      return
    }
    const seconds = (performance.now() - startMs) / 1_000
    this.#onCommit?.({ writes: batch.length, seconds, waiting: this.#queue.length })
    for (const tell of outcomes) tell()
  }

  #begin(batch: readonly Waiting[]): boolean {
    try {
      this.#target.begin()
      return true
    } catch (error) {
      if (this.#target.isBusy(error)) refuseBusy(batch, error)
      else this.#poison(batch, error)
      return false
    }
  }

  /** Units seldom fail, and a savepoint each would copy every page that they touch. Undefined when one has failed. */
  #runTogether(batch: readonly Waiting[]): (() => void)[] | undefined {
    try {
      return batch.map(({ run, resolve }) => {
        const value = this.#target.unguarded(run)
        return () => resolve(value as never)
      })
    } catch (error) {
      if (this.#target.isFatal(error)) throw error
      return undefined
    }
  }

  #runGuarded({ run, resolve, reject }: Waiting): () => void {
    try {
      const value = this.#target.unit(run)
      return () => resolve(value as never)
    } catch (error) {
      if (this.#target.isFatal(error)) throw error
      return () => reject(asStintError(error))
    }
  }

  #poison(batch: readonly Waiting[], cause: unknown): void {
    this.#closed = new StintError(
      'LEDGER_UNAVAILABLE',
      {
        explanation: 'A write to the ledger failed, so nothing more is recorded until the broker is started again.',
        poisoned: true,
      },
      cause,
    )
    for (const { reject } of [...batch, ...this.#queue.splice(0)]) reject(this.#closed)
  }
}

function refuseBusy(batch: readonly Waiting[], cause: unknown): void {
  const error = new StintError(
    'LEDGER_UNAVAILABLE',
    { explanation: 'Another program is writing to the ledger file; try again later.' },
    cause,
  )
  for (const { reject } of batch) reject(error)
}
