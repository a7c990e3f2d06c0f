import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { count, errorCode, instant, text } from './spec/event-values.ts'

const endpoint = text.describe('Name of the endpoint in the configuration')
const part = text.describe('The part, as the status names it')

/** Events about notices: messages to receivers outside, and what leads to one and has no other event. */
export const NOTICE_EVENTS = {
  'approval.escalated': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant'],
    about: 'Nobody had answered an approval in time, so another receiver was told of it.',
    data: z.strictObject({
      approvalId: text.describe('The approval'),
      endpoint,
      expiresAt: instant.describe('Until when it can be answered'),
    }),
  },
  'notices.held': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'The ledger was set back, so notices that it still had to send may have been sent before: they became dead letters.',
    data: z.strictObject({
      endpoint,
      count: z.int().positive().describe('How many'),
      quarantine: z.int().positive().describe('Number of the quarantine'),
    }),
  },
  'notices.resent': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator had dead letters sent again.',
    data: z.strictObject({ endpoint, count: z.int().positive().describe('How many') }),
  },
  'endpoint.disabled': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'A receiver answered 410 Gone: nothing is sent to it until an operator has tested it with success.',
    data: z.strictObject({ endpoint }),
  },
  'endpoint.tested': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator sent a test message to a receiver of notices. One that was delivered enables it again.',
    data: z.strictObject({
      endpoint,
      delivered: z.boolean().describe('Whether the receiver took it'),
      error: text.exactOptional().describe('Why not'),
    }),
  },
  'part.broken': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'A part of a broker process has had a problem for some time. Written where notices are configured.',
    data: z.strictObject({
      part,
      code: errorCode.describe('What is wrong'),
      explanation: text.describe('What is wrong, as the status says it; cut after 500 characters'),
      since: instant.describe('Since when'),
      replica: text.describe('The broker process'),
    }),
  },
  'part.recovered': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'A part of which `part.broken` told works again.',
    data: z.strictObject({
      part,
      since: instant.describe('Since when it had the problem'),
      brokenSeconds: count.describe('For how long'),
      replica: text.describe('The broker process'),
    }),
  },
} as const satisfies Record<string, EventSpec>
