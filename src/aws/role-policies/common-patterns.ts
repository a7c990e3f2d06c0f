import { BoundedMap } from '../../core/limits/bounded-map.ts'
import { contains } from '../glob.ts'

/** Patterns that one answer may have. */
const MAX_PATTERNS = 8
/** Pairs of positions that are looked at, after what both begin with. Patterns of agents are among them: one answer must not take long. */
const MAX_POSITIONS = 4_000
/** Characters of both together, after what both begin with. */
const MAX_LENGTH = 400
/** The actions of a plan share resources, and so questions. */
const REMEMBERED = 2_000

/** What two patterns both mean; undefined: it has no short name. */
type Common = readonly string[] | undefined

const remembered = new BoundedMap<{ readonly common: Common }>({ limit: REMEMBERED })

/**
 * Names what two patterns both mean, as patterns; together they mean exactly that.
 *
 * @returns undefined if more than eight would be needed, or if finding them would take long; empty if nothing is meant by both.
 */
export function commonPatterns(a: string, b: string): Common {
  const key = `${a}\n${b}`
  const known = remembered.get(key)
  if (known) return known.common
  const common = findCommon(a, b)
  remembered.set(key, { common })
  return common
}

function findCommon(a: string, b: string): Common {
  const [one, other] = [a.replace(/\*+/g, '*'), b.replace(/\*+/g, '*')]
  const start = commonStart(one, other)
  const [left, right] = [one.slice(start), other.slice(start)]
  if (left.length * right.length > MAX_POSITIONS || left.length + right.length > MAX_LENGTH) return undefined
  const found = new Meeting(left, right).from(0, 0)
  return found && dropContained([...found].map((rest) => one.slice(0, start) + rest))
}

/** Characters that both begin with, up to the first wildcard. */
function commonStart(a: string, b: string): number {
  let at = 0
  while (at < a.length && a[at] === b[at] && a[at] !== '*' && a[at] !== '?') at += 1
  return at
}

/** Two patterns that meet, by what is left of each. */
class Meeting {
  readonly #a: string
  readonly #b: string
  readonly #known = new Map<number, ReadonlySet<string> | undefined>()
  /** Characters that both end with. */
  readonly #sameEnd: number

  constructor(a: string, b: string) {
    this.#a = a
    this.#b = b
    let same = 0
    while (same < a.length && same < b.length && a[a.length - 1 - same] === b[b.length - 1 - same]) same += 1
    this.#sameEnd = same
  }

  /** The patterns common to the rests from these positions. Each answer begins where the rests begin. */
  from(i: number, j: number): ReadonlySet<string> | undefined {
    const [a, b] = [this.#a, this.#b]
    const [leftOfA, leftOfB] = [a.length - i, b.length - j]
    const areSame = leftOfA === leftOfB && leftOfA <= this.#sameEnd
    if (areSame || (leftOfA === 1 && a[i] === '*')) return new Set([b.slice(j)])
    if (leftOfB === 1 && b[j] === '*') return new Set([a.slice(i)])
    const key = i * (b.length + 1) + j
    if (this.#known.has(key)) return this.#known.get(key)
    const found = this.#fromAnew(i, j)
    const answer = found && found.size <= MAX_PATTERNS ? found : undefined
    this.#known.set(key, answer)
    return answer
  }

  #fromAnew(i: number, j: number): ReadonlySet<string> | undefined {
    const [x, y] = [this.#a.charAt(i), this.#b.charAt(j)]
    if (x === '*' && y === '*') return prefixed('*', joined(this.from(i + 1, j), this.from(i, j + 1)))
    // The star matches nothing, or takes the first character of the other pattern, which is not a star.
    if (x === '*') return joinedUnlessOver(this.from(i + 1, j), y, () => this.from(i, j + 1))
    if (y === '*') return joinedUnlessOver(this.from(i, j + 1), x, () => this.from(i + 1, j))
    if (x === '' || y === '') return new Set(x === y ? [''] : [])
    if (x !== y && x !== '?' && y !== '?') return new Set()
    return prefixed(x === '?' ? y : x, this.from(i + 1, j + 1))
  }
}

/** @param taken the first character of the other; empty if that is over */
function joinedUnlessOver(
  ofNothing: ReadonlySet<string> | undefined,
  taken: string,
  ofTaken: () => ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return taken === '' ? ofNothing : joined(ofNothing, prefixed(taken, ofTaken()))
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
