import { compactVerify } from 'jose'
import { sha256Hex } from '../../core/canonical-json.ts'
import { StintError } from '../../core/errors.ts'
import type { JwtAuthority } from '../bundle/bundle-keys.ts'
import { type BundleSnapshot, requireBundle } from '../bundle/bundle-store.ts'
import { type SpiffeId, spiffeIdText } from '../spiffe-id.ts'
import type { JwtClaims } from './jwt-claims.ts'
import { checkClaims } from './jwt-claims.ts'
import type { CompactToken, TokenParts } from './jwt-token.ts'
import { readCompactToken, tokenInvalid } from './jwt-token.ts'
import { replayKey } from './replay-key.ts'
import { readConfirmation } from './token-binding.ts'

/** The demands of this service on a JWT-SVID. */
export interface JwtSvidRules {
  /** Our own identifiers in `aud`, compared exactly: one, or several of which a token names any. */
  readonly audience?: string | readonly string[] | undefined
  /** In the place of `audience`, for the tokens of a trust domain. */
  readonly audienceByDomain?: ReadonlyMap<string, readonly string[]> | undefined
  /** The longest life of a token that is accepted. Default 3600. */
  readonly maxLifetimeSeconds?: number
  /** For clocks that differ: 0 to 30. Default 10. */
  readonly leewaySeconds?: number
  /** True if ours must be the only audiences, so that no other service can pass the token on. Default true. */
  readonly soleAudience?: boolean
}

/** A JWT-SVID whose signature and claims were checked against the bundle of its own trust domain. */
export interface VerifiedJwtSvid {
  readonly id: SpiffeId
  /** The claim `exp`. */
  readonly expiresAt: Date
  readonly issuedAt?: Date
  /** `jti`, else the hash of the signing input; for the record. */
  readonly tokenId: string
  /** As `replayKey` says it. */
  readonly replayKey: string
  /** Until when the token would be accepted: `exp` plus leeway. */
  readonly replayUntil: Date
  /** The fingerprint of the certificate that it is bound to (`cnf`). */
  readonly boundTo?: string
}

/**
 * Makes the verifier of JWT-SVIDs by fixed rules.
 *
 * @throws {StintError} CONFIG_INVALID: an empty audience would accept every token, so it is refused here.
 */
export function createJwtSvidVerifier(rules: JwtSvidRules): JwtSvidVerifier {
  const { maxLifetimeSeconds = 3600, leewaySeconds = 10, soleAudience = true } = rules
  const audiencesFor = createAudienceLookup(rules)
  if (!(maxLifetimeSeconds > 0 && maxLifetimeSeconds <= 86_400)) {
    throw configInvalid('maxLifetimeSeconds', 'The maximum token lifetime must be between 1 s and 24 h.')
  }
  if (!(leewaySeconds >= 0 && leewaySeconds <= 30)) {
    throw configInvalid('leewaySeconds', 'The clock leeway must be between 0 and 30 s.')
  }
  const checked = { audiencesFor, maxLifetimeSeconds, leewaySeconds, soleAudience }
  return { verify: (token, context) => verify(token, { ...context, ...checked }) }
}

/** Checks bearer tokens by fixed rules. */
export interface JwtSvidVerifier {
  /**
   * Checks a JWT-SVID in compact form. The key comes from the bundle of the trust domain in `sub`, never from the token.
   *
   * @param token its text, or what `takeTokenApart` made of it, so that nobody reads it twice.
   * @throws {StintError} TOKEN_INVALID or TOKEN_EXPIRED with `details.check`; TRUST_DOMAIN_UNAVAILABLE (kid) with
   *   `details.retryAfterMs` while the key may still come; as `requireBundle`.
   * @see JWT-SVID, sections 2 to 6
   */
  verify(token: string | TokenParts, context: VerificationContext): Promise<VerifiedJwtSvid>
}

/** Inputs of a verification besides the token: the keys, the time and the keys still on their way. */
export interface VerificationContext {
  readonly bundles: BundleSnapshot
  readonly now: Date
  /** How long the key of this token may still take to come, when its trust domain has no such key; 0 unless given. */
  readonly keyWaitMs?: ((trustDomain: string) => number) | undefined
}

interface Context extends VerificationContext {
  readonly audiencesFor: (trustDomain: string) => readonly string[]
  readonly maxLifetimeSeconds: number
  readonly leewaySeconds: number
  readonly soleAudience: boolean
}

function createAudienceLookup({ audience = [], audienceByDomain = new Map() }: JwtSvidRules) {
  const common = typeof audience === 'string' ? [audience] : audience
  const all = [common, ...audienceByDomain.values()].flat()
  if (all.length === 0 || !all.every((text) => typeof text === 'string' && text.trim() !== '')) {
    throw configInvalid('audience', 'The audience of bearer tokens must not be empty.')
  }
  return (trustDomain: string): readonly string[] => audienceByDomain.get(trustDomain) ?? common
}

async function verify(token: string | TokenParts, context: Context): Promise<VerifiedJwtSvid> {
  const read = readCompactToken(token)
  const claims = checkClaims(read.claims, context)
  const boundTo = readConfirmation(read.claims)
  await checkSignature(read, requireAuthority(read, claims, context))
  return verified(read, claims, { leewaySeconds: context.leewaySeconds, boundTo })
}

function requireAuthority({ header }: CompactToken, { id }: JwtClaims, { bundles, keyWaitMs }: Context): JwtAuthority {
  const authority = requireBundle(bundles, id.trustDomain).jwtAuthorities.get(header.kid)
  if (!authority) throw unknownKey(id.trustDomain, keyWaitMs?.(id.trustDomain) ?? 0)
  if (!authority.algorithms.includes(header.alg)) {
    throw tokenInvalid('algorithm-key', "The key with this kid does not match the token's algorithm.")
  }
  return authority
}

function unknownKey(trustDomain: string, retryAfterMs: number): StintError {
  if (retryAfterMs === 0) return tokenInvalid('kid', "The token's trust domain has no JWT key with this kid.")
  const explanation = `The trust bundle of ${trustDomain} has no JWT key with the token's kid. The broker refreshes the bundle soon; try again later.`
  return new StintError('TRUST_DOMAIN_UNAVAILABLE', { check: 'kid', trustDomain, explanation, retryAfterMs })
}

async function checkSignature({ text, header }: CompactToken, { key }: JwtAuthority): Promise<void> {
  try {
    await compactVerify(text, key, { algorithms: [header.alg] })
  } catch (error) {
    throw tokenInvalid('signature', "The token's signature is invalid.", error)
  }
}

function verified(
  token: CompactToken,
  claims: JwtClaims,
  { leewaySeconds, boundTo }: { leewaySeconds: number; boundTo: string | undefined },
): VerifiedJwtSvid {
  const { id, expiresAt, issuedAt, tokenId: jti } = claims
  const tokenId = jti ?? sha256Hex(token.signingInput)
  return {
    id,
    expiresAt,
    ...(issuedAt ? { issuedAt } : {}),
    tokenId,
    replayKey: replayKey(token, { issuer: spiffeIdText({ trustDomain: id.trustDomain, path: '' }), jti }),
    replayUntil: new Date(expiresAt.getTime() + leewaySeconds * 1000),
    ...(boundTo === undefined ? {} : { boundTo }),
  }
}

function configInvalid(field: string, explanation: string): StintError {
  return new StintError('CONFIG_INVALID', { field, explanation })
}
