import type { MiddlewareHandler } from 'hono'
import { StintError } from '../../core/errors.ts'
import type { AdminEnv } from '../deps.ts'
import { requestInvalid } from '../problem.ts'

const JSON_TYPE = /^application\/json(?:; *charset="?utf-8"?)?$/i

/**
 * Reads the body of a write before anything else looks at it: JSON by its content type, not compressed, UTF-8, at most
 * `maxBytes` as counted here, whatever `Content-Length` says.
 */
export function jsonBody(maxBytes: number): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    if (!JSON_TYPE.test(c.req.header('content-type') ?? '')) {
      throw unsupported('The header content-type must be application/json.', { accept: 'application/json' })
    }
    const encoding = c.req.header('content-encoding')
    if (encoding !== undefined && encoding !== 'identity') {
      throw unsupported('The header content-encoding must not be sent.', { acceptEncoding: 'identity' })
    }
    const bytes = await readAtMost(c.req.raw.body, maxBytes)
    if (bytes === undefined) {
      throw new StintError('BODY_TOO_LARGE', { explanation: `The body must be at most ${maxBytes} bytes.`, maxBytes })
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

function unsupported(explanation: string, taken: { accept: string } | { acceptEncoding: string }): StintError {
  return new StintError('MEDIA_TYPE_UNSUPPORTED', { explanation, ...taken })
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
