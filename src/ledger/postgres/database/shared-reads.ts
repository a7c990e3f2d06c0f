import { isUnitFault } from './pg-errors.ts'
import type { ReadPool } from './read-pool.ts'
import type { Rows, Statement } from './statement.ts'

/** Statements of one round: more of them would make the first answers wait for the last. */
const MAX_STATEMENTS = 64
/** Rounds at the same time; what is asked for meanwhile goes together with the next one. */
const MAX_ROUNDS = 2

interface Asked {
  readonly statements: readonly Statement[]
  readonly resolve: (rows: Rows[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Reads of a few rows by their keys, which concurrent calls share: those that are asked for in one turn, or while others are under way,
 * go in one transaction and one round trip. A read that is asked for after a commit was acknowledged sees it, since its transaction
 * begins later.
 */
export class SharedReads {
  readonly #pool: Pick<ReadPool, 'read'>
  readonly #asked: Asked[] = []
  #rounds = 0
  #isScheduled = false

  constructor(pool: Pick<ReadPool, 'read'>) {
    this.#pool = pool
  }

  /** @throws whatever `ReadPool.read` throws */
  read(statements: readonly Statement[]): Promise<Rows[]> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ statements, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled || this.#rounds >= MAX_ROUNDS || this.#asked.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#rounds += 1
      void this.#answer(this.#next()).finally(() => {
        this.#rounds -= 1
        this.#schedule()
      })
      this.#schedule()
    })
  }

  #next(): Asked[] {
    let statements = 0
    const end = this.#asked.findIndex((asked, at) => {
      statements += asked.statements.length
      return at > 0 && statements > MAX_STATEMENTS
    })
    return this.#asked.splice(0, end < 0 ? this.#asked.length : end)
  }

  /**
   * Never rejects. A statement that the database refuses, e.g. for a value, ends the whole transaction: then each read is repeated by
   * itself. A database that cannot be reached fails all of them at once, since repeating them would wait for it once for each.
   */
  async #answer(round: readonly Asked[]): Promise<void> {
    try {
      const rows = await this.#pool.read(round.flatMap(({ statements }) => statements))
      let from = 0
      for (const { statements, resolve } of round) {
        resolve(rows.slice(from, from + statements.length))
        from += statements.length
      }
    } catch (error) {
      const isRepeated = round.length > 1 && isUnitFault(error)
      for (const asked of round) {
        if (isRepeated) await this.#answer([asked])
        else asked.reject(error)
      }
    }
  }
}
