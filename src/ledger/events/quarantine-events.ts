import { z } from '../../core/documents/schema.ts'
import { QUARANTINE_REASONS } from '../records.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { count, instant, note, text } from './spec/event-values.ts'

const number = z.int().positive().describe('Number of the quarantine in this ledger')

/** Events about a ledger that was set back. */
export const QUARANTINE_EVENTS = {
  'ledger.quarantined': {
    actors: ['stint', 'operator'],
    refusal: false,
    ids: [],
    about:
      'The ledger was set back to an earlier state: what was recorded after that state is in no chain of this ledger, and its chains may have gone on elsewhere. Nothing is granted until an operator opens it.',
    data: z.strictObject({
      number,
      reason: z
        .enum(QUARANTINE_REASONS)
        .describe(
          '`restored`: a backup was restored. `outdated`: a deny document carries a later state of this ledger',
        ),
      found: text.describe('The backup that was restored, or the document and the mark that it carries'),
      lastEventAt: instant
        .exactOptional()
        .describe('With `restored`: when the last event before this one was recorded'),
    }),
  },
  'ledger.opened': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator opened a quarantined ledger: grants are given again.',
    data: z.strictObject({
      number,
      note,
      acceptedRisk: text.exactOptional().describe('Why it was opened although sessions from before may still work'),
      unfinished: count.exactOptional().describe('With `acceptedRisk`: how many reasons there were to wait'),
    }),
  },
  'ledger.opening_refused': {
    actors: ['operator'],
    refusal: true,
    ids: [],
    about: 'An operator wanted to open a quarantined ledger while sessions from before may still work.',
    data: z.strictObject({ number, note, unfinished: count.describe('How many reasons there were to wait') }),
  },
} as const satisfies Record<string, EventSpec>
