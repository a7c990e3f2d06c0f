import { isIPv6 } from 'node:net'
import { isLoopbackHost } from '../loopback.ts'

const ENTRY = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/

/**
 * Whether a host is reached without the proxy. Loopback always is. An entry is `*`, or a host name or an IP address with a port
 * if need be; a name stands for its subdomains too, with or without a leading `.` or `*.`, as curl and Go read `NO_PROXY`.
 */
export function bypassesProxy(noProxy: readonly string[], host: string, port: number): boolean {
  const name = host.toLowerCase()
  return isLoopbackHost(name) || noProxy.some((entry) => covers(entry.trim().toLowerCase(), name, port))
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true
  if (isIPv6(entry)) return entry === host
  const [, address, name, onlyPort] = ENTRY.exec(entry) ?? []
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false
  const domain = address ?? name?.replace(/^\*?\./, '')
  return domain !== undefined && (host === domain || host.endsWith(`.${domain}`))
}
