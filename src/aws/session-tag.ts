import { createHash } from 'node:crypto'

/** UTF-16 units of a session tag's value. @see STS API Reference, Tag */
const MAX_UNITS = 256
const OUTSIDE = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu
const HASH_DIGITS = 20
/** How a value ends that stands for another text; a text that itself ends so is hashed too, so that no two texts share one. */
const HASH_END = new RegExp(`=[0-9a-f]{${HASH_DIGITS}}$`)

/**
 * The value of a session tag for any text. A text that STS takes is its own value. In others each character that STS does not
 * take becomes `_` and what is too long is cut, and the value ends with `=` and the first 20 hex digits of the SHA-256 of the
 * whole text (UTF-8): a condition on a tag must never be met by another agent whose name only looks alike after the change.
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
