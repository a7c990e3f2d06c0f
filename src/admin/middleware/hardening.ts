import type { MiddlewareHandler } from 'hono'
import { duringCall, REQUEST_ID_HEADER, readCorrelation, TRACEPARENT_HEADER } from '../../core/correlation.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import type { AdminEnv } from '../deps.ts'
import { requestInvalid } from '../problem.ts'

/** On every answer: nothing is cached, framed, sniffed, or shared with another origin. There are no cookies and no CORS headers. */
export const ANSWER_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

const PATH = /^(\/[A-Za-z0-9._~-]+)+$/

/** Gives every call its ids, the caller's own where they are well-formed, and every answer its headers. */
export function answerHeaders(newRequestId: () => string): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    // A path that is itself `/*` matches the middlewares' own pattern twice in one of hono's routers; the call keeps its first id.
    if (c.var.correlation) return next()
    const sent = { requestId: c.req.header(REQUEST_ID_HEADER), traceparent: c.req.header(TRACEPARENT_HEADER) }
    const correlation = readCorrelation(sent, newRequestId)
    c.set('correlation', correlation)
    await duringCall(correlation, next)
    c.header(REQUEST_ID_HEADER, correlation.requestId)
    for (const [name, value] of Object.entries(ANSWER_HEADERS)) c.header(name, value)
  }
}

/** Makes an error of anything else that is thrown: hono passes only errors to its error handler. */
export const onlyErrors: MiddlewareHandler<AdminEnv> = async (_c, next) => {
  try {
    await next()
  } catch (thrown) {
    throw asStintError(thrown)
  }
}

/** Refuses every path that two readers could take for two things: `//`, `%2f`, `..`, `;`, `\`. No path of this API needs them. */
export const plainPathsOnly: MiddlewareHandler<AdminEnv> = (c, next) => {
  const asSent = c.env?.incoming?.url?.split(/[?#]/, 1)[0]
  const path = new URL(c.req.raw.url).pathname
  const plain = PATH.test(path) && (asSent === undefined || asSent === path)
  if (!plain)
    throw new StintError('NOT_FOUND', { explanation: 'No resource exists at this path; see GET /openapi.json.' })
  return next()
}

/**
 * Refuses what only a web page sends: an `Origin`, or a fetch that is not same-origin. This API has no pages, so such a
 * call is somebody else's page that uses a person's network position.
 *
 * @see Fetch Metadata Request Headers, section 2.3
 */
export const noBrowsers: MiddlewareHandler<AdminEnv> = (c, next) => {
  const site = c.req.header('sec-fetch-site')
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  if (c.req.header('origin') !== undefined || foreign) {
    const pointer = foreign ? '/headers/sec-fetch-site' : '/headers/origin'
    throw requestInvalid('Web pages may not call this API; use the CLI or another program.', [
      { pointer, message: 'must not be sent' },
    ])
  }
  return next()
}
