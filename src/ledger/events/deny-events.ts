import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { count, errorCode, instant, text } from './spec/event-values.ts'

const denyListKey = text.describe('Which deny list: `boundary:<policy ARN>` or `inline:<role ARN>`')
const document = text
  .exactOptional()
  .describe('Which document of a list that has several: the list itself for the first, else `attached:<policy ARN>`')

/** Events about deny lists and the policy documents that hold them. */
export const DENY_EVENTS = {
  'deny.written': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'The provider accepted a deny list. It counts as in force once the canary of the list is refused, or after the settle time where there is none.',
    data: z.strictObject({
      denyList: denyListKey,
      listed: count.describe('Grants that it names one by one'),
      wanted: count.describe('Grants that it has to deny, by name or by watermark'),
      removed: count.describe('Grants that left it with this write'),
      agents: count
        .exactOptional()
        .describe('Agents that want more than their share and have a watermark of their own'),
      watermark: instant.exactOptional().describe("Everybody's sessions issued before this instant are denied"),
      documents: z.array(text).readonly().exactOptional().describe('Documents written, of a list that has several'),
    }),
  },
  'deny.enforced': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'A session of the canary role that the deny list names was refused: the document is in force as it was written.',
    data: z.strictObject({
      denyList: denyListKey,
      grants: count.describe('Grants that it denies and that were not known to be enforced'),
      canary: text.describe('The grant of the session that was refused'),
      writtenAt: instant.describe('When the provider accepted the document'),
      lagMs: count.describe(
        'Milliseconds from then until the session was refused for good, by the clock of the broker',
      ),
    }),
  },
  'canary.failed': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'The canary of a deny list has shown nothing. `DENY_LIST_LATE`: it is still allowed, so the document is not in force. `CANARY_UNUSABLE`: it does not work, and the settle time counts until it does.',
    data: z.strictObject({
      denyList: denyListKey,
      code: errorCode.describe('Which of the two'),
      because: errorCode.exactOptional().describe('The error behind it'),
      canary: text.describe('The grant of the session'),
      waiting: count.describe('Grants whose deny is written and not known to be enforced'),
    }),
  },
  'deny.changed': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'Somebody else changed the policy document of a deny list; the broker writes it anew.',
    data: z.strictObject({
      denyList: denyListKey,
      document,
      found: z
        .enum(['content', 'later_ledger', 'other_ledger'])
        .describe('`content`: an edit. The others: taken over from another ledger after all that it denied is over'),
    }),
  },
  'deny.withheld': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'A deny list is not written: another ledger, or a later state of this one, wrote its document.',
    data: z.strictObject({
      denyList: denyListKey,
      document,
      found: z.enum(['later_ledger', 'other_ledger']).describe('`later_ledger`: this one is a copy, e.g. a backup'),
      until: instant.exactOptional().describe('When all that the document can deny is over, if nobody writes it'),
    }),
  },
  'agent_watermark.set': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'An agent has more grants to deny than its share of a deny list: its own older sessions are denied too, and renew.',
    data: z.strictObject({
      denyList: denyListKey,
      agent: text.describe('Its subject'),
      before: instant.describe('Its sessions issued before this instant are denied; later ones as the list moves on'),
    }),
  },
  'agent_watermark.lifted': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'All grants of an agent that are to be denied are on the deny list by name again.',
    data: z.strictObject({ denyList: denyListKey, agent: text.describe('Its subject') }),
  },
  'common_watermark.set': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      "Everybody's older sessions are denied: the ledger is quarantined, or a deny list is full beyond what watermarks of agents can cover.",
    data: z.strictObject({
      denyList: denyListKey,
      before: instant.describe('Sessions of all agents issued before this instant are denied'),
      quarantine: z.int().positive().exactOptional().describe('Number of the quarantine that it belongs to'),
    }),
  },
  'common_watermark.lifted': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'The watermark over everybody is gone: the deny list has room again, or all that a quarantine cut is over.',
    data: z.strictObject({ denyList: denyListKey }),
  },
  'deny.failed': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'A deny list could not be written; it is tried again.',
    data: z.strictObject({
      denyList: denyListKey,
      document,
      code: errorCode.describe('Why'),
      attempt: z.int().positive().describe('Failed attempts in a row, this one included'),
      waiting: count.describe('Grants that it has to deny; 0 for one of several documents, since the others hold them'),
      nextAttemptAt: instant.describe('When it is tried again'),
    }),
  },
} as const satisfies Record<string, EventSpec>
