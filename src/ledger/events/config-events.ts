import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { instant, text } from './spec/event-values.ts'

const digest = text.describe('SHA-256 of all settings of the file, defaults included')
const paths = z.array(text).readonly()
const leftOut = z.int().positive().exactOptional().describe('How many more there are')

/** Events about a broker process itself: its configuration, and outages of its own. */
export const CONFIG_EVENTS = {
  'configuration.reloaded': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'A changed configuration file was taken. Written before its settings come into force. No value of a setting is on record, only names.',
    data: z.strictObject({
      digest,
      before: digest.describe('The same of the file before'),
      changed: paths.describe('Settings that come into force now'),
      changedLeftOut: leftOut,
      waiting: paths.describe('Settings that wait for a restart'),
      waitingLeftOut: leftOut,
    }),
  },
  'ledger.writable': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'The ledger can be written again. Meanwhile nothing was granted, renewed or revoked by this process.',
    data: z.strictObject({
      since: instant.describe('When a write failed first'),
      failures: z.int().positive().describe('Failed tries of this event, and that first write'),
    }),
  },
} as const satisfies Record<string, EventSpec>
