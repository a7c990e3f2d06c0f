/**
 * Looks again until `look` gives something or says yes; for what happens in another process. Bounded, so that what never
 * comes fails with `what` instead of hanging.
 *
 * @param everyMs longer where each look costs calls that are limited.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  boundMs = 60_000,
  everyMs = 25,
): Promise<T> {
  const endMs = performance.now() + boundMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > endMs) throw new Error(`never came: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** At most `limit` pieces of work at the same time; the others wait for their turn. */
export function turns(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = limit
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
