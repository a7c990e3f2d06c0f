import { asStintError } from '../../../core/errors.ts'
import { HOST_PORT_FORM, type HostPort, parseHostPort, urlHost } from '../../../core/net/host-port.ts'
import { guardUrl } from '../../../core/net/url-guard.ts'

/** One place where the keys of an issuer are. */
export type KeyPlace =
  /** A discovery document, which says where the keys are: at one of these hosts, or it is not followed. */
  | {
      readonly kind: 'discovery'
      readonly url: string
      readonly jwksHosts: readonly HostPort[]
      /** The issuer's own name leads there, no setting. */
      readonly isDefault: boolean
    }
  /** The key set itself. */
  | { readonly kind: 'jwks'; readonly url: string }
  /** The key set, in a file. */
  | { readonly kind: 'file'; readonly file: string }

/** The settings that say where an issuer's keys are. */
export interface KeyPlaceSettings {
  readonly issuer: string
  readonly discoveryUrl?: OneOrMore | undefined
  /** Hosts, with the port unless it is 443, at which the keys may be in the place of the discovery document's own. */
  readonly jwksHost?: OneOrMore | undefined
  readonly jwksUrl?: OneOrMore | undefined
  readonly keysFile?: string | undefined
  /** API servers that are asked whether a token still counts, e.g. `https://10.0.0.1:6443`. */
  readonly tokenReviewUrl?: OneOrMore | undefined
  /** Shown to the servers of the keys and of token reviews. */
  readonly tokenFile?: string | undefined
  readonly allowPrivate?: readonly string[] | undefined
}

type OneOrMore = string | readonly string[]
type Problem = { readonly path: readonly string[]; readonly message: string }

const WELL_KNOWN = '/.well-known/openid-configuration'
const HTTPS_PORT = 443
const KINDS = ['discoveryUrl', 'jwksUrl', 'keysFile'] as const

/** Everything that is wrong with the places of the keys. */
export function keyPlaceProblems(settings: KeyPlaceSettings): Problem[] {
  const { issuer, jwksHost, keysFile, tokenFile, allowPrivate = [] } = settings
  const [discoveryUrls, jwksUrls] = [listed(settings.discoveryUrl), listed(settings.jwksUrl)]
  const asksIssuer = KINDS.every((kind) => settings[kind] === undefined)
  const problems: Problem[] = []
  const add = (field: string, message: string | undefined) => {
    if (message !== undefined) problems.push({ path: [field], message })
  }
  // An issuer that is never called may have any address for a name.
  add('issuer', urlProblem(issuer, asksIssuer ? allowPrivate : hostsIn(issuer)))
  for (const url of discoveryUrls) {
    add('discoveryUrl', urlProblem(url, allowPrivate))
    if (!url.endsWith(WELL_KNOWN)) add('discoveryUrl', `must end in ${WELL_KNOWN}`)
  }
  for (const url of jwksUrls) add('jwksUrl', urlProblem(url, allowPrivate))
  for (const host of listed(jwksHost)) if (!parseHostPort(host)) add('jwksHost', `must be ${HOST_PORT_FORM}`)
  const [first, second] = KINDS.filter((kind) => settings[kind] !== undefined)
  if (second !== undefined) add(second, `cannot be combined with ${first}: keys come from one source`)
  if (jwksHost !== undefined && !asksIssuer && discoveryUrls.length === 0) {
    add('jwksHost', 'is for a discovery document, and this issuer fetches none')
  }
  for (const url of listed(settings.tokenReviewUrl)) add('tokenReviewUrl', urlProblem(url, allowPrivate))
  const reviews = settings.tokenReviewUrl !== undefined
  if (reviews && tokenFile === undefined)
    add('tokenReviewUrl', 'needs tokenFile: the API server requires authentication')
  if (tokenFile !== undefined && keysFile !== undefined && !reviews) {
    add('tokenFile', 'cannot be combined with keysFile, which sends no request')
  }
  return problems
}

/** Where the keys are; at the issuer itself unless the settings say otherwise. */
export function keyPlaces(settings: KeyPlaceSettings, presetHosts: readonly string[] = []): KeyPlace[] {
  const { issuer, keysFile, jwksHost } = settings
  if (keysFile !== undefined) return [{ kind: 'file', file: keysFile }]
  const jwksUrls = listed(settings.jwksUrl)
  if (jwksUrls.length > 0) return jwksUrls.map((url) => ({ kind: 'jwks', url }))
  const named = listed(settings.discoveryUrl)
  const urls = named.length > 0 ? named : [`${issuer.replace(/\/$/, '')}${WELL_KNOWN}`]
  const pinned = hostPorts(listed(jwksHost))
  const own = (url: string) => [urlHostPort(url), ...hostPorts(presetHosts)]
  const isDefault = named.length === 0
  return urls.map((url) => ({ kind: 'discovery', url, isDefault, jwksHosts: pinned.length > 0 ? pinned : own(url) }))
}

/** For people: the URL or the file. */
export function placeName(place: KeyPlace): string {
  return place.kind === 'file' ? place.file : place.url
}

/**
 * The hosts that `tokenFile` is shown to: those that the operator has named, never one that only a preset or a document
 * has.
 */
export function tokenHosts(settings: KeyPlaceSettings): HostPort[] {
  const places = keyPlaces(settings).flatMap((place) => (place.kind === 'file' ? [] : [urlHostPort(place.url)]))
  return [...places, ...hostPorts(listed(settings.jwksHost)), ...reviewUrls(settings).map(urlHostPort)]
}

/** The API servers that are asked whether a token still counts. */
export function reviewUrls({ tokenReviewUrl }: Pick<KeyPlaceSettings, 'tokenReviewUrl'>): readonly string[] {
  return listed(tokenReviewUrl)
}

function listed(value: OneOrMore | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

function hostPorts(texts: readonly string[]): HostPort[] {
  return texts.flatMap((text) => {
    const named = parseHostPort(text)
    return named ? [{ port: HTTPS_PORT, ...named }] : []
  })
}

function urlHostPort(text: string): HostPort {
  const url = new URL(text)
  return { host: urlHost(url), port: url.port === '' ? HTTPS_PORT : Number(url.port) }
}

function hostsIn(text: string): string[] {
  const url = URL.parse(text)
  return url ? [urlHost(url)] : []
}

function urlProblem(text: string, allowPrivate: readonly string[]): string | undefined {
  try {
    const { url } = guardUrl(text, { allowPrivate })
    return url.search === '' && !text.includes('?') ? undefined : 'must not have a query'
  } catch (error) {
    return `cannot be called: ${asStintError(error).details.explanation}`
  }
}
