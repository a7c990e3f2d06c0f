/**
 * Does work on each item, at most `limit` at the same time, and yields the results in the order of the items. When the caller
 * stops, work in progress is not awaited.
 *
 * @param work its error is thrown when its turn comes.
 */
export async function* mapSideBySide<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = []
  const rest = items[Symbol.iterator]()
  const begin = () => {
    const next = rest.next()
    if (next.done) return
    const result = work(next.value)
    result.catch(() => undefined) // thrown when it is this one's turn
    begun.push(result)
  }
  for (let n = 0; n < limit; n++) begin()
  for (let first = begun.shift(); first; first = begun.shift()) {
    const result = await first
    begin()
    yield result
  }
}
