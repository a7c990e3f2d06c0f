import { createHash } from 'node:crypto'
import { BoundedMap } from '../../core/limits/bounded-map.ts'

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const CHARACTERS = 12
const SESSION_NAME = /^[0-7][0-9A-HJKMNP-TV-Z]{25}\.\d+\.[a-z2-7]{12}$/

/** Most names that are remembered. */
const MAX_KNOWN = 10_000
const known = new BoundedMap<string>({ limit: MAX_KNOWN })

/**
 * The part of a session name that stands for the agent: the first 60 bits of the SHA-256 of its subject (UTF-8), in lower-case
 * base32 (RFC 4648, section 6). A session name has at most 64 characters, a subject up to 2,048.
 */
export function agentName(subject: string): string {
  const before = known.get(subject)
  if (before !== undefined) return before
  const bits = createHash('sha256').update(subject, 'utf8').digest().readBigUInt64BE() >> 4n
  let text = ''
  for (let at = CHARACTERS - 1; at >= 0; at -= 1) text += BASE32[Number((bits >> BigInt(5 * at)) & 31n)]
  known.set(subject, text)
  return text
}

/** True if the name of a session carries its agent. Names by earlier versions do not. */
export function carriesAgent(sessionName: string): boolean {
  return SESSION_NAME.test(sessionName)
}
