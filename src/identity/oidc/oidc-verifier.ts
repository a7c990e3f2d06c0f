import { compactVerify } from 'jose'
import { sha256Hex } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import type { StintError } from '../../core/errors.ts'
import type { GuardedFetch } from '../../core/net/guarded-fetch.ts'
import { type TokenParts, tokenInvalid } from '../jwt/jwt-token.ts'
import { replayKey } from '../jwt/replay-key.ts'
import { readConfirmation } from '../jwt/token-binding.ts'
import { requireInstant } from '../jwt/token-times.ts'
import { keyId, listChecks, subjectValue, type TokenCheck, tokenId } from './checks.ts'
import { type Claims, readClaim } from './claim-path.ts'
import type { OidcIssuer } from './issuer.ts'
import { loadKeys } from './keys/discovery.ts'
import { IssuerKeys } from './keys/issuer-keys.ts'
import type { IssuerKey } from './keys/jwks.ts'
import { type KeyPlace, placeName } from './keys/key-places.ts'
import { firstToHave, PlacedKeys } from './keys/placed-keys.ts'
import { oidcSubjectText } from './subject.ts'
import { type TokenReview, tokenReview } from './token-review.ts'

/** A token of a configured issuer whose signature and claims were checked. */
export interface VerifiedOidcToken {
  readonly subject: string
  readonly trustDomain: string
  /** From when on the token is refused. */
  readonly acceptedUntil: Date
  /** `jti`, else the hash of the signing input; for the record. */
  readonly tokenId: string
  /** For the replay guard: as `replayKey` says it, and how long it must be remembered. */
  readonly replay: { readonly key: string; readonly until: Date }
  /** The fingerprint of the certificate that it is bound to. */
  readonly boundTo?: string
  /** Further claims of the issuer, for the record only. */
  readonly facets?: Readonly<Record<string, string>>
  /** Where the issuer is to be asked whether the token still counts. @throws {StintError} as `TokenReview` */
  readonly askIssuer?: (signal: AbortSignal) => Promise<void>
}

/** Options of `OidcVerifier`. */
export interface OidcVerifierOptions {
  readonly issuers: readonly OidcIssuer[]
  /** The way to an issuer's documents; 1 MiB and 5 s at most are expected of it. */
  readonly fetchFor: (issuer: OidcIssuer) => GuardedFetch
  readonly clock: Clock
  /** How often a file with keys is read. Default 5000. */
  readonly fileRefreshMs?: number
  /** Called when the keys of an issuer cannot be loaded; `place` is a URL or a file. Must not throw. */
  readonly onProblem?: (issuer: OidcIssuer, error: StintError, place: string) => void
  /** Called when they were loaded; `notes` says which keys do not count. Must not throw. */
  readonly onLoaded?: (issuer: OidcIssuer, notes: readonly string[], place: string) => void
  /** Called after each question whether a token still counts; without a problem when it was answered. Must not throw. */
  readonly onReview?: (issuer: OidcIssuer, problem: StintError | undefined) => void
}

type FollowOptions = Omit<OidcVerifierOptions, 'issuers'>

interface Entry {
  readonly issuer: OidcIssuer
  readonly keys: PlacedKeys
  readonly checks: readonly TokenCheck[]
  readonly review?: TokenReview
}

const MAX_FACET_LENGTH = 200
const DEFAULT_FILE_REFRESH_MS = 5_000
const FILE_COOLDOWN_MS = 1_000

/**
 * Verifies tokens of the configured issuers, each by its own rules and its own keys. Several may have one name, as clusters
 * have that were made with the same defaults: then the key decides whose token it is, and a key that two of them publish
 * counts for neither.
 */
export class OidcVerifier {
  readonly #options: Omit<OidcVerifierOptions, 'issuers' | 'fetchFor'>
  #entries: readonly Entry[] = []
  #byIssuer: ReadonlyMap<string, readonly Entry[]> = new Map()
  #isStarted = false

  constructor({ issuers, fetchFor, ...options }: OidcVerifierOptions) {
    this.#options = options
    this.replace({ issuers, fetchFor, kept: new Set() })
  }

  /** False: every token is refused. */
  get hasIssuers(): boolean {
    return this.#entries.length > 0
  }

  /**
   * From now on tokens are those of these issuers. Keys are not lost of those that are kept; those of a new one are fetched for its
   * first token at the latest.
   *
   * @param next.kept aliases of issuers whose settings are the same.
   */
  replace(next: Pick<OidcVerifierOptions, 'issuers' | 'fetchFor'> & { readonly kept: ReadonlySet<string> }): void {
    const before = this.#entries
    const options = { ...this.#options, fetchFor: next.fetchFor }
    this.#entries = next.issuers.map((issuer) => {
      const known = before.find((entry) => entry.issuer.alias === issuer.alias)
      return known && next.kept.has(issuer.alias) ? known : this.#createEntry(issuer, options)
    })
    this.#byIssuer = Map.groupBy(this.#entries, ({ issuer }) => issuer.issuer)
    for (const entry of before) if (!this.#entries.includes(entry)) void entry.keys.stop()
    if (this.#isStarted) this.start()
  }

  #createEntry(issuer: OidcIssuer, options: FollowOptions): Entry {
    return {
      issuer,
      checks: listChecks(issuer),
      keys: new PlacedKeys(issuer.keyPlaces.map((place) => this.#follow(issuer, place, options))),
      ...(issuer.reviewUrls.length > 0 && {
        review: tokenReview({
          urls: issuer.reviewUrls,
          fetch: options.fetchFor(issuer),
          // An answer can come after a changed configuration has taken the issuer away, and with it what was wrong with it.
          onOutcome: (problem) => {
            if (this.#entries.some((entry) => entry.issuer === issuer)) options.onReview?.(issuer, problem)
          },
        }),
      }),
    }
  }

  #follow(issuer: OidcIssuer, place: KeyPlace, options: FollowOptions): IssuerKeys {
    const { clock, fetchFor, fileRefreshMs = DEFAULT_FILE_REFRESH_MS, onProblem, onLoaded } = options
    const fetch = fetchFor(issuer)
    return new IssuerKeys({
      load: (signal) => loadKeys(issuer, place, { fetch, signal }),
      clock,
      maxKeyAgeMs: issuer.maxKeyAgeMs,
      ...(place.kind === 'file' && { refreshMs: fileRefreshMs, cooldownMs: FILE_COOLDOWN_MS }),
      onProblem: (error) => onProblem?.(issuer, error, placeName(place)),
      onLoaded: ({ notes, keys }) =>
        onLoaded?.(issuer, [...notes, ...this.#sharedWith(issuer, keys)], placeName(place)),
    })
  }

  /** A key that two issuers of one name publish could sign for an agent of either. */
  #sharedWith({ issuer: name, alias }: OidcIssuer, keys: ReadonlyMap<string, IssuerKey>): string[] {
    const others = (this.#byIssuer.get(name) ?? []).filter(({ issuer }) => issuer.alias !== alias)
    return others.flatMap((other) =>
      [...keys].flatMap(([kid, { key }]) =>
        other.keys.current.some((theirs) => theirs.key.equals(key))
          ? [
              `The issuers ${alias} and ${other.issuer.alias} have the same name and share the key ${kid.slice(0, 100)}. Tokens signed by it are ambiguous and refused. Give each cluster its own signing key.`,
            ]
          : [],
      ),
    )
  }

  /** Begins to follow the issuers' keys; does not wait for them. */
  start(): void {
    this.#isStarted = true
    for (const { keys } of this.#entries) keys.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#entries.map(({ keys }) => keys.stop()))
  }

  /** True if a token says that it is of a configured issuer. Nothing of it has been checked yet. */
  handles({ claims: { iss } }: TokenParts): boolean {
    return typeof iss === 'string' && this.#byIssuer.has(iss)
  }

  /** True if agents of this trust domain (`oidc:` and an alias) can be verified now. */
  isTrusted(trustDomain: string): boolean {
    return this.#entries.some(({ issuer, keys }) => issuer.trustDomain === trustDomain && keys.usable)
  }

  /**
   * Checks a token. Its issuer is found by the exact `iss` before any key is looked for; the key then is of that issuer alone.
   * Where several issuers have that name, the token belongs to the one whose key verifies the signature; no other key may.
   *
   * @throws {StintError} TOKEN_INVALID or TOKEN_EXPIRED with `details.check`; ISSUER_UNAVAILABLE.
   */
  async verify(token: TokenParts, now: Date): Promise<VerifiedOidcToken> {
    const { iss } = token.claims
    const entries = (typeof iss === 'string' && this.#byIssuer.get(iss)) || []
    const entry = entries.length > 1 ? await findSigner(token, entries) : entries[0]
    if (!entry) throw tokenInvalid('issuer', 'Tokens from this issuer are not accepted here.')
    for (const check of entry.checks) check.run(token, now)
    const verified = describe(token, entry.issuer)
    await checkSignature(token, await entry.keys.keyFor(keyId(token)))
    const { review } = entry
    return { ...verified, ...(review && { askIssuer: (signal: AbortSignal) => review(token, signal) }) }
  }
}

/** Finds the issuer that signed a token, among several with one name. @throws {StintError} as `OidcVerifier.verify` */
async function findSigner(token: TokenParts, entries: readonly Entry[]): Promise<Entry> {
  const kid = keyId(token)
  const holders = entries.map(({ keys }) => keys)
  // Only to have them asked: who has the key by then is seen below.
  if (!holders.some((keys) => keys.held(kid))) await firstToHave(holders, kid)
  const outcomes = await Promise.allSettled(
    entries.flatMap((entry) => {
      const key = entry.keys.held(kid)
      return key ? [checkSignature(token, key).then(() => entry)] : []
    }),
  )
  const signers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const [signer, another] = signers
  if (signer && !another) return signer
  if (!signer) throw tokenInvalid('signature', "The token's signature is invalid.")
  const names = signers.map(({ issuer }) => issuer.alias).join(' and ')
  throw tokenInvalid('issuer', `The token's key is shared by ${names}, so its issuer is ambiguous.`)
}

/**
 * Checks the signature of a token.
 *
 * @throws {StintError} TOKEN_INVALID with `details.check` algorithm-key or signature.
 */
export async function checkSignature(token: TokenParts, { key, algorithms }: IssuerKey): Promise<void> {
  const { alg } = token.header
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    throw tokenInvalid('algorithm-key', "The key with this kid does not match the token's algorithm.")
  }
  try {
    await compactVerify(token.text, key, { algorithms: [alg] })
  } catch (error) {
    throw tokenInvalid('signature', "The token's signature is invalid.", error)
  }
}

/** The identity in a token that has passed the checks of its issuer. */
function describe(token: TokenParts, issuer: OidcIssuer): VerifiedOidcToken {
  const { claims, signingInput } = token
  const { leewaySeconds, maxTokenAgeSeconds } = issuer
  const [exp, iat] = [requireInstant(claims, 'exp'), requireInstant(claims, 'iat')]
  const jti = tokenId(claims)
  const id = jti ?? sha256Hex(signingInput)
  const boundTo = readConfirmation(claims)
  const replay = {
    key: replayKey(token, { issuer: issuer.trustDomain, jti }),
    until: new Date(exp + leewaySeconds * 1000),
  }
  const facets = readFacets(claims, issuer)
  return {
    subject: readSubject(claims, issuer),
    trustDomain: issuer.trustDomain,
    acceptedUntil: new Date(Math.min(exp, iat + maxTokenAgeSeconds * 1000) + leewaySeconds * 1000),
    tokenId: id,
    replay,
    ...(boundTo === undefined ? {} : { boundTo }),
    ...(facets ? { facets } : {}),
  }
}

/** The subject that a token's claims name. @throws {StintError} TOKEN_INVALID */
export function readSubject(claims: Claims, { alias, subject }: OidcIssuer): string {
  const fields = subject.map((reference) => [reference.name, subjectValue(claims, reference)] as const)
  return oidcSubjectText({ alias, fields })
}

function readFacets(claims: Claims, { facets }: OidcIssuer): Readonly<Record<string, string>> | undefined {
  const found = Object.entries(facets).flatMap(([name, pointer]) => {
    const value = readClaim(claims, pointer)
    if (typeof value !== 'string' || !value.isWellFormed()) return []
    // The cut may split a character, and half a character cannot go on record.
    return [[name, value.slice(0, MAX_FACET_LENGTH).toWellFormed()] as const]
  })
  return found.length > 0 ? Object.fromEntries(found) : undefined
}
