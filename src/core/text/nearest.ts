/**
 * Finds the candidate that was most likely meant, by edit distance in any case.
 *
 * @returns undefined if no candidate is near.
 */
export function findNearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; far: number } | undefined
  const wanted = name.slice(0, MAX_COMPARED).toLowerCase()
  for (const candidate of candidates) {
    const far = distance(wanted, candidate.slice(0, MAX_COMPARED).toLowerCase())
    if (!best || far < best.far) best = { candidate, far }
  }
  return best && best.far <= Math.max(2, Math.floor(name.length / 3)) ? best.candidate : undefined
}

/** `; did you mean X?`, or nothing if no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = findNearest(name, candidates)
  return near === undefined ? '' : `; did you mean ${near}?`
}

/** Characters that are compared: the work grows with the square of the length. */
const MAX_COMPARED = 200

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
