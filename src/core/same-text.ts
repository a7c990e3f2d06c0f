import { hash, timingSafeEqual } from 'node:crypto'

/** True if two secrets are the same text. In constant time whatever the lengths, since digests are compared. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}
