import { z } from '@hono/zod-openapi'
import { count, instant } from './values.ts'

/** A receiver of notices. */
export const noticeEndpointSchema = z
  .object({
    name: z.string(),
    configured: z.boolean().openapi({ description: 'false if the configuration does not have it any more' }),
    target: z.string().optional().openapi({ description: 'host that notices are sent to' }),
    events: z.array(z.string()).openapi({ description: 'types of notices that it hears of' }),
    waiting: count().openapi({ description: 'notices that are sent, or are to be sent' }),
    dead: count().openapi({ description: 'notices that were given up' }),
    failures: count().optional().openapi({ description: 'failed attempts in a row' }),
    failingSince: instant().optional(),
    lastError: z.string().optional(),
    pausedUntil: instant().optional().openapi({ description: 'nothing is sent before then' }),
    deliveredAt: instant().optional().openapi({ description: 'last delivery' }),
    disabledAt: instant()
      .optional()
      .openapi({ description: 'it answered 410 Gone: nothing is sent until a test is delivered' }),
  })
  .openapi('NoticeEndpoint')

/** A notice that was given up. */
export const deadNoticeSchema = z
  .object({
    id: z.string().openapi({ description: 'the `webhook-id` of every attempt' }),
    endpoint: z.string(),
    type: z.string(),
    summary: z.string(),
    count: count().openapi({ description: 'how many happenings it stands for' }),
    attempts: count(),
    createdAt: instant(),
    deadAt: instant().optional(),
    lastError: z.string().optional(),
  })
  .openapi('DeadNotice')

/** The end of a test message. */
export const noticeTestSchema = z
  .object({
    endpoint: z.string(),
    delivered: z.boolean(),
    error: z.string().optional().openapi({ description: 'why it was not delivered' }),
  })
  .openapi('NoticeTest')

/** The number of dead letters that are sent again. */
export const resentSchema = z
  .object({ endpoint: z.string(), count: count().openapi({ description: 'at most 500 in one call' }) })
  .openapi('ResentNotices')

const NAME = /^[a-z0-9-]{1,40}$/

/** The path parameter of a receiver: its name. */
export const endpointParam = z.strictObject({
  name: z
    .string()
    .regex(NAME, 'must be the name of a receiver: 1 to 40 lower-case letters, digits and hyphens')
    .openapi({ param: { name: 'name', in: 'path' }, example: 'on-call' }),
})

/** The filter of dead letters. */
export const endpointFilter = z
  .string()
  .regex(NAME, 'must be the name of a receiver: 1 to 40 lower-case letters, digits and hyphens')
  .optional()
  .openapi({ description: 'only those of this receiver' })

/** The body of a resend. */
export const resendBody = z
  .strictObject({
    id: z
      .string()
      .regex(/^[\x21-\x7e]{1,200}$/, 'must be the id of a dead letter')
      .optional()
      .openapi({ description: 'only this one; all of the receiver unless given' }),
  })
  .openapi('Resend')
