import { isIP } from 'node:net'
import { StintError } from '../errors.ts'
import { isAt, parseHostPort, urlHost } from './host-port.ts'
import { type IpClass, ipClass } from './ip-class.ts'
import { isLoopbackHost } from './loopback.ts'

/** A URL that passed, and what may be behind its host. */
export interface GuardedUrl {
  readonly url: URL
  /** Host name or IP address, without brackets. */
  readonly host: string
  /** True if a connection to this address of the host is allowed. */
  allows(address: string): boolean
}

/** Options of `guardUrl`. */
export interface UrlGuardOptions {
  readonly allowPrivate?: readonly string[]
  readonly httpOnLoopback?: boolean
}

const MAX_URL_LENGTH = 2_048
/** The form of a URL of ours: a plain host, perhaps a port, then visible ASCII without backslash, and no fragment. */
const SHAPE = /^https?:\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?(?:[/?][!-"$-[\]-~]*)?$/

/**
 * Checks a URL that this process is to call, so that nobody can point it at places that only this process reaches: https
 * only, no user or password, no fragment, the host in its one spelling (an IP address in octal, hex or as one number is
 * refused), and no address of a private network unless the host is allow-listed.
 *
 * @param allowPrivate hosts that may lead to private and loopback addresses, as `parseHostPort` reads them: at any port, or
 *   at the one that is named. A link-local address (where the metadata services of clouds are) has to be listed itself; a
 *   name that leads to one is never enough.
 * @param httpOnLoopback true: `http://` is allowed too, for a host that is this machine; then every loopback address is.
 * @throws {StintError} URL_REFUSED; `details.check` is shape, host or address.
 */
export function guardUrl(
  text: string,
  { allowPrivate = [], httpOnLoopback = false }: UrlGuardOptions = {},
): GuardedUrl {
  const raw = SHAPE.exec(text)?.[1]
  const url = text.length <= MAX_URL_LENGTH ? URL.parse(text) : null
  const isPlain = url?.protocol === 'http:'
  if (raw === undefined || !url || (isPlain && !(httpOnLoopback && isLoopbackHost(urlHost(url))))) {
    throw refused('shape', 'A URL to call must be https://host[:port]/path, without user, password or fragment.')
  }
  if (url.hostname !== raw.toLowerCase()) {
    throw refused('host', `A URL's host must be in canonical form; this one normalises to ${url.hostname}.`)
  }
  const host = urlHost(url)
  const listed = allowPrivate.some((entry) => {
    const named = parseHostPort(entry)
    return named !== undefined && isAt(url, named)
  })
  const allows = (address: string) => {
    const found = ipClass(address)
    return isPlain ? found === 'loopback' : isAllowed(found, { listed, literal: isIP(host) !== 0 })
  }
  if (isIP(host) !== 0 && !allows(host)) throw addressRefused(host)
  return { url, host, allows }
}

/** A URL_REFUSED that says which host leads to where it must not. */
export function addressRefused(host: string): StintError {
  const explanation = `${host} resolves to a private, link-local or unusable address; to allow it, list it in allowPrivate.`
  return new StintError('URL_REFUSED', { check: 'address', host, explanation })
}

function isAllowed(found: IpClass, { listed, literal }: { listed: boolean; literal: boolean }): boolean {
  if (found === 'public') return true
  if (found === 'private' || found === 'loopback') return listed
  return found === 'link-local' && listed && literal
}

function refused(check: string, explanation: string): StintError {
  return new StintError('URL_REFUSED', { check, explanation })
}
