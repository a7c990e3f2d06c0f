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
/** No integer of fewer digits is beyond 2^53; dearer work is for texts that have so many in a row. */
const MANY_DIGITS = /\d{16}/
const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]
const [OPEN_OBJECT, OPEN_ARRAY, CLOSE_OBJECT, CLOSE_ARRAY] = [0x7b, 0x5b, 0x7d, 0x5d]

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
    if (!MANY_DIGITS.test(text)) return JSON.parse(text)
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

/** Walks the text once; the syntax itself is JSON.parse's business, so odd input may pass here and fail there. */
function checkKeys(text: string): void {
  const open: (Set<string> | undefined)[] = []
  let [start, end] = [0, 0] // of the string read last, quotes included
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      start = at
      end = endOfString(text, at)
      at = end - 1
    } else if (code === COLON) addKey(open.at(-1), text.slice(start, end))
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) open.pop()
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      open.push(code === OPEN_OBJECT ? new Set() : undefined)
      if (open.length > MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`)
    }
  }
}

/** The place after the closing quote of the string that begins here, else the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at += 1
  }
  return text.length
}

function addKey(keys: Set<string> | undefined, quoted: string): void {
  const key = decodeKey(quoted)
  if (keys === undefined || key === undefined) return
  if (keys.has(key)) throw new SyntaxError('an object has the same key twice')
  keys.add(key)
}

/** Two spellings of a key are one key: what is escaped has to be read. */
function decodeKey(quoted: string): string | undefined {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    const key: unknown = JSON.parse(quoted)
    return typeof key === 'string' ? key : undefined
  } catch {
    return undefined
  }
}
