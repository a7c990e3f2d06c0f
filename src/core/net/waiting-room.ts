/** A member of a room. */
interface Guest {
  /** The address that limits count by. */
  readonly address: string
}

/**
 * Connections that have got equally far and have proved nothing yet. One too many takes the place of another: of the
 * address that has the most the oldest goes, so whoever opens thousands pushes out its own.
 */
export class WaitingRoom<G extends Guest> {
  readonly #limit: number
  /** By address, in order of arrival. */
  readonly #guests = new Map<string, Set<G>>()
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#size >= this.#limit
  }

  /** Takes one in. @returns the one that has to go for it, if any. */
  add(guest: G): G | undefined {
    const evicted = this.isFull ? this.#evict() : undefined
    const neighbours = this.#guests.get(guest.address) ?? new Set()
    this.#guests.set(guest.address, neighbours.add(guest))
    this.#size += 1
    return evicted
  }

  delete(guest: G): void {
    const neighbours = this.#guests.get(guest.address)
    if (!neighbours?.delete(guest)) return
    this.#size -= 1
    if (neighbours.size === 0) this.#guests.delete(guest.address)
  }

  all(): G[] {
    return [...this.#guests.values()].flatMap((neighbours) => [...neighbours])
  }

  #evict(): G | undefined {
    let most: Set<G> | undefined
    for (const neighbours of this.#guests.values()) if (neighbours.size > (most?.size ?? 0)) most = neighbours
    const [oldest] = most ?? []
    if (oldest) this.delete(oldest)
    return oldest
  }
}
