import { z } from '../../core/documents/schema.ts'
import { HOLD_SCOPES } from '../holds/hold-records.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { count, instant, note, text } from './spec/event-values.ts'

const hold = text.describe('Id of the kill')
const scope = z.enum(HOLD_SCOPES).describe('What the kill covers')
const value = text.describe('Which one: the grant, agent, owner … that it covers, `*` for everything')
const why = text.describe('Why, in the words of whoever set it')

const hit = {
  grants: count.describe('Grants in scope that were active and have ended as `killed`'),
  ending: count.describe('Grants in scope that were ending already, and whose deny was hurried'),
  approvals: count.describe('Approvals in scope that were pending and are void'),
  leases: count.describe('Leases of those grants that could still work'),
  agents: count.describe('Agents of those grants'),
} as const

/** Events of the kill switch. */
export const HOLD_EVENTS = {
  'kill.set': {
    actors: ['operator', 'stint'],
    refusal: false,
    ids: [],
    about: 'A scope was killed: from this commit on nothing is given out in it, on any replica.',
    data: z.strictObject({
      hold,
      scope,
      value,
      why,
      by: z.enum(['operator', 'file']).describe('`file`: the break-glass file; whoever can write it is not known'),
      asked: text.exactOptional().describe('What was asked for, where the kill covers more: the lease'),
    }),
  },
  'kill.ended': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'Every grant in the scope of a kill that could be read has ended or is ending.',
    data: z.strictObject({
      hold,
      ...hit,
      unreadable: count.describe('Grants whose row is damaged: whether they are in scope is not known'),
      undeniable: count.describe('Grants that no deny list reaches: their leases run out'),
    }),
  },
  'kill.denied': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'Every deny of a kill was written. Written is not enforced.',
    data: z.strictObject({ hold, afterMs: count.describe('Milliseconds since the kill was set') }),
  },
  'kill.enforced': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'Every deny of a kill is in force, or its last session is over.',
    data: z.strictObject({ hold, afterMs: count.describe('Milliseconds since the kill was set') }),
  },
  'kill.drilled': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'An operator asked what a kill would hit. Nothing was done.',
    data: z.strictObject({ scope, value, ...hit }),
  },
  'kill.lifted': {
    actors: ['operator'],
    refusal: false,
    ids: [],
    about: 'A kill was lifted: grants are given again in its scope. Those that it ended stay ended.',
    data: z.strictObject({
      hold,
      note,
      setBy: text.describe('Who set it'),
      since: instant.describe('When it was set'),
      alone: z
        .boolean()
        .exactOptional()
        .describe('True if whoever set it lifted it, which a setting allows: nobody else looked at it'),
    }),
  },
  'kill.lift_refused': {
    actors: ['operator'],
    refusal: true,
    ids: [],
    about: 'Whoever set a kill wanted to lift it alone.',
    data: z.strictObject({ hold, note }),
  },
} as const satisfies Record<string, EventSpec>
