/** A JSON value as `parseStrictJson` gives it: integers beyond 2^53 keep every digit as `bigint`. */
export type StrictJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly StrictJson[]
  | { readonly [key: string]: StrictJson }

const MAX_DEPTH = 32
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * Reads JSON that others may read differently from us: refuses an object with the same key twice, since parsers disagree
 * on which one counts, and anything nested deeper than 32 levels.
 *
 * @param text the whole document, a byte order mark not included.
 * @returns numbers as `number`; an integer literal that a `number` cannot hold exactly as `bigint`.
 * @throws {SyntaxError} what is wrong, without the text itself.
 * @see RFC 8259, section 4
 */
export function parseStrictJson(text: string): StrictJson {
  checkKeys(text)
  try {
    return JSON.parse(text, exactIntegers as (key: string, value: unknown) => unknown)
  } catch {
    throw new SyntaxError('not JSON')
  }
}

/** True for a JSON object, that is neither null nor an array. */
export function isJsonObject(value: StrictJson | undefined): value is { readonly [key: string]: StrictJson } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function exactIntegers(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context.source === undefined) return value
  return /^-?\d{1,100}$/.test(context.source) ? BigInt(context.source) : value
}

/** Walks the tokens; the syntax itself is JSON.parse's business, so odd input may pass here and fail there. */
function checkKeys(text: string): void {
  const open: (Set<string> | undefined)[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') addKey(open.at(-1), last)
    if (open.length > MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`)
    last = token
  }
}

function addKey(keys: Set<string> | undefined, token: string): void {
  const key = decodeKey(token)
  if (keys === undefined || key === undefined) return
  if (keys.has(key)) throw new SyntaxError('an object has the same key twice')
  keys.add(key)
}

function decodeKey(token: string): string | undefined {
  try {
    const key: unknown = JSON.parse(token)
    return typeof key === 'string' ? key : undefined
  } catch {
    return undefined
  }
}
