import { contains } from '../glob.ts'

/** Patterns that one answer may have. */
const MAX_PATTERNS = 8
/** Pairs of positions that are looked at, after what both begin and end with. */
const MAX_POSITIONS = 20_000

/**
 * Names what two patterns both mean, as patterns; together they mean exactly that.
 *
 * @returns undefined if more than eight would be needed; empty if nothing is meant by both.
 */
export function commonPatterns(a: string, b: string): readonly string[] | undefined {
  const [one, other] = [a.replace(/\*+/g, '*'), b.replace(/\*+/g, '*')]
  const start = commonStart(one, other)
  const [left, right] = [one.slice(start), other.slice(start)]
  if (left.length * right.length > MAX_POSITIONS) return undefined
  const found = meet(left, right, new Map())
  return found && dropContained([...found].map((rest) => one.slice(0, start) + rest))
}

/** Characters that both begin with, up to the first wildcard. */
function commonStart(a: string, b: string): number {
  let at = 0
  while (at < a.length && a[at] === b[at] && a[at] !== '*' && a[at] !== '?') at += 1
  return at
}

/** The patterns common to two rests. Each answer begins where the rests begin. */
function meet(
  a: string,
  b: string,
  known: Map<string, ReadonlySet<string> | undefined>,
): ReadonlySet<string> | undefined {
  if (a === '*' || a === b) return new Set([b])
  if (b === '*') return new Set([a])
  const key = `${a}\n${b}`
  if (known.has(key)) return known.get(key)
  const found = meetAnew(a, b, known)
  const answer = found && found.size <= MAX_PATTERNS ? found : undefined
  known.set(key, answer)
  return answer
}

function meetAnew(
  a: string,
  b: string,
  known: Map<string, ReadonlySet<string> | undefined>,
): ReadonlySet<string> | undefined {
  const [x = '', y = ''] = [a.charAt(0), b.charAt(0)]
  if (x === '*' && y === '*') return prefixed('*', joined(meet(a.slice(1), b, known), meet(a, b.slice(1), known)))
  if (x === '*') return starMeets(a, b, known)
  if (y === '*') return starMeets(b, a, known)
  if (x === '' || y === '') return new Set(x === y ? [''] : [])
  if (x !== y && x !== '?' && y !== '?') return new Set()
  return prefixed(x === '?' ? y : x, meet(a.slice(1), b.slice(1), known))
}

/** The star means nothing, or takes the first character of the other, which is none. */
function starMeets(
  star: string,
  other: string,
  known: Map<string, ReadonlySet<string> | undefined>,
): ReadonlySet<string> | undefined {
  const empty = meet(star.slice(1), other, known)
  if (other === '') return empty
  return joined(empty, prefixed(other.charAt(0), meet(star, other.slice(1), known)))
}

function prefixed(character: string, rests: ReadonlySet<string> | undefined): ReadonlySet<string> | undefined {
  return (
    rests && new Set([...rests].map((rest) => (character === '*' && rest.startsWith('*') ? rest : character + rest)))
  )
}

function joined(
  a: ReadonlySet<string> | undefined,
  b: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return a && b && new Set([...a, ...b])
}

function dropContained(patterns: readonly string[]): readonly string[] {
  const sorted = patterns.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
  return sorted.filter(
    (one, at) =>
      !sorted.some((other, place) => place !== at && contains(other, one) && (place < at || !contains(one, other))),
  )
}
