import { z } from '@hono/zod-openapi'
import { type IdPrefix, idPattern } from '../../core/ids.ts'
import { AUTH_METHODS } from '../../identity/caller-identity.ts'

/** An instant. */
export const instant = () =>
  z.string().openapi({
    format: 'date-time',
    description: 'RFC 3339, UTC, with milliseconds',
    example: '2026-11-21T12:00:00.000Z',
  })

/** The id of a call. */
export const requestId = () => z.string().openapi({ example: EXAMPLE_REQUEST_ID })

/** Shown in the OpenAPI document. */
export const EXAMPLE_REQUEST_ID = '0d9b7b0c-6f0e-4f3e-9a53-0f5d2b2f3c1e'

/** The trace id of a call. */
export const traceId = () =>
  z.string().optional().openapi({ pattern: '^[0-9a-f]{32}$', description: "trace id from the caller's `traceparent`" })

/** A hash, lower-case hex. */
export const sha256 = () => z.string().openapi({ pattern: '^[0-9a-f]{64}$', example: EXAMPLE_HASH })

const EXAMPLE_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** An id of this kind, with an example. */
export const idText = (prefix: keyof typeof EXAMPLE_IDS) =>
  z.string().openapi({ pattern: idPattern(prefix).source, example: EXAMPLE_IDS[prefix] })

/** Example ids for the OpenAPI document, by kind. */
export const EXAMPLE_IDS = {
  grt: 'grt_01JD7Z0000EXAMP1E0GRANT000',
  apr: 'apr_01JD7Z0000EXAMP1E0APPR0V00',
  lse: 'lse_01JD7Z0000EXAMP1E01EASE000',
  evt: 'evt_01JD7Z0000EXAMP1E0EVENT000',
  kil: 'kil_01JD7Z0000EXAMP1E00KJ11000',
} as const satisfies Partial<Record<IdPrefix, string>>

/** A whole number. */
export const count = () => z.number().int()

/** How an agent proved its identity. */
export const authMethod = z.enum(AUTH_METHODS)

/** The chain of an event, by the process that wrote it. */
export const chainId = () =>
  z
    .string()
    .openapi({ description: 'broker process that wrote the chain; empty for events recorded before chains had names' })
