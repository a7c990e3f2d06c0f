import { z } from '../../core/documents/schema.ts'
import { FAILURE_REASONS } from '../../policy/decision.ts'
import { DENY_PROOFS, END_REASONS } from '../records.ts'
import type { EventSpec } from './spec/event-spec.ts'
import {
  authMethod,
  code,
  count,
  errorCode,
  identityEvidence,
  instant,
  note,
  planHash,
  policies,
  policySetHash,
  text,
} from './spec/event-values.ts'

const reason = z.enum(END_REASONS).describe('Why the grant ends')
const hold = text.exactOptional().describe('The kill, or other hold, that ended it')
const failedPair = z.strictObject({
  action: text.describe('Action of the plan'),
  resource: text.describe('Resource pattern'),
  reason: z.enum(FAILURE_REASONS).describe('Why it was not allowed'),
  policies: z.array(text).readonly().describe('Ids of the policies that forbid it or failed'),
  conditions: z.array(text).readonly().exactOptional().describe('Its conditions'),
})
const change = z
  .strictObject({
    policySetBefore: text.describe('SHA-256 of the policy set that the grant was opened under'),
    policySetNow: text.exactOptional().describe('SHA-256 of the policy set that judged it now'),
    failedPairs: z.array(failedPair).readonly().describe('The first pairs that are not allowed any more'),
    failedPairsLeftOut: z.int().positive().exactOptional().describe('How many more there are'),
  })
  .exactOptional()
  .describe('What has changed, if the grant was judged anew after a change of the rules')
const denyListed = z.boolean().describe('True if the grant is on the deny list, or goes on it with this event')

/** Events in the life of a grant. */
export const GRANT_EVENTS = {
  'grant.requested': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant'],
    about: 'An agent asked for a grant. The decision is the next event of the grant, in the same transaction.',
    data: z.strictObject({
      planHash,
      roleArn: text.describe('The role that the task wants'),
      purpose: text.describe("The agent's own words"),
      registration: text.describe('Name of the registration that covers the agent'),
      owner: text.describe('Owner in that registration'),
      authMethod,
      ...identityEvidence,
    }),
  },
  'grant.refused': {
    actors: ['agent'],
    refusal: true,
    ids: [],
    about:
      'A request was turned away before there was a grant: a malformed task, a quota, a kill, or too many refusals.',
    data: z.strictObject({
      code,
      authMethod,
      ...identityEvidence,
      open: count.exactOptional().describe('With QUOTA_EXCEEDED: open grants of the agent'),
      budget: text.exactOptional().describe('With BUDGET_EXCEEDED: the budget that is used up'),
      measure: text.exactOptional().describe('With BUDGET_EXCEEDED: what of it'),
      used: count.exactOptional().describe('With BUDGET_EXCEEDED: how much of that is used'),
      limit: count.exactOptional().describe('With BUDGET_EXCEEDED: how much is allowed'),
      hold: text.exactOptional().describe('With KILLED, AGENT_SUSPENDED or AGENT_OFFBOARDED: the hold'),
      check: z.literal('refusals').exactOptional().describe('With RATE_LIMITED: too many refused requests'),
      refusalsPerMinute: count.exactOptional().describe('With RATE_LIMITED: how many are allowed'),
    }),
  },
  'grant.denied': {
    actors: ['agent'],
    refusal: true,
    ids: ['grant'],
    about: 'Policy denied the plan. Final.',
    data: z.strictObject({
      policySetHash,
      policies,
      failedPairs: z.array(failedPair).readonly().describe('The pairs that were not allowed, as far as they fit'),
      failedPairsLeftOut: z.int().positive().exactOptional().describe('How many more there were'),
    }),
  },
  'grant.active': {
    actors: ['agent', 'operator'],
    refusal: false,
    ids: ['grant'],
    about: 'The grant became active: policy permitted it, or a person approved it and policy still permits it.',
    data: z.strictObject({
      policySetHash,
      policies,
      deadline: instant
        .exactOptional()
        .describe('The latest end of any lease of the grant; of an approved one, `grant.collected` has it'),
      claimBy: instant.exactOptional().describe('Of an approved grant: by when its agent has to collect it'),
    }),
  },
  'grant.collected': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant'],
    about: 'The agent collected its approved grant with the first lease. The time of the task began.',
    data: z.strictObject({ deadline: instant.describe('The latest end of any lease of the grant') }),
  },
  'grant.ending': {
    actors: ['agent', 'operator', 'stint'],
    refusal: false,
    ids: ['grant'],
    about: 'The grant gets no more leases, and a lease of it may still work until `effectiveBy`.',
    data: z.strictObject({
      reason,
      effectiveBy: instant.describe('By when its credentials have stopped working, whatever becomes of the deny list'),
      deny_listed: denyListed,
      note: note.exactOptional(),
      code: errorCode.exactOptional().describe('The error that ended it'),
      hold,
      change,
    }),
  },
  'grant.ended': {
    actors: ['agent', 'operator', 'stint'],
    refusal: false,
    ids: ['grant'],
    about: 'All credentials of the grant have stopped working. Final.',
    data: z.strictObject({
      reason,
      by: z
        .enum(['deny_list', 'lease_end'])
        .describe('What stopped the last lease: the deny list, or its own end (also if there was no lease)'),
      deny_listed: denyListed,
      enforcedBy: z
        .enum(DENY_PROOFS)
        .exactOptional()
        .describe('With `deny_list`: a canary that the document denies was refused, or the settle time has passed'),
      lagMs: count
        .exactOptional()
        .describe('With `deny_list`: milliseconds from the write of the deny until it counted as in force'),
      note: note.exactOptional(),
      code: errorCode.exactOptional().describe('The error that ended it'),
      hold,
      change,
    }),
  },
  'agent.reported': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant'],
    about: "The agent's own account of something it did. A claim, not evidence.",
    data: z.strictObject({
      at: instant.describe('When, by the clock of the agent'),
      action: text.describe('What it says it did'),
      resource: text.describe('What it says it did it to'),
      note: text.describe('Its own words; may be empty'),
    }),
  },
} as const satisfies Record<string, EventSpec>
