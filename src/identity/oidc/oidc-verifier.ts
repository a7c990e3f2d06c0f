import { compactVerify } from 'jose'
import { sha256Hex } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import type { StintError } from '../../core/errors.ts'
import type { GuardedFetch } from '../../core/guarded-fetch.ts'
import { type TokenParts, tokenInvalid } from '../jwt-token.ts'
import { replayKey } from '../replay-key.ts'
import { confirmationOf } from '../token-binding.ts'
import { requireInstant } from '../token-times.ts'
import { checksOf, keyId, subjectValue, type TokenCheck, tokenId } from './checks.ts'
import { type Claims, readClaim } from './claim-path.ts'
import { discoverKeys } from './discovery.ts'
import type { OidcIssuer } from './issuer.ts'
import { IssuerKeys } from './issuer-keys.ts'
import type { IssuerKey } from './jwks.ts'
import { oidcSubjectText } from './subject.ts'

/** A token of a configured issuer whose signature and claims were checked. */
export interface VerifiedOidcToken {
  readonly subject: string
  readonly trustDomain: string
  /** From when on the token is refused. */
  readonly acceptedUntil: Date
  /** `jti`, else the hash of the signing input; for the record. */
  readonly tokenId: string
  /** For the replay guard; none where the configuration lets a token be used again. */
  readonly replay?: { readonly key: string; readonly until: Date }
  /** The fingerprint of the certificate that it is bound to. */
  readonly boundTo?: string
  /** What the issuer says besides, for the record only. */
  readonly facets?: Readonly<Record<string, string>>
}

export interface OidcVerifierOptions {
  readonly issuers: readonly OidcIssuer[]
  /** The way to an issuer's documents; 1 MiB and 5 s at most are expected of it. */
  readonly fetchFor: (issuer: OidcIssuer) => GuardedFetch
  readonly clock: Clock
  /** Called when an issuer's keys cannot be had. Must not throw. */
  readonly onProblem?: (issuer: OidcIssuer, error: StintError) => void
  /** Called when they could be had; `notes` says which keys do not count. Must not throw. */
  readonly onLoaded?: (issuer: OidcIssuer, notes: readonly string[]) => void
}

interface Entry {
  readonly issuer: OidcIssuer
  readonly keys: IssuerKeys
  readonly checks: readonly TokenCheck[]
}

const MAX_FACET_LENGTH = 200

/** Verifies tokens of the configured issuers, each by its own rules and its own keys. */
export class OidcVerifier {
  readonly #byIssuer: ReadonlyMap<string, Entry>

  constructor({ issuers, fetchFor, clock, onProblem, onLoaded }: OidcVerifierOptions) {
    this.#byIssuer = new Map(
      issuers.map((issuer) => {
        const fetch = fetchFor(issuer)
        const keys = new IssuerKeys({
          discover: (signal) => discoverKeys(issuer, { fetch, signal }),
          clock,
          maxKeyAgeMs: issuer.maxKeyAgeMs,
          onProblem: (error) => onProblem?.(issuer, error),
          onLoaded: ({ notes }) => onLoaded?.(issuer, notes),
        })
        return [issuer.issuer, { issuer, keys, checks: checksOf(issuer) }]
      }),
    )
  }

  /** Begins to follow the issuers' keys; does not wait for them. */
  start(): void {
    for (const { keys } of this.#byIssuer.values()) keys.start()
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#byIssuer.values()].map(({ keys }) => keys.stop()))
  }

  /** Whether a token says that it is of a configured issuer. Nothing of it has been checked yet. */
  handles({ claims: { iss } }: TokenParts): boolean {
    return typeof iss === 'string' && this.#byIssuer.has(iss)
  }

  /** Whether agents of this trust domain (`oidc:` and an alias) can be verified now. */
  isTrusted(trustDomain: string): boolean {
    return [...this.#byIssuer.values()].some(({ issuer, keys }) => issuer.trustDomain === trustDomain && keys.usable)
  }

  /**
   * Checks a token. Its issuer is found by the exact `iss` before any key is looked for; the key then is of that issuer alone.
   *
   * @throws {StintError} TOKEN_INVALID or TOKEN_EXPIRED with `details.check`; ISSUER_UNAVAILABLE.
   */
  async verify(token: TokenParts, now: Date): Promise<VerifiedOidcToken> {
    const { iss } = token.claims
    const entry = typeof iss === 'string' ? this.#byIssuer.get(iss) : undefined
    if (!entry) throw tokenInvalid('issuer', 'Tokens of this issuer are not accepted here.')
    for (const check of entry.checks) check.run(token, now)
    const verified = describe(token, entry.issuer)
    await checkSignature(token, await entry.keys.keyFor(keyId(token)))
    return verified
  }
}

/**
 * Checks the signature of a token.
 *
 * @throws {StintError} TOKEN_INVALID with `details.check` algorithm-key or signature.
 */
export async function checkSignature(token: TokenParts, { key, algorithms }: IssuerKey): Promise<void> {
  const { alg } = token.header
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    throw tokenInvalid('algorithm-key', 'The key with this kid is not for the algorithm of the token.')
  }
  try {
    await compactVerify(token.text, key, { algorithms: [alg] })
  } catch (error) {
    throw tokenInvalid('signature', 'The signature of the token does not verify.', error)
  }
}

/** What a token comes to that has passed the checks of its issuer. */
function describe(token: TokenParts, issuer: OidcIssuer): VerifiedOidcToken {
  const { claims, signingInput } = token
  const { leewaySeconds, maxTokenAgeSeconds } = issuer
  const [exp, iat] = [requireInstant(claims, 'exp'), requireInstant(claims, 'iat')]
  const jti = tokenId(claims)
  const id = jti ?? sha256Hex(signingInput)
  const boundTo = confirmationOf(claims)
  const replay = {
    key: replayKey(token, { issuer: issuer.issuer, jti }),
    until: new Date(exp + leewaySeconds * 1000),
  }
  const facets = facetsOf(claims, issuer)
  return {
    subject: agentOf(claims, issuer),
    trustDomain: issuer.trustDomain,
    acceptedUntil: new Date(Math.min(exp, iat + maxTokenAgeSeconds * 1000) + leewaySeconds * 1000),
    tokenId: id,
    ...(issuer.reusable ? {} : { replay }),
    ...(boundTo === undefined ? {} : { boundTo }),
    ...(facets ? { facets } : {}),
  }
}

/** The subject that a token's claims name. @throws {StintError} TOKEN_INVALID */
export function agentOf(claims: Claims, { alias, subject }: OidcIssuer): string {
  const fields = subject.map((reference) => [reference.name, subjectValue(claims, reference)] as const)
  return oidcSubjectText({ alias, fields })
}

function facetsOf(claims: Claims, { facets }: OidcIssuer): Readonly<Record<string, string>> | undefined {
  const found = Object.entries(facets).flatMap(([name, pointer]) => {
    const value = readClaim(claims, pointer)
    return typeof value === 'string' && value.isWellFormed() ? [[name, value.slice(0, MAX_FACET_LENGTH)] as const] : []
  })
  return found.length > 0 ? Object.fromEntries(found) : undefined
}
