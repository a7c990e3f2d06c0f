/** Seeded choices: the same seed gives the same tasks on every machine. */
export interface Random {
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  /** One of the items. */
  one<T>(items: readonly T[]): T
  /** At least `least` of the items, in their order. */
  some<T>(items: readonly T[], least?: number): readonly T[]
  /** True in this share of cases, a fraction. */
  chance(share: number): boolean
}

/** Makes a generator by the algorithm mulberry32, which is quick and good enough to shuffle examples. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    between,
    one: <T>(items: readonly T[]): T => items[between(0, items.length - 1)] as T,
    some: (items, least = 1) => {
      const wanted = between(Math.min(least, items.length), items.length)
      const kept = new Set<number>()
      while (kept.size < wanted) kept.add(between(0, items.length - 1))
      return items.filter((_, at) => kept.has(at))
    },
    chance: (share) => next() < share,
  }
}
