import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { count, text } from './spec/event-values.ts'

const namedHeads = z
  .array(
    z.strictObject({
      chain: text.describe('The process that writes it; empty for events recorded before chains had names'),
      seq: count.describe('Number of its last event'),
      hash: text.describe('Hash of that event'),
    }),
  )
  .readonly()
  .describe('Ends of other chains that no event named before, at most 256')

/** Events about the audit log itself. */
export const CHAIN_EVENTS = {
  'chain.opened': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'A broker process writes its first event. Every process writes one chain of its own, and this event is the first of it.',
    data: z.strictObject({ heads: namedHeads }),
  },
  'chain.heads': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'The ends of other chains; if one of them is cut short afterwards, this event shows it.',
    data: z.strictObject({ heads: namedHeads }),
  },
  'chain.closed': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'The broker process stopped in order; its chain has no event after this one.',
    data: z.strictObject({}),
  },
} as const satisfies Record<string, EventSpec>
