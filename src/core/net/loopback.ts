import { ipClass } from './ip-class.ts'

/**
 * True for a host that is this machine: `localhost` and names under it (RFC 6761, section 6.3), 127.0.0.0/8, ::1.
 *
 * @param host without port and brackets, in either case.
 */
export function isLoopbackHost(host: string): boolean {
  return /^(?:[^.]+\.)*localhost\.?$/i.test(host) || ipClass(host) === 'loopback'
}
