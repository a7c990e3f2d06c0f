import type { MiddlewareHandler } from 'hono'
import type { AdminEnv } from './deps.ts'
import { requestInvalid } from './problem.ts'

const JSON_TYPE = /^application\/json(?:; *charset="?utf-8"?)?$/i

/**
 * Reads the body of a write before anything else looks at it: JSON by its content type, not compressed, UTF-8, at most
 * `maxBytes` as counted here, whatever `Content-Length` says.
 */
export function jsonBody(maxBytes: number): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    if (!JSON_TYPE.test(c.req.header('content-type') ?? ''))
      throw wrongHeader('content-type', 'must be application/json')
    const encoding = c.req.header('content-encoding')
    if (encoding !== undefined && encoding !== 'identity') throw wrongHeader('content-encoding', 'must not be sent')
    const bytes = await readAtMost(c.req.raw.body, maxBytes)
    if (bytes === undefined) {
      throw requestInvalid(`The body must be at most ${maxBytes} bytes.`, [
        { pointer: '/body', message: 'is too long' },
      ])
    }
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
      JSON.parse(text)
      c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers: c.req.raw.headers, body: text })
    } catch {
      throw requestInvalid('The body must be one JSON object in UTF-8.', [{ pointer: '/body', message: 'is not JSON' }])
    }
    return next()
  }
}

function wrongHeader(name: string, message: string): Error {
  return requestInvalid(`The header ${name} ${message}.`, [{ pointer: `/headers/${name}`, message }])
}

async function readAtMost(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
