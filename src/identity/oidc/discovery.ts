import type { GuardedFetch } from '../../core/guarded-fetch.ts'
import type { StrictJson } from '../../core/strict-json.ts'
import { isJsonObject, parseStrictJson } from '../../core/strict-json.ts'
import type { OidcIssuer } from './issuer.ts'
import { issuerInvalid } from './issuer-invalid.ts'
import { type IssuerKey, readJwks } from './jwks.ts'

/** The keys of an issuer as it publishes them now. */
export interface PublishedKeys {
  /** By `kid`. */
  readonly keys: ReadonlyMap<string, IssuerKey>
  readonly jwksUri: string
  /** What was left out, and why. */
  readonly notes: readonly string[]
}

/** RFC 7517 section 8.5.1; kube-apiserver answers 406 to whoever does not accept it. Plain JSON is what most others have. */
const ACCEPT_KEYS = 'application/jwk-set+json, application/json, */*;q=0.1'

/**
 * Asks an issuer where its keys are, and for the keys. Nothing of a token plays a part: the address comes from the
 * configuration, the document has to name the same issuer to the letter, and the keys have to be at an allowed host.
 *
 * @throws {StintError} ISSUER_INVALID with `details.check` status, document, issuer, jwks-uri, keys; FETCH_FAILED,
 *   URL_REFUSED, CANCELLED.
 * @see OpenID Connect Discovery, sections 4.1 to 4.3
 */
export async function discoverKeys(
  { issuer, jwksHosts }: Pick<OidcIssuer, 'issuer' | 'jwksHosts'>,
  { fetch, signal }: { fetch: GuardedFetch; signal?: AbortSignal },
): Promise<PublishedKeys> {
  const get = async (url: string, accept?: string) =>
    readDocument(await fetch(url, { ...(accept && { accept }), ...(signal && { signal }) }))
  const document = await get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  if (document.issuer !== issuer) {
    throw issuerInvalid(
      'issuer',
      'The discovery document is of another issuer; issuer and iss must be the same to the letter.',
    )
  }
  const jwksUri = checkJwksUri(document.jwks_uri, jwksHosts)
  return { jwksUri, ...readJwks(await get(jwksUri, ACCEPT_KEYS), issuer) }
}

function checkJwksUri(value: StrictJson | undefined, hosts: readonly string[]): string {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (typeof value !== 'string' || url?.protocol !== 'https:') {
    throw issuerInvalid('jwks-uri', 'The discovery document has no https jwks_uri.')
  }
  if (hosts.includes(url.host)) return value
  const explanation = `The keys are at ${url.host}, which is not ${hosts.join(' or ')}; set jwksHost if that is meant.`
  throw issuerInvalid('jwks-uri', explanation)
}

function readDocument({ status, body }: { status: number; body: string }): { readonly [name: string]: StrictJson } {
  if (status !== 200) throw issuerInvalid('status', `The issuer answered with status ${status}.`)
  let value: StrictJson
  try {
    value = parseStrictJson(body)
  } catch (error) {
    throw issuerInvalid('document', 'What the issuer publishes is not JSON, or has a key twice.', error)
  }
  if (isJsonObject(value)) return value
  throw issuerInvalid('document', 'What the issuer publishes is not a JSON object.')
}
