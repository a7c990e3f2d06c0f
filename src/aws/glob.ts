/**
 * IAM globs: `*` stands for any text, also empty and across `/` and `:`; `?` for exactly one character; everything else
 * for itself, in its case. The three questions below are answered by automata, never by a backtracking regular expression.
 *
 * @see IAM User Guide, "IAM JSON policy elements: Resource", wildcards in resource ARNs
 */

/** One character of a compiled glob, or a wildcard. */
const ANY_ONE = -1
const ANY_TEXT = -2
const ANY_SEGMENT = -3
const SLASH = '/'.charCodeAt(0)

/** A glob ready for questions: UTF-16 units, `?` as -1, `*` as -2, and -3 for text without `/` (see `compileTemplate`). */
export type Glob = Int32Array

/** Work that one `contains` may do, in state steps; a pattern that needs more is answered "not contained". */
const CONTAINS_BUDGET = 50_000

/** Compiles and normalises: in a run of wildcards `?` comes first and `*` once, so that equal languages look alike. */
export function compileGlob(pattern: string): Glob {
  const out = new Int32Array(pattern.length)
  let length = 0
  for (let at = 0; at < pattern.length; ) {
    const char = pattern.charCodeAt(at)
    if (char !== 42 && char !== 63) {
      out[length++] = char
      at += 1
      continue
    }
    let star = false
    for (; at < pattern.length && (pattern[at] === '*' || pattern[at] === '?'); at += 1) {
      if (pattern[at] === '*') star = true
      else out[length++] = ANY_ONE
    }
    if (star) out[length++] = ANY_TEXT
  }
  return length === pattern.length ? out : out.slice(0, length)
}

/**
 * Compiles pieces of literal text and variables, as AWS writes the ARN of a resource type.
 *
 * @param pieces text, or `any` / `segment` for a variable with or without `/` inside.
 */
export function compileTemplate(pieces: readonly (string | { readonly kind: 'any' | 'segment' })[]): Glob {
  const out: number[] = []
  for (const piece of pieces) {
    if (typeof piece === 'string') for (let at = 0; at < piece.length; at += 1) out.push(piece.charCodeAt(at))
    else out.push(piece.kind === 'any' ? ANY_TEXT : ANY_SEGMENT)
  }
  return Int32Array.from(out)
}

/** True if the glob stands for this text. At most pattern × text steps. */
export function matches(pattern: string | Glob, text: string): boolean {
  const glob = asGlob(pattern)
  let at = 0
  let star = -1
  let resume = 0
  for (let read = 0; read < text.length; ) {
    const token = glob[at]
    if (token === ANY_TEXT) {
      star = at
      at += 1
      resume = read
    } else if (token === ANY_ONE || token === text.charCodeAt(read)) {
      at += 1
      read += 1
    } else if (star >= 0) {
      resume += 1
      at = star + 1
      read = resume
    } else return false
  }
  while (glob[at] === ANY_TEXT) at += 1
  return at === glob.length
}

/** True if some text is matched by both. Exact; at most |a| × |b| steps. */
export function intersects(a: string | Glob, b: string | Glob): boolean {
  const one = asGlob(a)
  const other = asGlob(b)
  const same = commonStart(one, other)
  if (same === undefined) return false
  if (isAnyText(one, same) || isAnyText(other, same)) return true
  if (same === one.length && same === other.length) return true
  return restsIntersect(one.subarray(same), other.subarray(same))
}

function restsIntersect(one: Glob, other: Glob): boolean {
  const [left, right] = one.length >= other.length ? [one, other] : [other, one]
  let row = new Uint8Array(right.length + 1)
  let next = new Uint8Array(right.length + 1)
  row[0] = 1
  for (let i = 0; ; i += 1) {
    next.fill(0)
    const x = left[i]
    let alive = false
    for (let j = 0; j <= right.length; j += 1) {
      if (!row[j]) continue
      alive = true
      const y = right[j]
      if (isStar(y)) row[j + 1] = 1
      if (isStar(x)) {
        next[j] = 1
        if (y !== undefined && overlap(x, y)) row[j + 1] = 1
      } else if (x !== undefined && y !== undefined && overlap(x, y)) {
        next[isStar(y) ? j : j + 1] = 1
      }
    }
    if (i === left.length) return row[right.length] === 1
    if (!alive) return false
    ;[row, next] = [next, row]
  }
}

/**
 * True if everything that `inner` matches is matched by `outer`. Never wrongly true; wrongly false only for a pattern
 * made to exceed the work allowed, which is the safe answer wherever containment grants something.
 *
 * The inner glob is read as the text it stands for, each wildcard filled with a character that `outer` does not spell: what
 * matches that must match by a wildcard, so it matches every filling. A `*` is read as all its possible lengths.
 */
export function contains(outer: string | Glob, inner: string | Glob): boolean {
  const wide = asGlob(outer)
  const narrow = asGlob(inner)
  let same = 0
  while (same < wide.length && same < narrow.length && (wide[same] ?? -1) >= 0 && wide[same] === narrow[same]) same += 1
  if (same === wide.length) return same === narrow.length
  if ((wide[same] ?? -1) >= 0) return false // nothing but this character fits here, and the inner has another or none
  if (wide[same] === ANY_TEXT && same === wide.length - 1) return true
  const budget = { left: CONTAINS_BUDGET }
  let family: States[] = [closeOverStars(wide, [same])]
  for (const token of narrow.subarray(same)) {
    family = isStar(token)
      ? family.flatMap((states) => repeated(wide, states, budget))
      : family.map((states) => advance(wide, states, token, budget))
    family = keepMinimal(family, budget)
    if (budget.left <= 0 || family.some((states) => states.length === 0)) return false
  }
  return family.every((states) => states.includes(wide.length))
}

/** Positions in a glob where matching may go on, ascending. */
type States = readonly number[]

/** All the state sets after one filling character, zero times, once, twice …, until nothing new comes. */
function repeated(glob: Glob, from: States, budget: { left: number }): States[] {
  const sets: States[] = []
  const seen = new Set<string>()
  for (let states = from; budget.left > 0; states = advance(glob, states, ANY_ONE, budget)) {
    const key = states.join()
    if (seen.has(key)) break
    seen.add(key)
    sets.push(states)
    if (states.length === 0) break
  }
  return sets
}

/** One character further: `token` is a literal, or ANY_ONE for the filling, which only wildcards take. */
function advance(glob: Glob, states: States, token: number, budget: { left: number }): States {
  const next: number[] = []
  budget.left -= states.length + 1
  for (const at of states) {
    const want = glob[at]
    if (want === ANY_TEXT) next.push(at)
    else if (want === ANY_ONE || (want === token && token >= 0)) next.push(at + 1)
  }
  return closeOverStars(glob, next)
}

/**
 * Adds what can be reached by an empty `*`, and drops what lies before the last `*`, since that matches all the rest does.
 *
 * @param states ascending, repeats allowed.
 */
function closeOverStars(glob: Glob, states: readonly number[]): States {
  const all: number[] = []
  let lastStar = 0
  for (const start of states) {
    for (let at = start; ; at += 1) {
      if (all.length === 0 || at > (all[all.length - 1] ?? -1)) all.push(at)
      if (glob[at] !== ANY_TEXT) break
      lastStar = all.length - 1
    }
  }
  return lastStar === 0 ? all : all.slice(lastStar)
}

/** Keeps the sets that no other set is part of: what these accept, the others accept. */
function keepMinimal(family: readonly States[], budget: { left: number }): States[] {
  if (family.length === 1) return [...family]
  const kept: { readonly states: States; readonly has: ReadonlySet<number> }[] = []
  for (const states of [...family].sort((a, b) => a.length - b.length)) {
    budget.left -= kept.length * 4 + states.length
    if (budget.left <= 0) return [[]]
    const has = new Set(states)
    if (!kept.some((other) => other.states.every((at) => has.has(at)))) kept.push({ states, has })
  }
  return kept.map(({ states }) => states)
}

function overlap(x: number, y: number): boolean {
  if (x === ANY_SEGMENT) return y !== SLASH
  if (y === ANY_SEGMENT) return x !== SLASH
  return x === y || x < 0 || y < 0
}

function isStar(token: number | undefined): token is typeof ANY_TEXT | typeof ANY_SEGMENT {
  return token === ANY_TEXT || token === ANY_SEGMENT
}

/** How far both stand for one character each, and for the same; undefined if they part before a `*` or an end. */
function commonStart(a: Glob, b: Glob): number | undefined {
  let at = 0
  for (; at < a.length && at < b.length; at += 1) {
    const x = a[at] ?? 0
    const y = b[at] ?? 0
    if (isStar(x) || isStar(y)) return at
    if (x >= 0 && y >= 0 && x !== y) return undefined
  }
  return at
}

/** True if nothing but a `*` is left. */
function isAnyText(glob: Glob, from: number): boolean {
  return from === glob.length - 1 && glob[from] === ANY_TEXT
}

function asGlob(pattern: string | Glob): Glob {
  return typeof pattern === 'string' ? compileGlob(pattern) : pattern
}
