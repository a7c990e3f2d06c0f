/** The context of one request, by lower-case condition key. A key that is absent here but `isKnownKey` was not set. */
export type RequestContext = ReadonlyMap<string, string | readonly string[]>

/** Pattern characters after `toPattern`: private-use code points, so that text put in by a variable stays literal. */
const MANY = '\ue000'
const ONE = '\ue001'
const HAS_VARIABLE = /\$\{/

/**
 * Prepares an IAM pattern for `globMatches`: wildcards marked, policy variables replaced by what the request holds.
 *
 * @returns undefined if a variable has no single value in this request.
 * @see IAM User Guide, "IAM policy elements: Variables and tags"
 */
export function toPattern(text: string, context: RequestContext): string | undefined {
  if (!HAS_VARIABLE.test(text)) return mark(text)
  return expand(text, context, mark)
}

/** Replaces policy variables; `*` and `?` are ordinary characters. */
export function expandVariables(text: string, context: RequestContext): string | undefined {
  return HAS_VARIABLE.test(text) ? expand(text, context, (literal) => literal) : text
}

/** True if the whole of `text` fits the prepared pattern. Time is bounded by the product of both lengths. */
export function globMatches(pattern: string, text: string): boolean {
  let at = 0
  let position = 0
  let star = -1
  let resume = 0
  while (position < text.length) {
    if (pattern[at] === MANY) {
      star = at++
      resume = position
    } else if (at < pattern.length && (pattern[at] === ONE || pattern[at] === text[position])) {
      at++
      position++
    } else if (star >= 0) {
      at = star + 1
      position = ++resume
    } else return false
  }
  while (pattern[at] === MANY) at++
  return at === pattern.length
}

function mark(text: string): string {
  return text.replaceAll('*', MANY).replaceAll('?', ONE)
}

function expand(text: string, context: RequestContext, literal: (text: string) => string): string | undefined {
  let out = ''
  let from = 0
  for (const match of text.matchAll(/\$\{([^}]*)\}/g)) {
    const value = variable(match[1] ?? '', context)
    if (value === undefined) return undefined
    out += literal(text.slice(from, match.index)) + value
    from = match.index + match[0].length
  }
  return out + literal(text.slice(from))
}

function variable(name: string, context: RequestContext): string | undefined {
  if (name === '*' || name === '?' || name === '$') return name
  const value = context.get(name.trim().toLowerCase())
  return typeof value === 'string' ? value : undefined
}
