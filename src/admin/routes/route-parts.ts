import { z } from '@hono/zod-openapi'
import { ERROR_CATALOG, type ErrorCode } from '../../core/errors.ts'
import type { Operator } from '../../grants/operators/operator.ts'
import type { AdminDeps } from '../deps.ts'
import { problemSchema } from '../schemas/problem-schemas.ts'
import { EXAMPLE_REQUEST_ID } from '../schemas/values.ts'

/** Codes that any call with a token can meet. */
const ALWAYS = [
  'REQUEST_INVALID',
  'OPERATOR_UNKNOWN',
  'OPERATOR_FORBIDDEN',
  'METHOD_NOT_ALLOWED',
  'RATE_LIMITED',
  'LEDGER_UNAVAILABLE',
  'SHUTTING_DOWN',
  'INTERNAL',
] as const satisfies readonly ErrorCode[]

/** Codes that a call with a body can meet besides. */
export const BODY_CODES = ['BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED'] as const satisfies readonly ErrorCode[]

const header = (description: string, example: string) => ({
  description,
  schema: { type: 'string' as const, example },
})

/** On every answer. */
const COMMON_HEADERS = {
  'X-Request-Id': header("Id of this call; the log and a problem's `requestId` show it too", EXAMPLE_REQUEST_ID),
  'Cache-Control': header('Responses must not be cached', 'no-store'),
}

/** On the answers of one status. */
const STATUS_HEADERS: Readonly<Record<number, Record<string, ReturnType<typeof header>>>> = {
  401: { 'WWW-Authenticate': header('How to authenticate (RFC 6750)', 'Bearer realm="stint-admin"') },
  405: { Allow: header('The methods that this path supports', 'GET, HEAD') },
  415: {
    Accept: header('The accepted media type, if the request body had another one', 'application/json'),
    'Accept-Encoding': header('The accepted content coding, if the request body had another one', 'identity'),
  },
  429: { 'Retry-After': header('Seconds to wait before trying again', '60') },
}

/** `responses` of a route: its success, and a problem for every status that its error codes have. */
export function answers<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  codes: readonly ErrorCode[] = [],
) {
  const byStatus = new Map<number, string[]>()
  for (const code of [...ALWAYS, ...codes]) {
    const { http } = ERROR_CATALOG[code]
    byStatus.set(http, [...(byStatus.get(http) ?? []), code])
  }
  const problems = Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      {
        description: names.join(', '),
        headers: { ...COMMON_HEADERS, ...STATUS_HEADERS[status] },
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  )
  const success = { description, headers: COMMON_HEADERS, content: { 'application/json': { schema } } }
  return { ...problems, 200: success } as {
    200: { description: string; content: { 'application/json': { schema: Schema } } }
  }
}

/** A keyset page of these, as a component of this name. */
export function pageSchema<Schema extends z.ZodType>(name: string, item: Schema) {
  return z
    .object({
      items: z.array(item),
      nextCursor: z.string().optional().openapi({ description: 'absent on the last page' }),
    })
    .openapi(name)
}

/** A required JSON body. */
export function body<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } } as const
}

/** On every route but the document itself. */
export const security = [{ operatorToken: [] }]

/** Tells an operator whether a registration has a name, as far as the operator's scope goes. */
export function isRegisteredFor({ inventory }: Pick<AdminDeps, 'inventory'>, operator: Operator) {
  return async (name: string): Promise<boolean> => (await inventory.show(operator)).some((one) => one.name === name)
}
