import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import type { Secret } from '../../secret.ts'
import { hostPortText } from '../host-port.ts'
import { bypassesProxy } from './no-proxy.ts'
import { ProxyError } from './proxy-error.ts'

/** An HTTP proxy that connects to other hosts by CONNECT. */
export interface HttpProxy {
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** True if the connection to the proxy itself uses TLS. */
  readonly tls: boolean
  /** `user:password`, for Basic authentication; asked for each tunnel. */
  readonly credentials?: () => Secret
  /** Hosts that are reached directly: see `bypassesProxy`. */
  readonly noProxy: readonly string[]
}

/** Options of a `TunnelAgent`. */
export interface TunnelAgentOptions extends https.AgentOptions {
  readonly proxy: HttpProxy
  /** Time for connecting to the proxy and, through it, to the target. */
  readonly tunnelTimeoutMs: number
}

/**
 * Sends HTTPS requests through CONNECT tunnels of a proxy, and keeps the tunnels alive. TLS is end to end with the target. A
 * request fails with a `ProxyError` if the proxy opens no tunnel.
 *
 * Neither Node's own proxy support nor the usual packages are fit for AWS: `proxyEnv` (24.21, in development) waits for ever for
 * a proxy that does not answer, and https-proxy-agent returns the proxy's refusal as if it were AWS's answer.
 */
export class TunnelAgent extends https.Agent {
  readonly #settings: TunnelAgentOptions

  constructor(settings: TunnelAgentOptions) {
    const { proxy: _, tunnelTimeoutMs: __, ...options } = settings
    super(options)
    this.#settings = settings
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const [host, port] = [options.host ?? '', Number(options.port)]
    if (bypassesProxy(this.#settings.proxy.noProxy, host, port)) return super.createConnection(options, callback)
    this.#openTunnel(hostPortText(host, port))
      // `socket` is an option of tls.connect, which the base class calls.
      .then((socket) => super.createConnection({ ...options, socket } as https.RequestOptions))
      .then(
        (stream) => callback?.(null, stream as Duplex),
        (error) => (callback as ((error: Error) => void) | undefined)?.(error),
      )
    return undefined
  }

  #openTunnel(target: string): Promise<Duplex> {
    const { proxy, tunnelTimeoutMs } = this.#settings
    const at = hostPortText(proxy.host, proxy.port)
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
    const request = this.#connectRequest(target)
    const fail = (failure: { statusCode?: number; reason?: string }) =>
      reject(new ProxyError({ proxy: at, target, ...failure }))
    const timer = setTimeout(() => {
      fail({ reason: 'ETIMEDOUT' })
      request.destroy()
    }, tunnelTimeoutMs)
    request.once('error', (error: NodeJS.ErrnoException) => fail({ reason: error.code ?? error.name }))
    request.once('connect', ({ statusCode = 0 }, socket, head) => {
      // A TLS server does not speak first: what follows the proxy's answer is not from the target.
      if (statusCode === 200 && head.length === 0) return resolve(socket)
      socket.destroy()
      fail(statusCode === 200 ? { reason: 'unexpected data' } : { statusCode })
    })
    request.end()
    return promise.finally(() => clearTimeout(timer))
  }

  #connectRequest(target: string): http.ClientRequest {
    const { proxy } = this.#settings
    const { ca, rejectUnauthorized = true } = this.options
    const authorization = proxy.credentials && Buffer.from(proxy.credentials().reveal()).toString('base64')
    const request = {
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: target,
      agent: false,
      headers: { host: target, ...(authorization && { 'proxy-authorization': `Basic ${authorization}` }) },
    } as const
    return proxy.tls ? https.request({ ...request, rejectUnauthorized, ...(ca && { ca }) }) : http.request(request)
  }
}
