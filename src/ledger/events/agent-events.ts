import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { count, instant, note, text } from './spec/event-values.ts'

const registration = text.describe('Name of the registration')
const version = z.int().positive().describe('Version of the registration from now on')
const hold = text.describe('Id of the hold that keeps them from getting anything')
const agents = text.describe('The agent, or the name of the registration of the agents, that the hold covers')
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
  'agent.suspended': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator suspended agents: from this commit on they get nothing, and no lease of theirs is renewed.',
    data: z.strictObject({ registration, hold, agents, note }),
  },
  'agent.resumed': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator ended the suspension of agents.',
    data: z.strictObject({ registration, hold, agents, note }),
  },
  'agent.offboarded': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about:
      'An operator offboarded agents: from this commit on they get nothing, and all that they hold is being ended and denied.',
    data: z.strictObject({ registration, hold, agents, note }),
  },
  'agent.cleared': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'All grants of offboarded agents have ended or are ending, and their denies are wanted.',
    data: z.strictObject({
      hold,
      agents,
      grants: count.describe('Grants and approvals that were ended because of it'),
      unreadable: count.describe('Grants that cannot be read, so that nobody knows whose they are, or cannot be ended'),
    }),
  },
  'agent.reinstated': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator took offboarded agents in again. What was ended stays ended.',
    data: z.strictObject({ registration, hold, agents, note }),
  },
  'agent.reviewed': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator who does not run the agents signed a review of their registration.',
    data: z.strictObject({
      registration,
      match: fields.match,
      nextAt: instant.describe('By then the next review must be signed'),
      shown: text.describe('SHA-256 of what the reviewer was shown'),
      note,
    }),
  },
  'agent.due': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about:
      'A registration will stop serving its agents soon: it expires, or its review is due. Once at 30, 7 and 1 days before.',
    data: z.strictObject({
      registration,
      match: fields.match,
      owner: text,
      team: text,
      contact: text.exactOptional(),
      what: z.enum(['expiry', 'review']).describe('The date that is near'),
      at: instant.describe('That date'),
      days: z.int().positive().describe('At most as many days from now'),
    }),
  },
} as const satisfies Record<string, EventSpec>
