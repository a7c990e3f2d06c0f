import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './event-spec.ts'
import { instant, note, text } from './event-values.ts'

const registration = text.describe('Name of the registration')
const version = z.int().positive().describe('Version of the registration from now on')
const fields = {
  match: text.describe('The agents that it covers'),
  owner: text,
  team: text,
  purpose: text,
  contact: text.exactOptional(),
  expiresAt: instant,
  reviewAt: instant.exactOptional().describe('By then somebody must have reviewed it'),
}

/** Events about what operators say of agents. */
export const AGENT_EVENTS = {
  'agent.registered': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator registered agents through the admin API.',
    data: z.strictObject({ registration, ...fields, note }),
  },
  'agent.changed': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator changed a registration through the admin API. It is on record as it is from now on.',
    data: z.strictObject({
      registration,
      version,
      ...fields,
      changed: z.array(text).readonly().describe('The fields that are not as before, sorted'),
      note,
    }),
  },
  'agent.removed': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about:
      'An operator removed a registration through the admin API. Its agents get nothing new, unless another one covers them.',
    data: z.strictObject({ registration, version, match: fields.match, note }),
  },
} as const satisfies Record<string, EventSpec>
