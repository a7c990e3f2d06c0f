import type { Json } from '../core/canonical-json.ts'
import { type Correlation, REQUEST_ID_HEADER } from '../core/correlation.ts'
import { asStintError, ERROR_CATALOG, type ErrorCode, StintError } from '../core/errors.ts'
import { renameFields } from '../core/input-error.ts'

/** One part of a request that is wrong. */
export interface ProblemPart {
  /** JSON pointer into `{path, query, body, headers}` of the request, e.g. `/query/limit`. @see RFC 6901 */
  readonly pointer: string
  readonly message: string
}

/** The body of every answer that is not a success. @see RFC 9457, section 3 */
export interface Problem {
  /** `urn:stint:error:<code>` */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  /** The sentence that says what was wrong and what would be right. */
  readonly detail?: string
  /** Facts of the error, as its code defines them. */
  readonly details: Readonly<Record<string, Json>>
  readonly errors?: readonly ProblemPart[]
  readonly requestId: string
  readonly traceId?: string
}

/**
 * The problem document of any error. An unexpected one is INTERNAL and says nothing of itself.
 *
 * @param part where the fields of `inputError` stand in the request.
 */
export function toProblem(error: unknown, correlation: Correlation, part: 'query' | 'body' = 'query'): Problem {
  const { code, details: named } = asStintError(error)
  const details = renameFields(
    named,
    (field) => `/${part}/${field.replaceAll(/\[(\d+)\]/g, '/$1').replaceAll('.', '/')}`,
  )
  const { http, title } = ERROR_CATALOG[code]
  const head = { type: `urn:stint:error:${code}`, title, status: http, code }
  if (code === 'INTERNAL') return { ...head, details: {}, ...correlation }
  const { explanation, errors, ...facts } = details
  return {
    ...head,
    ...(explanation === undefined ? {} : { detail: explanation }),
    details: JSON.parse(JSON.stringify(facts)),
    ...(errors === undefined ? {} : { errors: toParts(errors) }),
    ...correlation,
  }
}

/** Parts of this edge's own, or mistakes of `inputError`. */
function toParts(errors: Json): readonly ProblemPart[] {
  const parts = errors as unknown as readonly { pointer?: string; field?: string; message: string }[]
  return parts.map(({ pointer, field = '', message }) => ({ pointer: pointer ?? field, message }))
}

/**
 * The answer for an error: `application/problem+json`, with the headers that its status wants: `Allow` (405), `Accept` or
 * `Accept-Encoding` (415), `Retry-After`, `WWW-Authenticate` (401).
 *
 * @see RFC 9110, sections 10.2.3, 11.6.1, 15.5.6, 15.5.16; RFC 6750, section 3
 */
export function problemResponse(error: unknown, correlation: Correlation, part?: 'query' | 'body'): Response {
  const problem = toProblem(error, correlation, part)
  const headers = new Headers({
    'content-type': 'application/problem+json',
    [REQUEST_ID_HEADER]: correlation.requestId,
  })
  const { allow, accept, acceptEncoding, retryAfterSeconds, retryAfterMs, reason } = problem.details
  if (Array.isArray(allow)) headers.set('allow', allow.join(', '))
  if (typeof accept === 'string') headers.set('accept', accept)
  if (typeof acceptEncoding === 'string') headers.set('accept-encoding', acceptEncoding)
  if (problem.code === 'OPERATOR_UNKNOWN') {
    const realm = 'Bearer realm="stint-admin"'
    headers.set('www-authenticate', reason === 'missing' ? realm : `${realm}, error="invalid_token"`)
  }
  const seconds = typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1_000) : retryAfterSeconds
  if (typeof seconds === 'number') headers.set('retry-after', String(seconds))
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}

/** REQUEST_INVALID with the parts that are wrong. */
export function requestInvalid(explanation: string, errors: readonly ProblemPart[] = []): StintError {
  return new StintError('REQUEST_INVALID', {
    explanation,
    ...(errors.length > 0 ? { errors: errors as unknown as Json } : {}),
  })
}
