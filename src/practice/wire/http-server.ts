import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type HandlerParts, handle, type Outcome } from '../services/handler.ts'
import type { WireRequest } from './wire-request.ts'

/** Answers a request under `/_practice/`. */
export type ControlHandler = (request: WireRequest) => Outcome

/** Bodies up to 1 MiB of content; the rest is room for aws-chunked framing. */
const MAX_BODY_BYTES = 1024 * 1024 + 64 * 1024

/** The HTTP side: reads a bounded body, hands the request on, writes the answer or ends the connection. Not listening yet. */
export function createPracticeServer(options: {
  readonly parts: HandlerParts
  readonly control: ControlHandler | undefined
  readonly signal: AbortSignal
}): Server {
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 60_000, maxHeaderSize: 32 * 1024 },
    (incoming, response) => {
      // The request itself has ended by then; only its socket can still be told.
      serve(options, incoming, response).catch(() => incoming.socket.destroy())
    },
  )
  server.maxConnections = 2_048
  return server
}

async function serve(
  options: Parameters<typeof createPracticeServer>[0],
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(incoming)
  if (body === undefined) {
    response
      .writeHead(413, { connection: 'close', 'content-type': 'text/plain' })
      .end('The practice cloud takes bodies up to 1 MiB.\n')
    return
  }
  const request = wireRequest(incoming, body)
  const control = request.path.startsWith('/_practice/') ? options.control : undefined
  const outcome = control === undefined ? await handle(options.parts, request, options.signal) : control(request)
  if (outcome === 'hang') return
  if (outcome === 'reset') {
    incoming.socket.resetAndDestroy()
    return
  }
  response.sendDate = false
  // The SDKs correct their own clock by this header.
  response.setHeader('date', options.parts.signatureClock.now().toUTCString())
  const length = outcome.status === 204 ? {} : { 'content-length': Buffer.byteLength(outcome.body) }
  // With a known length, head and body leave in one write.
  response.writeHead(outcome.status, { ...length, ...outcome.headers })
  response.end(outcome.body)
}

function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
      else {
        incoming.pause()
        resolve(undefined)
      }
    })
    incoming.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    incoming.on('error', reject)
    incoming.on('close', () => reject(new Error('the client went away')))
  })
}

function wireRequest(incoming: IncomingMessage, body: Buffer): WireRequest {
  const { rawHeaders } = incoming
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = rawHeaders[index + 1] ?? ''
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`)
  }
  const url = incoming.url ?? '/'
  const mark = url.indexOf('?')
  return {
    method: incoming.method ?? '',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers,
    body,
    ...(incoming.socket.remoteAddress !== undefined && { sourceIp: incoming.socket.remoteAddress }),
  }
}
