import { isIP } from 'node:net'
import { connect, type SecureContext } from 'node:tls'
import { readFarewell } from '../../contract/farewell.ts'
import { ERROR_CATALOG, type ErrorCode, StintError } from '../../core/errors.ts'
import { checkServerSvid } from '../identity/server-identity.ts'

const TIMEOUT_MS = 2_000
/** Alerts of TLS about the certificate of a client, as Node names them. */
const ALERT = /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/

/**
 * Asks a broker that could not be reached whether it is the certificate that it does not accept. In TLS 1.3 a client
 * learns that only after its own handshake, where gRPC says no more than that the connection has gone.
 *
 * @returns why the broker refused; undefined when it did not say so within 2 s.
 */
export function probeRefusal(
  address: string,
  {
    secureContext,
    serverId,
    withinMs,
  }: { readonly secureContext: SecureContext; readonly serverId: string; readonly withinMs: number },
): Promise<StintError | undefined> {
  const [, host = '', port] = /^(?:dns:\/{0,3})?\[?([^\]/]+?)\]?:(\d+)$/.exec(address) ?? []
  if (host === '') return Promise.resolve(undefined)
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const socket = connect({
      host,
      port: Number(port),
      servername: isIP(host) === 0 ? host : 'stint-broker',
      secureContext,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: true,
      checkServerIdentity: (_host, { raw }) => checkServerSvid(raw, serverId),
    })
    const end = (code: ErrorCode | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(code && !ERROR_CATALOG[code].retryable ? refused(code) : undefined)
    }
    const timer = setTimeout(() => end(undefined), Math.min(TIMEOUT_MS, withinMs))
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data])
      const said = readFarewell(received)
      if (said !== undefined) end(said === 'accepted' ? undefined : said)
    })
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => end(ALERT.test(code) ? 'SVID_INVALID' : undefined))
    socket.on('close', () => end(undefined))
  })
}

function refused(code: ErrorCode): StintError {
  return new StintError(code, { check: 'connection', explanation: HINTS.get(code) ?? NOT_ACCEPTED })
}

const NOT_ACCEPTED =
  "The broker did not accept this agent's certificate: check that it is a current X.509-SVID, has its intermediates, and is signed by a root in the broker's bundle."
const HINTS: ReadonlyMap<ErrorCode, string> = new Map([
  [
    'SVID_EXPIRED',
    "The broker did not accept this agent's certificate: it is expired or not yet valid by the broker's clock.",
  ],
  [
    'TRUST_DOMAIN_UNKNOWN',
    "The broker did not accept this agent's certificate: the broker does not know its trust domain (identity.domains).",
  ],
])
