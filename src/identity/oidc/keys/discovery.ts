import type { StrictJson } from '../../../core/documents/strict-json.ts'
import { isJsonObject, parseStrictJson } from '../../../core/documents/strict-json.ts'
import { StintError } from '../../../core/errors.ts'
import { readSmallFile } from '../../../core/files/read-small-file.ts'
import type { GuardedFetch } from '../../../core/net/guarded-fetch.ts'
import { type HostPort, isAt } from '../../../core/net/host-port.ts'
import type { OidcIssuer } from '../issuer.ts'
import { issuerInvalid } from '../issuer-invalid.ts'
import { type IssuerKey, readJwks } from './jwks.ts'
import type { KeyPlace } from './key-places.ts'

/** The keys of an issuer as one of its places has them now. */
export interface PublishedKeys {
  /** By `kid`. */
  readonly keys: ReadonlyMap<string, IssuerKey>
  /** Keys that were left out, and why. */
  readonly notes: readonly string[]
}

const ELSEWHERE = new Set(['dns', 'connection', 'timeout', 'address'])

type Document = { readonly [name: string]: StrictJson }
type Asker = Pick<OidcIssuer, 'issuer' | 'showsToken'>

/** RFC 7517 section 8.5.1; kube-apiserver answers 406 to whoever does not accept it. Plain JSON is what most others have. */
const ACCEPT_KEYS = 'application/jwk-set+json, application/json, */*;q=0.1'

/**
 * Gets the keys of an issuer from one of the places that the configuration names. Nothing of a token plays a part; a discovery
 * document has to name the same issuer to the letter, and the keys have to be at an allowed host.
 *
 * @throws {StintError} ISSUER_INVALID with `details.check` status, document, issuer, jwks-uri, keys, file; FETCH_FAILED,
 *   URL_REFUSED, CANCELLED.
 * @see OpenID Connect Discovery, sections 4.1 to 4.3
 */
export async function loadKeys(
  issuer: Asker,
  place: KeyPlace,
  { fetch, signal }: { fetch: GuardedFetch; signal?: AbortSignal },
): Promise<PublishedKeys> {
  const get = async (url: string, accept?: string) => {
    const { status, body } = await fetch(url, { ...(accept && { accept }), ...(signal && { signal }) })
    if (status !== 200) throw refusedBy(status, issuer)
    return readDocument(body)
  }
  if (place.kind === 'file') return readJwks(readDocument(await readKeysFile(place.file)), issuer.issuer)
  if (place.kind === 'jwks') return readJwks(await get(place.url, ACCEPT_KEYS), issuer.issuer)
  const document = await get(place.url).catch((error: unknown) => {
    throw place.isDefault ? withAdvice(error) : error
  })
  if (document.issuer !== issuer.issuer) {
    const named = typeof document.issuer === 'string' ? `of ${document.issuer.slice(0, 200)}` : 'without an issuer'
    throw issuerInvalid('issuer', `The discovery document is ${named}; issuer and iss must match exactly.`)
  }
  return readJwks(await get(checkJwksUri(document.jwks_uri, place.jwksHosts), ACCEPT_KEYS), issuer.issuer)
}

/** A cluster's name often leads nowhere from outside, or to another cluster. */
function withAdvice(thrown: unknown): unknown {
  if (!(thrown instanceof StintError) || !ELSEWHERE.has(String(thrown.details.check))) return thrown
  const explanation = `${thrown.details.explanation} If its keys are elsewhere, set discoveryUrl, jwksUrl or keysFile.`
  return new StintError(thrown.code, { ...thrown.details, explanation }, thrown.cause)
}

function checkJwksUri(value: StrictJson | undefined, hosts: readonly HostPort[]): string {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (typeof value !== 'string' || url?.protocol !== 'https:') {
    throw issuerInvalid('jwks-uri', 'The discovery document has no https jwks_uri.')
  }
  if (hosts.some((host) => isAt(url, host))) return value
  const explanation = `The keys are at ${url.host}; if that is meant, add it to jwksHost, or set jwksUrl or keysFile.`
  throw issuerInvalid('jwks-uri', explanation)
}

/** The commonest refusals are those of an API server with the rights that it comes with. */
function refusedBy(status: number, { showsToken }: Asker) {
  const right = 'the ClusterRole system:service-account-issuer-discovery'
  const reasons: Record<string, string> = {
    '401': showsToken
      ? "The server rejected the token in tokenFile; the token must be current and for that server's audience."
      : 'The server requires authentication: set tokenFile, or read the keys from a file (keysFile).',
    '403': showsToken
      ? `The token in tokenFile lacks permission; in Kubernetes its service account needs ${right}.`
      : `Reading this without a token is forbidden: set tokenFile, use keysFile, or bind ${right} to the group system:unauthenticated.`,
    '404': 'Nothing is published there; check the URL.',
  }
  return issuerInvalid('status', `The issuer answered with status ${status}. ${reasons[status] ?? ''}`.trim())
}

async function readKeysFile(file: string): Promise<string> {
  try {
    return (await readSmallFile(file)).text
  } catch (error) {
    throw issuerInvalid('file', `The keysFile ${file} ${error instanceof Error ? error.message : ''}.`, error)
  }
}

function readDocument(text: string): Document {
  let value: StrictJson
  try {
    value = parseStrictJson(text)
  } catch (error) {
    throw issuerInvalid('document', "The issuer's document is not JSON, or has a duplicate key.", error)
  }
  if (isJsonObject(value)) return value
  throw issuerInvalid('document', "The issuer's document is not a JSON object.")
}
