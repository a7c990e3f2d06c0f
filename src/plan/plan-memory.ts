/** Keeps the values used last, up to a number. Not for secrets: nothing but pressure ever removes one. */
export class PlanMemory<V> {
  readonly #capacity: number
  readonly #values = new Map<string, V>()

  constructor({ capacity }: { readonly capacity: number }) {
    this.#capacity = capacity
  }

  get(key: string): V | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#capacity) return
    const [oldest] = this.#values.keys()
    if (oldest !== undefined) this.#values.delete(oldest)
  }
}
