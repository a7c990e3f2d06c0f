import { isIPv6 } from 'node:net'

/** A host as an operator names it in a list, for any port or for one. */
export interface HostPort {
  /** In lower case; an IPv6 address without brackets. */
  readonly host: string
  readonly port?: number
}

const SHAPE = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i
const HTTPS_PORT = 443

/** The form that `parseHostPort` reads, for messages. */
export const HOST_PORT_FORM = 'a host, with a port if need be, e.g. keys.example.org, 10.0.0.1:6443 or [fd00::1]:6443'

/**
 * Reads a host name, an IPv4 or an IPv6 address, with or without a port. An IPv6 address needs its brackets only before a port.
 *
 * @returns undefined for anything else, such as a URL, a pattern, a network or an address that is not written plainly.
 */
export function parseHostPort(text: string): HostPort | undefined {
  const [, host, digits] = SHAPE.exec(isIPv6(text) ? `[${text}]` : text) ?? []
  const url = host === undefined ? null : URL.parse(`https://${host}${digits === undefined ? '' : `:${digits}`}/`)
  if (host === undefined || !url || digits === '0') return undefined
  if (!host.startsWith('[') && url.hostname !== host.toLowerCase()) return undefined
  return { host: urlHost(url), ...(digits !== undefined && { port: Number(digits) }) }
}

/** `host:port` of an address, an IPv6 one in brackets, e.g. `[::1]:8443`. */
export function hostPortText(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** True if a URL is at this host, and at its port if it names one. */
export function isAt(url: URL, { host, port }: HostPort): boolean {
  return urlHost(url) === host && (port === undefined || port === urlPort(url))
}

/** Host name or IP address of a URL, without brackets. */
export function urlHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

function urlPort({ port }: URL): number {
  return port === '' ? HTTPS_PORT : Number(port)
}
