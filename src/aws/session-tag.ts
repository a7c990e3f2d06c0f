import { createHash } from 'node:crypto'

/** UTF-16 units of a session tag's value. @see STS API Reference, Tag */
const MAX_UNITS = 256
const OUTSIDE = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu
const HASH_DIGITS = 20
/** The end of a value that stands for another text. A text that ends this way itself is hashed too, so that values stay unique. */
const HASH_END = new RegExp(`=[0-9a-f]{${HASH_DIGITS}}$`)

/**
 * The value of a session tag for any text. A text that STS accepts is its own value. In other texts each character that STS
 * rejects becomes `_`, the text is cut to 256 units, and the value ends with `=` and the first 20 hex digits of the SHA-256 of
 * the whole text (UTF-8), so that no other agent can meet a condition on the tag by a name that merely looks alike.
 */
export function sessionTagValue(text: string): string {
  const allowed = text.replace(OUTSIDE, '_')
  if (allowed === text && text.length <= MAX_UNITS && !HASH_END.test(text)) return text
  const hash = createHash('sha256').update(text, 'utf8').digest('hex').slice(0, HASH_DIGITS)
  return `${cut(allowed, MAX_UNITS - HASH_DIGITS - 1)}=${hash}`
}

/** Never through the middle of a character. */
function cut(text: string, units: number): string {
  return text.length <= units ? text : text.slice(0, units).replace(/[\ud800-\udbff]$/, '')
}
