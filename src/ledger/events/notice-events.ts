import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './event-spec.ts'
import { text } from './event-values.ts'

const endpoint = text.describe('Name of the endpoint in the configuration')

/** Events about notices: messages to receivers outside, and what leads to one and has no other event. */
export const NOTICE_EVENTS = {
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
} as const satisfies Record<string, EventSpec>
