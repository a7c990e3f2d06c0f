/** A map that forgets the least recently used entries beyond a limit on their total weight. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, { value: V; weight: number }>()
  readonly #limit: number
  readonly #onForget: (value: V) => void
  #weight = 0

  /** @param options.limit total weight; an entry weighs 1 unless told. */
  constructor({ limit, onForget = () => {} }: { limit: number; onForget?: (value: V) => void }) {
    this.#limit = limit
    this.#onForget = onForget
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** Forgets older entries first to make room; an entry heavier than the limit is kept alone. */
  set(key: string, value: V, weight = 1): void {
    this.delete(key)
    for (const oldest of this.#entries.keys()) {
      if (this.#weight + weight <= this.#limit) break
      this.delete(oldest)
    }
    this.#entries.set(key, { value, weight })
    this.#weight += weight
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#weight -= entry.weight
    this.#onForget(entry.value)
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.delete(key)
  }
}
