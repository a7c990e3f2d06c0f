import { z } from '@hono/zod-openapi'
import { ERROR_CATALOG, type ErrorCode } from '../../core/errors.ts'
import { count, requestId, traceId } from './values.ts'

/** Why a configuration file is not in force. */
export const fileProblemSchema = z
  .object({ code: z.string(), explanation: z.string() })
  .openapi('FileProblem', { description: 'why the newest file was rejected; the last valid one stays in use' })

const ERROR_CODES = Object.keys(ERROR_CATALOG) as [ErrorCode, ...ErrorCode[]]

/** An error as it is sent: a problem document (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:stint:error:GRANT_NOT_FOUND' }),
    title: z.string(),
    status: count(),
    code: z
      .enum(ERROR_CODES)
      .openapi({ description: 'stable, for programs to branch on; a later version may add codes' }),
    detail: z.string().optional().openapi({ description: 'what was wrong, and what would be valid' }),
    details: z.record(z.string(), z.unknown()),
    errors: z
      .array(
        z.object({
          pointer: z.string().openapi({ description: 'JSON pointer', example: '/query/limit' }),
          message: z.string(),
        }),
      )
      .optional(),
    requestId: requestId(),
    traceId: traceId(),
  })
  .openapi('Problem', { description: 'RFC 9457' })
