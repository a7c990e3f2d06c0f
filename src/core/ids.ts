import { randomFillSync } from 'node:crypto'
import { encodeTime } from 'ulid'

/** The kinds of id: grant, lease, approval, audit event, connection of an agent, replica of the broker (one start of it), kill, other hold. */
export type IdPrefix = 'grt' | 'lse' | 'apr' | 'evt' | 'con' | 'rpl' | 'kil' | 'hld'

/** Makes ids `<prefix>_<ULID>`: sortable by creation to the millisecond, 80 random bits, so that nobody can guess one. */
export interface Ids {
  next(prefix: IdPrefix, now: Date): string
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const ID_BODY = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** Ids from the operating system's randomness. */
export const randomIds: Ids = {
  next: (prefix, now) => `${prefix}_${encodeTime(now.getTime(), 10)}${randomBody()}`,
}

/** The 26 characters after the prefix: all that AWS ever sees of an id. */
export function idBody(id: string): string {
  return id.slice(id.indexOf('_') + 1)
}

/** The form of an id, e.g. for a schema: what `isId` takes. */
export function idPattern(prefix: IdPrefix): RegExp {
  return new RegExp(`^${prefix}_${ID_BODY.source.slice(1)}`)
}

/** True for exactly `<prefix>_` and a ULID in upper case. */
export function isId(prefix: IdPrefix, text: unknown): text is string {
  return typeof text === 'string' && text.startsWith(`${prefix}_`) && ID_BODY.test(text.slice(prefix.length + 1))
}

/** Random bytes are drawn for many ids at once: a draw costs more than an id. Each byte is used once. */
const pool = Buffer.alloc(16 * 256)
let used = pool.length

function randomBody(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const end = used + 16
  let body = ''
  for (; used < end; used += 1) body += CROCKFORD[(pool[used] ?? 0) & 31]
  return body
}
