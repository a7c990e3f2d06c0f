import { BlockList, isIP, isIPv6 } from 'node:net'
import { isLoopbackHost } from '../loopback.ts'

const NAMED = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/i
const RANGE = /^([0-9a-f:.]+)\/(\d{1,3})$/i

/**
 * True if a host is reached without the proxy. Loopback always is. An entry is `*`, a host name or IP address with or without a
 * port, or a range (`10.0.0.0/8`). A name covers its subdomains too, with or without a leading `.` or `*.`, as curl and Go read
 * `NO_PROXY`. A range covers only hosts that are addresses, since no name is resolved.
 */
export function bypassesProxy(noProxy: readonly string[], host: string, port: number): boolean {
  const name = host.toLowerCase()
  return isLoopbackHost(name) || noProxy.some((entry) => covers(entry.trim().toLowerCase(), name, port))
}

/** True if a text can be an entry of `bypassesProxy`. Any other entry covers nothing. */
export function isNoProxyEntry(entry: string): boolean {
  return entry === '*' || isIPv6(entry) || readRange(entry) !== undefined || NAMED.test(entry)
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true
  if (isIPv6(entry)) return entry === host
  const range = readRange(entry)
  if (range) return isIP(host) !== 0 && range.check(host, family(host))
  const [, address, name, onlyPort] = NAMED.exec(entry) ?? []
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false
  const domain = address ?? name?.replace(/^\*?\./, '')
  if (!domain) return false
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`))
}

/** Parses a range of addresses; undefined for any other text. */
function readRange(entry: string): BlockList | undefined {
  const [, address = '', bits = ''] = RANGE.exec(entry) ?? []
  const version = isIP(address)
  if (version === 0 || Number(bits) > (version === 4 ? 32 : 128)) return undefined
  const range = new BlockList()
  range.addSubnet(address, Number(bits), family(address))
  return range
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
