import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { sha256Hex } from '../../core/canonical-json.ts'
import { Secret } from '../../core/secret.ts'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const TOKEN = /^(stint_([0-9A-Za-z]{12})_[0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

/** A new operator token. The text is shown once; only its hash is kept. */
export interface MintedOperatorToken {
  readonly token: Secret
  /** 12 public characters, for logs and for telling tokens apart. */
  readonly id: string
  /** Lower-case hex SHA-256 of the whole token: `tokenSha256` of the operator's entry in the configuration. */
  readonly sha256: string
}

/**
 * Makes a token `stint_<id>_<secret><crc>`: 12 public characters, 32 random bytes, and a CRC-32 by which a scanner knows
 * a real token from a look-alike and a typing error is told from a wrong token. All in base 62, so that a double click
 * selects it whole.
 */
export function mintOperatorToken(random: (bytes: number) => Uint8Array = randomBytes): MintedOperatorToken {
  const id = base62(random(9), 13).slice(-12)
  const body = `stint_${id}_${base62(random(32), 43)}`
  const text = body + checksum(body)
  return { token: new Secret(text), id, sha256: operatorTokenHash(text) }
}

/** The form in which a token is kept: lower-case hex SHA-256 of its text. 256 random bits need no slow hash. */
export function operatorTokenHash(token: string): string {
  return sha256Hex(token)
}

/** The public id of a well-formed token, or undefined if form or checksum are wrong. Says nothing of whether it is valid. */
export function operatorTokenId(text: string): string | undefined {
  const [, body, id, crc] = TOKEN.exec(text) ?? []
  return body !== undefined && checksum(body) === crc ? id : undefined
}

function checksum(body: string): string {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(crc32(body))
  return base62(value, 6)
}

function base62(bytes: Uint8Array, characters: number): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; rest > 0n; rest /= 62n) text = BASE62.charAt(Number(rest % 62n)) + text
  return text.padStart(characters, '0')
}
