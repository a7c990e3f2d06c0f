import { createHash } from 'node:crypto'
import { StintError } from '../core/errors.ts'
import type { BundleStore } from './bundle-store.ts'
import type { CallerIdentity } from './caller-identity.ts'
import type { JwtSvidVerifier, VerifiedJwtSvid } from './jwt-svid.ts'
import { tokenInvalid } from './jwt-token.ts'
import { spiffeIdText } from './spiffe-id.ts'
import type { VerifiedConnection } from './verified-connection.ts'
import type { VerifiedX509Svid } from './x509-svid.ts'

export interface AuthenticatorOptions {
  readonly bundles: BundleStore
  /** Without it, bearer tokens are refused, also beside a certificate. */
  readonly tokens?: JwtSvidVerifier
  /** Whether a token may come alone, as it does on a listener without client certificates. Default false. */
  readonly bearerAlone?: boolean
}

/** What a call has shown. */
export interface Proofs {
  /** The connection of the call if its peer has shown a certificate. */
  readonly connection?: VerifiedConnection | undefined
  /** Every value of the `authorization` metadata. */
  readonly authorization?: readonly (string | Uint8Array)[]
}

const MAX_CACHED_TOKENS = 1024

/**
 * Says who calls. Every proof that a call shows must verify, and two must name the same agent: a broken proof is never
 * outweighed by another.
 */
export class Authenticator {
  readonly #bundles: BundleStore
  readonly #tokens: JwtSvidVerifier | undefined
  readonly #bearerAlone: boolean
  /** By SHA-256 of the whole token; only of the generation in `#cachedGeneration`, the oldest first. */
  readonly #cache = new Map<string, VerifiedJwtSvid>()
  #cachedGeneration = -1

  constructor({ bundles, tokens, bearerAlone = false }: AuthenticatorOptions) {
    this.#bundles = bundles
    this.#tokens = tokens
    this.#bearerAlone = bearerAlone
  }

  /**
   * @throws {StintError} IDENTITY_REQUIRED, IDENTITY_MISMATCH, and what the checks of SVIDs and tokens throw.
   */
  async authenticate({ connection, authorization = [] }: Proofs, now: Date): Promise<CallerIdentity> {
    const svid = connection?.svid(now)
    if (authorization.length === 0) {
      if (svid) return fromSvid(svid)
      throw new StintError('IDENTITY_REQUIRED', { explanation: 'Call with an X.509-SVID or, where open, a JWT-SVID.' })
    }
    const token = await this.#verifyToken(bearerToken(authorization), { alone: !svid, now })
    if (svid) return fromBoth(svid, token)
    return fromToken(token)
  }

  async #verifyToken(text: string, { alone, now }: { alone: boolean; now: Date }): Promise<VerifiedJwtSvid> {
    if (!this.#tokens || (alone && !this.#bearerAlone)) {
      throw tokenInvalid('not-accepted', 'Bearer tokens are not accepted here; connect with an X.509-SVID.')
    }
    const { snapshot } = this.#bundles
    if (snapshot.generation !== this.#cachedGeneration) this.#cache.clear()
    this.#cachedGeneration = snapshot.generation
    const key = createHash('sha256').update(text).digest('base64')
    const cached = this.#cache.get(key)
    if (cached && now < cached.replayUntil) return cached
    const verified = await this.#tokens.verify(text, { bundles: snapshot, now })
    if (snapshot === this.#bundles.snapshot) this.#remember(key, verified)
    return verified
  }

  #remember(key: string, verified: VerifiedJwtSvid): void {
    const [oldest] = this.#cache.keys()
    if (this.#cache.size >= MAX_CACHED_TOKENS && oldest !== undefined) this.#cache.delete(oldest)
    this.#cache.set(key, verified)
  }
}

function bearerToken(values: readonly (string | Uint8Array)[]): string {
  const [value, ...more] = values
  if (more.length > 0) throw tokenInvalid('several', 'A call carries one authorization value at most.')
  const match = typeof value === 'string' ? /^bearer ([A-Za-z0-9._-]+)$/i.exec(value) : null
  if (match?.[1] === undefined) throw tokenInvalid('scheme', 'The authorization value must be Bearer and a JWT-SVID.')
  return match[1]
}

function fromSvid(svid: VerifiedX509Svid): CallerIdentity {
  return {
    subject: spiffeIdText(svid.id),
    trustDomain: svid.id.trustDomain,
    authMethod: 'x509-svid',
    expiresAt: svid.notAfter,
    evidence: { certificateFingerprint: svid.fingerprint },
  }
}

function fromToken(token: VerifiedJwtSvid): CallerIdentity {
  return {
    subject: spiffeIdText(token.id),
    trustDomain: token.id.trustDomain,
    authMethod: 'jwt-svid',
    expiresAt: token.replayUntil,
    evidence: { tokenId: token.tokenId },
    replay: { key: token.replayKey, until: token.replayUntil },
  }
}

function fromBoth(svid: VerifiedX509Svid, token: VerifiedJwtSvid): CallerIdentity {
  const subject = spiffeIdText(svid.id)
  if (subject !== spiffeIdText(token.id)) {
    throw new StintError('IDENTITY_MISMATCH', {
      explanation: 'The certificate and the bearer token must be of the same agent; send one of them alone.',
    })
  }
  return {
    subject,
    trustDomain: svid.id.trustDomain,
    authMethod: 'x509-svid+jwt-svid',
    expiresAt: svid.notAfter < token.replayUntil ? svid.notAfter : token.replayUntil,
    evidence: { certificateFingerprint: svid.fingerprint, tokenId: token.tokenId },
  }
}
