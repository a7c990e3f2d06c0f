import { sha256Hex } from '../../core/canonical-json.ts'
import type { TokenParts } from './jwt-token.ts'

/** The order of each curve's group: a signature (r, s) verifies as (r, order - s) just as well. */
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}

/**
 * Names a token to the replay guard, the same for every spelling of it and for no other token: by `jti`, else by what was
 * signed and the signature. What was signed alone would not do: two SPIRE agents that are asked in one second give tokens
 * that differ in the signature only. The token as it was sent would not do either: whoever copies a token could spell its
 * ECDSA signature in a second way.
 *
 * @param issuer whose `jti` it is, by our own name: the clusters of many installers share one `iss`.
 * @returns lower-case hex SHA-256.
 */
export function replayKey(token: TokenParts, { issuer, jti }: { issuer: string; jti: string | undefined }): string {
  if (jti !== undefined) return sha256Hex(JSON.stringify(['jti', issuer, jti]))
  const { text, signingInput, header } = token
  const signature = Buffer.from(text.slice(signingInput.length + 1), 'base64url')
  return sha256Hex(JSON.stringify(['token', issuer, signingInput, canonicalSignature(signature, header.alg)]))
}

/**
 * An ECDSA signature has two valid forms; this is the one with the low s. An RSA-PSS signature may lack the zero bytes that it
 * begins with: OpenSSL verifies it all the same.
 */
function canonicalSignature(signature: Buffer, alg: unknown): string {
  const order = typeof alg === 'string' && Object.hasOwn(ORDERS, alg) ? ORDERS[alg] : undefined
  const half = signature.length / 2
  if (order === undefined || signature.length === 0 || !Number.isInteger(half))
    return signature.toString('hex').replace(/^0+/, '')
  const r = signature.subarray(0, half).toString('hex')
  const s = BigInt(`0x${signature.subarray(half).toString('hex')}`)
  const low = s < order && 2n * s > order ? order - s : s
  return `${r}${low.toString(16).padStart(2 * half, '0')}`
}
