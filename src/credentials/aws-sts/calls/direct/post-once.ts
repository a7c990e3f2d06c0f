import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AwsAgents, HttpLimits } from '../network.ts'

/** A signed request whose body is text. */
export interface SignedPost {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number | undefined
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A hundred times the longest answer of AssumeRole. */
const MAX_BODY_BYTES = 1_048_576

/**
 * Posts once over a kept connection, and never again: a lost connection is an error, since the request may have had its effect.
 *
 * @param options.limits the timeouts of the SDK's own handler; here too the first covers the wait for a free socket.
 * @returns once the headers are there; the body is still to be read.
 */
export function postOnce(
  { protocol, hostname, port, path, headers, body }: SignedPost,
  options: { readonly agents: AwsAgents; readonly limits: HttpLimits; readonly signal: AbortSignal },
): Promise<IncomingMessage> {
  const { agents, limits, signal } = options
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const isTls = protocol === 'https:'
  const request = (isTls ? https : http).request({
    // Node takes an IPv6 address without the brackets that a URL has.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(port !== undefined && { port }),
    path,
    headers,
    method: 'POST',
    agent: isTls ? agents.https : agents.http,
  })
  const giveUp = (what: string) => {
    reject(Object.assign(new Error(what), { name: 'TimeoutError', code: 'ETIMEDOUT' }))
    request.destroy()
  }
  const connecting = setTimeout(giveUp, limits.connectionTimeoutMs, 'no connection in time')
  const waiting = setTimeout(giveUp, limits.requestTimeoutMs, 'no answer in time')
  const settle = () => {
    clearTimeout(connecting)
    clearTimeout(waiting)
  }
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => clearTimeout(connecting))
    else clearTimeout(connecting)
  })
  request.once('response', (response) => {
    settle()
    resolve(response)
  })
  // Stays on: a request that is given up fails once more.
  request.on('error', (error) => {
    settle()
    reject(error)
  })
  signal.addEventListener('abort', () => request.destroy(), { once: true })
  request.end(body)
  return promise
}

/**
 * The whole body.
 *
 * @throws {Error} if the connection ends before the body does, or the body is too long.
 */
export function readBody(response: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES)
      response.destroy(Object.assign(new Error('the answer is too long'), { name: 'AnswerTooLong' }))
  })
  response.on('error', reject)
  response.once('end', () => {
    if (response.complete) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
    else reject(Object.assign(new Error('the answer was cut off'), { code: 'ECONNRESET' }))
  })
  return promise
}
