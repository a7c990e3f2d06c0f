import { isIPv4, isIPv6 } from 'node:net'
import { StintError } from '../../core/errors.ts'

const UNIX = /^unix:(?:\/\/)?(\/(?!\/)[^?#%\s\\]*[^?#%\s\\/])$/
const TCP = /^tcp:\/\/(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\]):(\d{1,5})$/
/** The longest path of a Linux socket address, without its final zero. */
const MAX_SOCKET_PATH_BYTES = 107

/**
 * Reads the address of a Workload API: `unix:` with an absolute path, or `tcp://` with IP address and port; nothing more.
 *
 * @returns the same as a target for grpc-js.
 * @throws {StintError} CONFIG_INVALID
 * @see SPIFFE Workload Endpoint, section 4
 */
export function workloadApiTarget(address: string): string {
  const path = UNIX.exec(address)?.[1]
  if (path !== undefined && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return `unix://${path}`
  const [, v4, v6, port] = TCP.exec(address) ?? []
  const portNumber = Number(port)
  if (portNumber >= 1 && portNumber <= 65_535) {
    if (v4 !== undefined && isIPv4(v4)) return `ipv4:${v4}:${portNumber}`
    if (v6 !== undefined && isIPv6(v6)) return `ipv6:[${v6}]:${portNumber}`
  }
  const explanation =
    'The address of a Workload API is unix: with an absolute path of a socket, e.g. unix:///run/spire/agent.sock, or tcp:// with IP address and port.'
  throw new StintError('CONFIG_INVALID', { field: 'workloadApi.socket', explanation })
}
