import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './event-spec.ts'
import { text } from './event-values.ts'

const digest = text.describe('SHA-256 of all settings of the file, defaults included')
const paths = z.array(text).readonly()
const leftOut = z.int().positive().exactOptional().describe('How many more there are')

/** Events about the configuration of a broker process. */
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
} as const satisfies Record<string, EventSpec>
