import type { Journal } from './journal.ts'

/** Changes of counters by key. */
export class Tally {
  readonly #journal: Journal
  readonly #sums = new Map<string, number>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  add(key: string, by: number): void {
    if (by === 0) return
    const before = this.#sums.get(key) ?? 0
    this.#journal.note(() => this.#sums.set(key, before))
    this.#sums.set(key, before + by)
  }

  get(key: string): number {
    return this.#sums.get(key) ?? 0
  }

  /** The sums other than 0, by key in ascending order, so that two writers lock the same rows in the same order. */
  entries(): (readonly [key: string, by: number])[] {
    return [...this.#sums].filter(([, by]) => by !== 0).sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
