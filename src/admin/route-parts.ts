import { z } from '@hono/zod-openapi'
import { ERROR_CATALOG, type ErrorCode } from '../core/errors.ts'
import { problemSchema } from './schemas.ts'

/** Codes that any call with a token can meet. */
const ALWAYS = [
  'REQUEST_INVALID',
  'OPERATOR_UNKNOWN',
  'OPERATOR_FORBIDDEN',
  'RATE_LIMITED',
  'LEDGER_UNAVAILABLE',
  'SHUTTING_DOWN',
  'INTERNAL',
] as const satisfies readonly ErrorCode[]

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
      { description: names.join(', '), content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  )
  return { ...problems, 200: { description, content: { 'application/json': { schema } } } } as {
    200: { description: string; content: { 'application/json': { schema: Schema } } }
  }
}

/** A keyset page of these. */
export function pageOf<Schema extends z.ZodType>(item: Schema) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().optional().openapi({ description: 'absent on the last page' }),
  })
}

/** A required JSON body. */
export function body<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } } as const
}

/** On every route but the document itself. */
export const security = [{ operatorToken: [] }]
