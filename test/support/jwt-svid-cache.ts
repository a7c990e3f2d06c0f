import type { PracticeTrustDomain } from '../../src/practice/stage/pki.ts'

const TTL_SECONDS = 300
/** Left out where JSON is written. */
const NO_JTI = Object.fromEntries([['jti', undefined]])

/**
 * JWT-SVIDs as SPIRE's agent hands them out (1.16): the same one for a SPIFFE ID and its audiences until half of its life is
 * over, `aud` a list, no `jti`.
 */
export class JwtSvidCache {
  readonly #held = new Map<string, { readonly svid: Promise<string>; readonly untilMs: number }>()

  get(from: PracticeTrustDomain, path: string, audience: readonly string[]): Promise<string> {
    const key = JSON.stringify([from.name, from.jwtKey.kid, path, audience])
    const held = this.#held.get(key)
    if (held && Date.now() < held.untilMs) return held.svid
    const order = { path, audience: [...audience], ttlSeconds: TTL_SECONDS, claims: NO_JTI }
    const svid = from.issueJwtSvid(order)
    this.#held.set(key, { svid, untilMs: Date.now() + (TTL_SECONDS * 1_000) / 2 })
    return svid
  }
}
