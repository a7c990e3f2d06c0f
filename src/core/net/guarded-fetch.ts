import { lookup as dnsLookup } from 'node:dns/promises'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent, request } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { asStintError, StintError } from '../errors.ts'
import { bypassesProxy } from './proxy/no-proxy.ts'
import { type HttpProxy, TunnelAgent } from './proxy/tunnel-agent.ts'
import { addressRefused, type GuardedUrl, guardUrl } from './url-guard.ts'

/** An address of a host. */
interface HostAddress {
  readonly address: string
  readonly family: number
}

/** Options of `createGuardedFetch`. */
export interface GuardedFetchOptions {
  /** As for `guardUrl`. */
  readonly allowPrivate?: readonly string[]
  /** As for `guardUrl`. */
  readonly httpOnLoopback?: boolean
  /**
   * Connects through this proxy. The proxy resolves the names, so it also has to judge where they lead; an address in the URL is
   * still judged here. Hosts that go past the proxy are resolved and judged as without one.
   */
  readonly proxy?: HttpProxy
  /** Timeout of one fetch, from name resolution to the last byte. Default 10 000. */
  readonly timeoutMs?: number
  /** Largest body that is read, in bytes. Default 1 MiB. */
  readonly maxBytes?: number
  /** PEM roots in the place of the public ones. An empty list trusts no server. */
  readonly ca?: readonly string[]
  /** In the place of the host name check, called for every connection; its error ends the fetch. Give it with `ca` only. */
  readonly checkServer?: (certificate: PeerCertificate) => Error | undefined
  /** Resolves a host name; the system's resolver unless given. */
  readonly lookup?: (host: string) => Promise<readonly HostAddress[]>
}

/** The response of a guarded fetch. */
export interface FetchedDocument {
  /** Any non-redirect status. Callers must check for 200 themselves. */
  readonly status: number
  /** UTF-8. */
  readonly body: string
  readonly headers: IncomingHttpHeaders
}

/** One fetch. */
export interface FetchRequest {
  readonly signal?: AbortSignal
  /** The `accept` header. Default `application/json`, then anything. */
  readonly accept?: string
  /** The `authorization` header. It goes to this URL alone: redirects are refused. */
  readonly authorization?: string
  /** A POST with this body, UTF-8, in the place of a GET. */
  readonly post?: { readonly type: string; readonly body: string }
  /** Further headers, in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** Only the status counts: the connection is closed before the body, which is empty then. */
  readonly statusOnly?: boolean
}

/** Gets one document. @throws {StintError} URL_REFUSED, FETCH_FAILED; CANCELLED when the signal aborts. */
export type GuardedFetch = (url: string, request?: FetchRequest) => Promise<FetchedDocument>

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_MAX_BYTES = 1_048_576
/** Some servers answer 406 to whoever does not name their very type. The body decides what a document is, not its type. */
const DEFAULT_ACCEPT = 'application/json, */*;q=0.1'

/**
 * Makes a fetch for configured URLs that cannot be led elsewhere. Each URL passes `guardUrl`; its host is resolved once, every
 * address must be allowed, and the connection goes to just these (a second answer of the DNS changes nothing). Redirects
 * and compressed bodies are refused, size and time are bounded, every fetch has a handshake of its own: no session is
 * resumed, since Node leaves out `checkServer` on a resumed one.
 *
 * @throws {StintError} the fetch: URL_REFUSED; FETCH_FAILED with `details.check` dns, connection, tls, redirect, encoding,
 *   size or timeout; CANCELLED.
 */
export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, allowPrivate = [], httpOnLoopback = false } = options
  return async (text, asked = {}) => {
    const { signal } = asked
    const target = guardUrl(text, { allowPrivate, httpOnLoopback })
    const timeout = AbortSignal.timeout(timeoutMs)
    const bound = signal ? AbortSignal.any([signal, timeout]) : timeout
    try {
      const proxy = proxyFor(target, options.proxy)
      const addresses = proxy ? [] : await unlessAborted(resolve(target, options), bound)
      const agent = proxy ? tunnel(proxy, options, timeoutMs) : direct(target)
      return await get(target, { addresses, agent }, options, { ...asked, signal: bound }).finally(() =>
        agent.destroy(),
      )
    } catch (error) {
      if (signal?.aborted) throw new StintError('CANCELLED', { explanation: 'The fetch was cancelled.' }, error)
      if (timeout.aborted)
        throw failed('timeout', `No complete response arrived within ${timeoutMs} ms.`, target, error)
      throw asStintError(error)
    }
  }
}

function proxyFor({ url, host }: GuardedUrl, proxy: HttpProxy | undefined): HttpProxy | undefined {
  if (!proxy || url.protocol === 'http:') return undefined
  return bypassesProxy(proxy.noProxy, host, Number(url.port || 443)) ? undefined : proxy
}

/** No session is kept: see `createGuardedFetch`. */
const NOTHING_KEPT = { keepAlive: false, maxCachedSessions: 0 } as const

function direct({ url }: GuardedUrl): Agent | PlainAgent {
  return url.protocol === 'http:' ? new PlainAgent({ keepAlive: false }) : new Agent(NOTHING_KEPT)
}

function tunnel(proxy: HttpProxy, { ca }: GuardedFetchOptions, timeoutMs: number): Agent {
  return new TunnelAgent({ ...NOTHING_KEPT, proxy, tunnelTimeoutMs: timeoutMs, ...(ca && { ca: [...ca] }) })
}

async function resolve(target: GuardedUrl, { lookup = systemLookup }: GuardedFetchOptions): Promise<HostAddress[]> {
  let addresses: readonly HostAddress[]
  try {
    addresses = await lookup(target.host)
  } catch (error) {
    throw failed('dns', 'The host name cannot be resolved.', target, error)
  }
  if (addresses.length === 0) throw failed('dns', 'The host name has no address.', target)
  if (!addresses.every(({ address }) => target.allows(address))) throw addressRefused(target.host)
  return [...addresses]
}

function systemLookup(host: string): Promise<readonly HostAddress[]> {
  return dnsLookup(host, { all: true })
}

function get(
  target: GuardedUrl,
  { addresses, agent }: { readonly addresses: HostAddress[]; readonly agent: Agent | PlainAgent },
  { ca, checkServer, maxBytes = DEFAULT_MAX_BYTES }: GuardedFetchOptions,
  {
    signal,
    accept = DEFAULT_ACCEPT,
    authorization,
    post,
    headers = {},
    statusOnly = false,
  }: FetchRequest & { readonly signal: AbortSignal },
): Promise<FetchedDocument> {
  return new Promise<FetchedDocument>((done, fail) => {
    const send = target.url.protocol === 'http:' ? plainRequest : request
    const sent = send(target.url, {
      agent,
      method: post ? 'POST' : 'GET',
      ...(addresses.length > 0 && { lookup: pinned(addresses) }),
      headers: {
        ...headers,
        accept,
        'accept-encoding': 'identity',
        'user-agent': 'stint',
        ...(authorization !== undefined && { authorization }),
        ...(post && { 'content-type': post.type, 'content-length': Buffer.byteLength(post.body) }),
      },
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      signal,
      ...(ca && { ca: [...ca] }),
      ...(checkServer && {
        checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkServer(certificate),
        allowPartialTrustChain: true,
      }),
    })
    sent.on('error', (error) => fail(error instanceof StintError ? error : connectionFailed(target, error)))
    sent.on('response', (answer) => {
      if (statusOnly) {
        done({ status: answer.statusCode ?? 0, headers: answer.headers, body: '' })
        sent.destroy()
        return
      }
      readAnswer(answer, target, maxBytes).then(done, (error) => {
        sent.destroy()
        fail(error)
      })
    })
    sent.end(post?.body)
  })
}

/** Node asks this in the place of the DNS; an IP address as host is not asked about, and was checked by the guard. */
function pinned(addresses: HostAddress[]): LookupFunction {
  const [first] = addresses
  return (_host, { all }, callback) => {
    if (all) callback(null, addresses)
    else callback(null, first?.address ?? '', first?.family ?? 0)
  }
}

async function readAnswer(answer: IncomingMessage, target: GuardedUrl, maxBytes: number): Promise<FetchedDocument> {
  const { statusCode: status = 0, headers } = answer
  if (status >= 300 && status < 400 && status !== 304) {
    throw failed('redirect', 'The server sent a redirect; configure the final URL.', target)
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw failed('encoding', 'The server compressed its response although the request forbids it.', target)
  }
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of answer as AsyncIterable<Uint8Array>) {
      size += part.length
      if (size > maxBytes) throw failed('size', `The response exceeds ${maxBytes} bytes.`, target)
      parts.push(part)
    }
    return { status, headers, body: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts)) }
  } catch (error) {
    if (error instanceof TypeError) throw failed('encoding', 'The answer is not UTF-8 text.', target, error)
    throw error instanceof StintError ? error : connectionFailed(target, error)
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** `ERR_PROXY` and a sentence that names the proxy: see `ProxyError`. */
const PROXY_CODE = 'ERR_PROXY'
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_PURPOSE|INVALID_CA|HOSTNAME_)/

function connectionFailed(target: GuardedUrl, cause: unknown): StintError {
  const { code = 'unknown', message = '' } = (cause ?? {}) as NodeJS.ErrnoException
  if (code === PROXY_CODE) return failed('connection', message, target, cause)
  if (!TLS_CODE.test(code))
    return failed('connection', `The server is unreachable or closed the connection (${code}).`, target, cause)
  return failed('tls', `The server's TLS certificate failed verification (${code}).`, target, cause)
}

function failed(check: string, explanation: string, { host }: GuardedUrl, cause?: unknown): StintError {
  return new StintError('FETCH_FAILED', { check, host, explanation: `${host}: ${explanation}` }, cause)
}
