import { hash } from 'node:crypto'
import { sha256Hex } from '../core/canonical-json.ts'
import { StintError } from '../core/errors.ts'
import { BoundedMap } from '../core/limits/bounded-map.ts'
import type { AwaitedKeys } from './bundle/awaited-keys.ts'
import type { BundleStore } from './bundle/bundle-store.ts'
import type { CallConnection, CallerIdentity } from './caller-identity.ts'
import type { JwtSvidVerifier, VerifiedJwtSvid } from './jwt/jwt-svid.ts'
import { type TokenParts, takeTokenApart, tokenInvalid } from './jwt/jwt-token.ts'
import { checkBinding } from './jwt/token-binding.ts'
import type { OidcVerifier } from './oidc/oidc-verifier.ts'
import { spiffeIdText } from './spiffe-id.ts'
import type { VerifiedConnection } from './verified-connection.ts'
import type { VerifiedX509Svid } from './x509/x509-svid.ts'

/** The proofs that are accepted. */
export interface AuthenticatorOptions {
  readonly bundles: BundleStore
  /** The verifier of now; without one, JWT-SVIDs are refused, also beside a certificate. */
  readonly tokens?: () => JwtSvidVerifier | undefined
  /** Without it, tokens of OIDC issuers are refused, also beside a certificate. */
  readonly oidc?: OidcVerifier
  /** Without it, a JWT-SVID whose key is not in the bundle is refused for good at once. */
  readonly awaitedKeys?: AwaitedKeys
  /** True if a token may come alone, as it does on a listener without client certificates. Default false. */
  readonly bearerAlone?: boolean
}

/** The credentials that a call has shown. */
export interface Proofs {
  /** The connection of the call if its peer has shown a certificate. */
  readonly connection?: VerifiedConnection | undefined
  /** The connection of the call where peers show no certificate. */
  readonly via?: CallConnection | undefined
  /** Every value of the `authorization` metadata. */
  readonly authorization?: readonly (string | Uint8Array)[]
}

const MAX_CACHED_TOKENS = 1024

/** A token that has been verified, of whatever kind. */
interface ShownToken {
  readonly method: 'jwt-svid' | 'oidc'
  readonly subject: string
  readonly trustDomain: string
  readonly expiresAt: Date
  readonly tokenId: string
  readonly replay: { readonly key: string; readonly until: Date }
  readonly askIssuer?: (signal: AbortSignal) => Promise<void>
  readonly boundTo?: string
  readonly facets?: Readonly<Record<string, string>>
}

/**
 * Says who calls. Every proof that a call shows must verify, and two must name the same agent: a broken proof is never
 * outweighed by another. A certificate and the token of an OIDC issuer can never name the same agent; together they count
 * only if the issuer has bound the token to that certificate, and then the token says who it is.
 */
export class Authenticator {
  readonly #bundles: BundleStore
  readonly #tokens: () => JwtSvidVerifier | undefined
  readonly #oidc: OidcVerifier | undefined
  readonly #awaitedKeys: AwaitedKeys | undefined
  readonly #bearerAlone: boolean
  /** By SHA-256 of the whole token; only of the generation in `#cachedGeneration`, by `#cachedBy`. JWT-SVIDs only. */
  readonly #cache = new BoundedMap<VerifiedJwtSvid>({ limit: MAX_CACHED_TOKENS })
  #cachedGeneration = -1
  #cachedBy: JwtSvidVerifier | undefined

  constructor({ bundles, tokens, oidc, awaitedKeys, bearerAlone = false }: AuthenticatorOptions) {
    this.#bundles = bundles
    this.#tokens = tokens ?? (() => undefined)
    this.#oidc = oidc
    this.#awaitedKeys = awaitedKeys
    this.#bearerAlone = bearerAlone
  }

  /**
   * @throws {StintError} IDENTITY_REQUIRED, IDENTITY_MISMATCH, TOKEN_BINDING_MISMATCH, CANCELLED, and what the checks of SVIDs and
   *   tokens throw.
   */
  async authenticate({ connection, via, authorization = [] }: Proofs, now: Date): Promise<CallerIdentity> {
    const svid = connection?.svid(now)
    if (authorization.length === 0) {
      if (svid) return fromSvid(svid)
      throw new StintError('IDENTITY_REQUIRED', {
        explanation: 'Present an X.509-SVID, or a JWT-SVID or OIDC token where the bearer port is enabled.',
      })
    }
    const token = await this.#verifyToken(bearerToken(authorization), { alone: !svid, now })
    checkBinding(token.boundTo, svid?.fingerprint)
    if (svid) return fromBoth(svid, token)
    return fromTokenAlone(token, via)
  }

  async #verifyToken(text: string, { alone, now }: { alone: boolean; now: Date }): Promise<ShownToken> {
    const tokens = this.#tokens()
    const oidc = this.#oidc?.hasIssuers ? this.#oidc : undefined
    if ((!tokens && !oidc) || (alone && !this.#bearerAlone)) {
      throw tokenInvalid('not-accepted', 'Bearer tokens are not accepted here; connect with an X.509-SVID.')
    }
    const key = cacheKey(text)
    const cached = this.#cached(key, now, tokens)
    if (cached) return shownJwtSvid(cached)
    const parts = takeTokenApart(text)
    if (oidc?.handles(parts)) {
      const { acceptedUntil: expiresAt, ...verified } = await oidc.verify(parts, now)
      return { ...verified, method: 'oidc', expiresAt }
    }
    if (!tokens || !namesSpiffeId(parts)) {
      throw tokenInvalid('issuer', "The token's issuer (iss) is not configured here.")
    }
    const { snapshot } = this.#bundles
    const keyWaitMs = (trustDomain: string) => this.#awaitedKeys?.waitMs(text, trustDomain) ?? 0
    const verified = await tokens.verify(parts, { bundles: snapshot, now, keyWaitMs })
    if (snapshot === this.#bundles.snapshot && tokens === this.#cachedBy) this.#cache.set(key, verified)
    return shownJwtSvid(verified)
  }

  #cached(key: string, now: Date, by: JwtSvidVerifier | undefined): VerifiedJwtSvid | undefined {
    const { generation } = this.#bundles.snapshot
    if (generation !== this.#cachedGeneration || by !== this.#cachedBy) this.#cache.clear()
    this.#cachedGeneration = generation
    this.#cachedBy = by
    const cached = this.#cache.get(key)
    return cached && now < cached.replayUntil ? cached : undefined
  }
}

/**
 * Names a token that was refused, for the record: the hash of what it says was signed. Nothing that its sender chose gets
 * into the name.
 *
 * @returns lower-case hex; undefined when no one token was shown.
 */
export function refusedTokenId(values: readonly (string | Uint8Array)[]): string | undefined {
  try {
    const text = bearerToken(values)
    return sha256Hex(text.slice(0, Math.max(0, text.lastIndexOf('.'))))
  } catch {
    return undefined
  }
}

function cacheKey(text: string): string {
  return hash('sha256', text, 'base64')
}

function bearerToken(values: readonly (string | Uint8Array)[]): string {
  const [value, ...more] = values
  if (more.length > 0) throw tokenInvalid('several', 'A call may carry only one authorization value.')
  const match = typeof value === 'string' ? /^bearer ([A-Za-z0-9._-]+)$/i.exec(value) : null
  if (match?.[1] === undefined) throw tokenInvalid('scheme', 'The authorization value must be Bearer and a JWT.')
  return match[1]
}

/** A token without a text as `sub` is left to the check of JWT-SVIDs, which says what is wrong with it. */
function namesSpiffeId({ claims: { sub, iss } }: TokenParts): boolean {
  return typeof iss !== 'string' || typeof sub !== 'string' || sub.startsWith('spiffe:')
}

function shownJwtSvid({ id, replayKey, replayUntil, tokenId, boundTo }: VerifiedJwtSvid): ShownToken {
  return {
    method: 'jwt-svid',
    subject: spiffeIdText(id),
    trustDomain: id.trustDomain,
    expiresAt: replayUntil,
    tokenId,
    replay: { key: replayKey, until: replayUntil },
    ...(boundTo === undefined ? {} : { boundTo }),
  }
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

function fromTokenAlone(token: ShownToken, via: CallConnection | undefined): CallerIdentity {
  if (!via) throw new StintError('CANCELLED', { explanation: "The call's connection has closed." })
  return { ...fromToken(token), token: { ...token.replay, connection: via } }
}

function fromToken({
  method,
  subject,
  trustDomain,
  expiresAt,
  tokenId,
  facets,
  askIssuer,
}: ShownToken): CallerIdentity {
  return {
    subject,
    trustDomain,
    authMethod: method,
    expiresAt,
    evidence: { tokenId, ...(facets ? { facets } : {}) },
    ...(askIssuer ? { askIssuer } : {}),
  }
}

function fromBoth(svid: VerifiedX509Svid, token: ShownToken): CallerIdentity {
  const agrees = token.method === 'oidc' ? token.boundTo !== undefined : spiffeIdText(svid.id) === token.subject
  if (!agrees) {
    throw new StintError('IDENTITY_MISMATCH', {
      explanation:
        'The certificate and the bearer token must name the same agent, or the token must be bound to the certificate. Otherwise send only one of them.',
    })
  }
  const identity = fromToken(token)
  return {
    ...identity,
    authMethod: `x509-svid+${token.method}`,
    expiresAt: svid.notAfter < token.expiresAt ? svid.notAfter : token.expiresAt,
    evidence: { certificateFingerprint: svid.fingerprint, ...identity.evidence },
  }
}
