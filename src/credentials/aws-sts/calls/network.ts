import http from 'node:http'
import https from 'node:https'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { type HttpProxy, TunnelAgent } from '../../../core/net/proxy/tunnel-agent.ts'

/** How calls travel to AWS, whichever service and account they are for; nothing set is AWS's public endpoints, directly. */
export interface AwsNetwork {
  /** Endpoints that are validated for FIPS 140; unset as AWS's shared config says. */
  readonly fips?: boolean
  /** Endpoints with IPv6 addresses too; unset as AWS's shared config says. */
  readonly dualStack?: boolean
  /**
   * PEM certificates that answer for the endpoints and for a proxy over TLS, in the place of the public ones; asked for each
   * connection.
   */
  readonly ca?: () => string
  readonly proxy?: HttpProxy
}

/** Socket limits; the SDK's own defaults are minutes. */
export interface HttpLimits {
  readonly connectionTimeoutMs: number
  /** From sending the request to the answer's headers. */
  readonly requestTimeoutMs: number
}

/** The settings of an SDK client that say which of AWS's endpoints it uses. */
export function endpointVariant({ fips, dualStack }: AwsNetwork) {
  return {
    ...(fips !== undefined && { useFipsEndpoint: fips }),
    ...(dualStack !== undefined && { useDualstackEndpoint: dualStack }),
  }
}

/** Settings of the connections to AWS. */
export interface ConnectionOptions {
  readonly http: HttpLimits
  readonly maxSockets: number
  readonly network?: AwsNetwork
}

/** Pools of kept connections, for plain HTTP (loopback only) and for TLS. */
export interface AwsAgents {
  readonly http: http.Agent
  readonly https: https.Agent
}

/** Pools whose TLS connections are verified, and go through the proxy where there is one. */
export function createAgents({ http: limits, maxSockets, network: { ca, proxy } = {} }: ConnectionOptions): AwsAgents {
  // Said here, since NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would otherwise let any server be AWS.
  const options = { keepAlive: true, maxSockets, rejectUnauthorized: true }
  const tls = proxy
    ? new TunnelAgent({ ...options, proxy, tunnelTimeoutMs: limits.connectionTimeoutMs * 2 })
    : new https.Agent(options)
  return { http: new http.Agent(options), https: withCertificates(tls, ca) }
}

/** The timeouts of one call. A tunnel is two connections, one to the proxy and one from there; its agent says which failed. */
export function callLimits({
  http: limits,
  network: { proxy } = {},
}: Omit<ConnectionOptions, 'maxSockets'>): HttpLimits {
  return { ...limits, connectionTimeoutMs: limits.connectionTimeoutMs * (proxy ? 3 : 1) }
}

/** The request handler of SDK clients; close it with `destroy`. */
export function createRequestHandler(options: ConnectionOptions, agents = createAgents(options)): NodeHttpHandler {
  const limits = callLimits(options)
  return new NodeHttpHandler({
    connectionTimeout: limits.connectionTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    throwOnRequestTimeout: true,
    httpAgent: agents.http,
    httpsAgent: agents.https,
  })
}

/**
 * Has each new connection verified by the certificates of its time. An agent merges its options into those of each request and
 * keeps connections and TLS sessions apart by them, so none that was made with other certificates is used again.
 */
function withCertificates(agent: https.Agent, ca: (() => string) | undefined): https.Agent {
  if (ca) Object.defineProperty(agent.options, 'ca', { get: ca, enumerable: true })
  return agent
}
