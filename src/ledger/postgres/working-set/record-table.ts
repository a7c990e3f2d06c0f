import type { Journal } from './journal.ts'

/** A row as the database has it; reading it may throw for a damaged one. */
interface Stored<Row, T> {
  readonly row: Row
  readonly read: () => T
}

type Change<T> = { readonly value: T } | 'removed'

/**
 * The records of one kind that a batch works on: as they were read, with what its units have made of them. Later units see
 * what earlier ones did; what a unit did that failed is undone.
 */
export class RecordTable<Row, T> {
  readonly #journal: Journal
  readonly #stored = new Map<string, Stored<Row, T>>()
  readonly #changes = new Map<string, Change<T>>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  load(key: string, row: Row, read: () => T): void {
    this.#stored.set(key, { row, read })
  }

  /** The row as the database has it, damaged or not. */
  findRow(key: string): Row | undefined {
    return this.#stored.get(key)?.row
  }

  /** Keys of all rows that were read, changed or made. */
  keys(): string[] {
    return [...new Set([...this.#stored.keys(), ...this.#changes.keys()])]
  }

  /** @throws {StintError} LEDGER_CORRUPT */
  get(key: string): T | undefined {
    const change = this.#changes.get(key)
    if (change) return change === 'removed' ? undefined : change.value
    return this.#stored.get(key)?.read()
  }

  /** True when there is a row, damaged or not. */
  has(key: string): boolean {
    const change = this.#changes.get(key)
    return change ? change !== 'removed' : this.#stored.has(key)
  }

  put(key: string, value: T): void {
    this.#change(key, { value })
  }

  remove(key: string): void {
    this.#change(key, 'removed')
  }

  /** Records of rows that the database does not have, in the order of their keys. */
  inserted(): T[] {
    return this.#changed(false)
  }

  updated(): T[] {
    return this.#changed(true)
  }

  removed(): string[] {
    return [...this.#changes].flatMap(([key, change]) => (change === 'removed' && this.#stored.has(key) ? [key] : []))
  }

  #changed(isStored: boolean): T[] {
    return [...this.#changes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, change]) => (change !== 'removed' && this.#stored.has(key) === isStored ? [change.value] : []))
  }

  #change(key: string, change: Change<T>): void {
    const before = this.#changes.get(key)
    this.#journal.note(() => {
      if (before) this.#changes.set(key, before)
      else this.#changes.delete(key)
    })
    this.#changes.set(key, change)
  }
}
