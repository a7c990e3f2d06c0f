import { z } from '../core/documents/schema.ts'
import { ERROR_CATALOG, type ErrorCode } from '../core/errors.ts'
import { AUTH_METHODS } from '../identity/caller-identity.ts'
import { FAILURE_REASONS } from '../policy/decision.ts'
import { END_REASONS, type EventContent } from './records.ts'

/** The actors of events: an agent (its subject), a person (`operator:<name>`), or the broker itself (`stint`). */
export type EventActor = 'agent' | 'operator' | 'stint'

/** How one type of event looks on record. */
export interface EventSpec {
  /** The possible values of its `actor`. */
  readonly actors: readonly EventActor[]
  /** The call that caused it was turned away. */
  readonly refusal: boolean
  /** Which ids stand beside its data: `grant` as `grantId`, `lease` as `leaseId`. */
  readonly ids: readonly ('grant' | 'lease')[]
  /** Its meaning for a reader of the record, as one sentence. */
  readonly about: string
  /** Its `data`; the descriptions are for the reference page. Ids and facts only, never a secret. */
  readonly data: z.ZodType
}

const instant = z.iso.datetime()
const count = z.int().nonnegative()
const text = z.string()
const errorCode = z.enum(Object.keys(ERROR_CATALOG) as [ErrorCode, ...ErrorCode[]]).meta({ title: 'error code' })
const note = text.describe('What the person or the agent said about it')

const code = errorCode.describe('The error that the caller got')
const planHash = text.describe('SHA-256 of the plan')
const authMethod = z.enum(AUTH_METHODS).describe('How the agent proved its identity')
const notAfter = instant.describe('The end of the lease: nothing works after it')
const leaseNumber = z.int().positive().describe('1, 2, 3 … within the grant')
const policySetHash = text.describe('SHA-256 of the policy set that decided')
const policies = z.array(text).readonly().describe('Ids of the policies that decided, sorted')
const reason = z.enum(END_REASONS).describe('Why the grant ends')
const denyListed = z.boolean().describe('True if the grant is on the deny list, or goes on it with this event')
const approvalId = text.describe('The approval')
const denyListKey = text.describe('Which deny list: `boundary:<policy ARN>` or `inline:<role ARN>`')
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

const evidence = {
  certificateFingerprint: text.exactOptional().describe('SHA-256 of the certificate that the agent showed'),
  tokenId: text
    .exactOptional()
    .describe('`jti` of the token that the agent showed, else a hash of it; never the token'),
  facets: z
    .record(text, text)
    .readonly()
    .exactOptional()
    .describe('What the token issuer says about the agent beyond its name'),
}

const issuedLease = {
  number: leaseNumber,
  sessionName: text.describe("The session's name in the provider's log"),
  notAfter,
}

const connection = z.strictObject({
  connectionId: text.describe('`con_` and a ULID'),
  replica: text.describe('The broker process that held it'),
})

/** One refused call, or the rest of a minute's. */
const refusedCall = {
  code,
  reason: text.describe('The check that failed'),
  operation: text.describe('The method, the route, or `connection`'),
  remoteAddress: text.exactOptional().describe('Where the call came from'),
  tokenId: text.exactOptional().describe('Public part of the token that was shown; never the token'),
  count: z.literal(1).describe('One call'),
}
const moreRefusedCalls = z.strictObject({
  coalesced: z.literal(true).describe('Stands for the refusals of a minute that have no event of their own'),
  count: z.int().positive().describe('How many'),
  byReason: z.record(text, z.int().positive()).readonly().describe('How many of each, by `<code>:<reason>`'),
})

/**
 * Every event that can come on record. A type is part of the record for good: add types and optional members freely, never
 * rename, reuse or remove one. Whatever is made of events (the reference page docs/events.md, exports, metrics) is a table
 * over this one.
 */
export const EVENT_CATALOG = {
  // Who is asking
  'identity.refused': {
    actors: ['stint', 'agent'],
    refusal: true,
    ids: [],
    about:
      'A connection or call was turned away before its agent was served: no valid identity, a replayed token, or too many calls. At most ten events a minute; the last one counts the rest.',
    data: z.union([
      z.strictObject({
        ...refusedCall,
        shownTrustDomain: text.exactOptional().describe('Trust domain of the certificate that was not believed'),
        shownFingerprint: text.exactOptional().describe('SHA-256 of that certificate'),
        certificateFingerprint: evidence.certificateFingerprint,
        facets: evidence.facets,
        check: text.exactOptional().describe('Of a token: the rule that it broke'),
        connectionId: text.exactOptional().describe('Of a replayed token: the connection that showed it'),
        replica: text.exactOptional().describe('The broker process of that connection'),
        ownerConnectionId: text.exactOptional().describe('Of a replayed token: the connection that it is bound to'),
        ownerReplica: text.exactOptional().describe('The broker process of that connection'),
        grantId: text.exactOptional().describe('Of a replayed token: the grant that it was used for'),
      }),
      moreRefusedCalls,
    ]),
  },
  'agent.refused': {
    actors: ['agent'],
    refusal: true,
    ids: [],
    about:
      'An agent with a valid identity was turned away because no registration covers it, or its registration ended.',
    data: z.strictObject({ code, authMethod, ...evidence }),
  },
  'token.moved': {
    actors: ['agent'],
    refusal: false,
    ids: [],
    about: 'A bearer token was taken over by another connection, after the one that it was bound to had closed.',
    data: z.strictObject({
      ...evidence,
      from: z
        .union([connection, z.strictObject({})])
        .describe('The connection that is gone; empty if the token was bound before connections were on record'),
      to: connection.describe('The connection that has the token now'),
      move: z.int().positive().describe('1, 2, 3 … of this token'),
    }),
  },

  // A grant
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
      ...evidence,
    }),
  },
  'grant.refused': {
    actors: ['agent'],
    refusal: true,
    ids: [],
    about: 'A request was turned away before there was a grant: a malformed task, a quota, or too many refusals.',
    data: z.strictObject({
      code,
      authMethod,
      ...evidence,
      open: count.exactOptional().describe('With QUOTA_EXCEEDED: open grants of the agent'),
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
      failedPairs: z
        .array(
          z.strictObject({
            action: text.describe('Action of the plan'),
            resource: text.describe('Resource pattern'),
            reason: z.enum(FAILURE_REASONS).describe('Why it was not allowed'),
            policies: z.array(text).readonly().describe('Ids of the policies that forbid it or failed'),
            conditions: z.array(text).readonly().exactOptional().describe('Its conditions'),
          }),
        )
        .readonly()
        .describe('The pairs that were not allowed, as far as they fit'),
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
      deadline: instant.describe('The latest end of any lease of the grant'),
    }),
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
      note: note.exactOptional(),
      code: errorCode.exactOptional().describe('The error that ended it'),
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

  // An approval
  'approval.requested': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant'],
    about: 'Policy permits the plan once a person has approved it.',
    data: z.strictObject({
      policySetHash,
      policies,
      approvalId,
      expiresAt: instant.describe('Until when it can be answered'),
    }),
  },
  'approval.waived': {
    actors: ['agent', 'operator'],
    refusal: false,
    ids: ['grant'],
    about:
      'A policy waived an approval that the plan would have needed; the configuration allows waivers. Other approvals may still be asked for. Also written when a renewal or an answer meets a waiver that the grant did not have.',
    data: z.strictObject({
      policySetHash,
      planHash,
      waivers: z
        .array(
          z.strictObject({
            policy: text.describe('Id of the policy that waives'),
            reason: text.describe('Why, in the words of the policy'),
            because: z.array(text).readonly().describe('What asked: policy ids, `class:<class>` or `label:<label>`'),
          }),
        )
        .readonly()
        .describe('Each policy that waived something'),
    }),
  },
  'approval.approved': {
    actors: ['operator'],
    refusal: false,
    ids: ['grant'],
    about: 'A person approved the plan with this hash.',
    data: z.strictObject({ approvalId, planHash, note }),
  },
  'approval.rejected': {
    actors: ['operator'],
    refusal: false,
    ids: ['grant'],
    about: 'A person rejected the plan, or revoked the grant while it waited. Final for the grant.',
    data: z.strictObject({
      approvalId,
      planHash,
      note,
      by: z.literal('revocation').exactOptional().describe('Set if the grant was revoked while it waited'),
    }),
  },
  'approval.refused': {
    actors: ['operator'],
    refusal: true,
    ids: ['grant'],
    about: "A person's answer was turned away; the approval stays open.",
    data: z.strictObject({
      approvalId,
      verdict: z.enum(['approve', 'reject']).describe('What the person answered'),
      code,
    }),
  },
  'approval.withdrawn': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant'],
    about: 'The agent completed the grant while it waited for an approval. Final for the grant.',
    data: z.strictObject({ note: note.exactOptional() }),
  },
  'approval.expired': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant'],
    about: 'Nobody answered in time. Final for the grant.',
    data: z.strictObject({ approvalId: approvalId.exactOptional() }),
  },

  // A lease
  'lease.intended': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant', 'lease'],
    about: 'The intent to mint a lease is durable; from now on it counts as minted until its outcome is known.',
    data: z.strictObject({ number: leaseNumber, notAfter, ...evidence }),
  },
  'lease.issued': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant', 'lease'],
    about: 'The credentials of a lease were minted. They are revealed after this event is durable.',
    data: z.strictObject({
      ...issuedLease,
      accessKeyId: text.describe("Public id of the credentials, to find their calls in the cloud's own log"),
    }),
  },
  'lease.not_minted': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant', 'lease'],
    about: 'The provider made no credentials for the lease.',
    data: z.strictObject({ ...issuedLease, ...failedMint() }),
  },
  'lease.unknown': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant', 'lease'],
    about: 'Nobody knows whether the credentials of the lease were minted; it counts as minted until its end.',
    data: z.union([
      z.strictObject({ ...issuedLease, ...failedMint() }),
      z.strictObject({
        ...issuedLease,
        found: z.literal('at_start').describe('The broker stopped during the mint; found when it started again'),
      }),
    ]),
  },

  // The deny list
  'deny.written': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'The provider accepted a deny list; it is in force after the settle time.',
    data: z.strictObject({
      denyList: denyListKey,
      listed: count.describe('Grants that it names one by one'),
      wanted: count.describe('Grants that it has to deny, by name or by watermark'),
      removed: count.describe('Grants that left it with this write'),
      agents: count
        .exactOptional()
        .describe('Agents that want more than their share and have a watermark of their own'),
      watermark: instant.exactOptional().describe("Everybody's sessions issued before this instant are denied"),
    }),
  },
  'deny.changed': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'Somebody else changed the policy document of a deny list; the broker writes it anew.',
    data: z.strictObject({
      denyList: denyListKey,
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
    about: "A deny list is full beyond what watermarks of agents can cover: everybody's older sessions are denied.",
    data: z.strictObject({
      denyList: denyListKey,
      before: instant.describe('Sessions of all agents issued before this instant are denied'),
    }),
  },
  'common_watermark.lifted': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'The deny list has room again, and the watermark over everybody is gone.',
    data: z.strictObject({ denyList: denyListKey }),
  },
  'deny.failed': {
    actors: ['stint'],
    refusal: false,
    ids: [],
    about: 'A deny list could not be written; it is tried again.',
    data: z.strictObject({
      denyList: denyListKey,
      code: errorCode.describe('Why'),
      attempt: z.int().positive().describe('Failed attempts in a row, this one included'),
      waiting: count.describe('Grants that it has to deny'),
      nextAttemptAt: instant.describe('When it is tried again'),
    }),
  },

  // The record itself
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

  // People
  'operator.refused': {
    actors: ['stint', 'operator'],
    refusal: true,
    ids: [],
    about:
      'A call of the admin API was turned away: an unknown token, or a role that may not make it. Bounded per minute; the last event counts the rest.',
    data: z.union([z.strictObject(refusedCall), moreRefusedCalls]),
  },
} as const satisfies Record<string, EventSpec>

function failedMint() {
  return {
    code: errorCode.describe('Why the mint failed'),
    providerCode: text.exactOptional().describe("The provider's own error code"),
    providerRequestId: text.exactOptional().describe("The provider's id of the call"),
    providerMessage: text.exactOptional().describe("The provider's own words, cleaned"),
  }
}

/** The name of an event that this version can write. */
export type EventType = keyof typeof EVENT_CATALOG

/** The data of an event of a type, beside its ids. */
export type EventData<T extends EventType> = z.infer<(typeof EVENT_CATALOG)[T]['data']>

type Row<T extends EventType> = (typeof EVENT_CATALOG)[T]
type ActorsOf<T extends EventType> = Row<T>['actors'][number]
type ActorName = { readonly agent: string; readonly operator: `operator:${string}`; readonly stint: 'stint' }
type IdOf<T extends EventType, Id extends 'grant' | 'lease'> = Id extends Row<T>['ids'][number]
  ? { readonly [Key in `${Id}Id`]: string }
  : { readonly [Key in `${Id}Id`]?: never }

declare const built: unique symbol

/** An event to be put on record. Only `auditEvent` makes one. */
export type AuditEventInput<T extends EventType = EventType> = Omit<EventContent, 'requestId' | 'traceId'> & {
  readonly type: T
  readonly [built]: true
}

type KeysOf<Union> = Union extends unknown ? keyof Union : never
/** Rules out members that no form of the data has, also such as come by a spread. */
type NothingElse<Given, Wanted> = Given extends unknown
  ? { readonly [Key in Exclude<keyof Given, KeysOf<Wanted>>]?: never }
  : never

/**
 * Makes an event of the catalogue: its actor, ids and data are those of its row, no member more and none less.
 *
 * @param type the row, written out, so that a search for it finds every place that writes it.
 */
export function auditEvent<T extends EventType, Data extends EventData<T>>(
  type: T,
  event: { readonly at: Date; readonly actor: ActorName[ActorsOf<T>] } & IdOf<T, 'grant'> &
    IdOf<T, 'lease'> & { readonly data: Data & NothingElse<Data, EventData<T>> },
): AuditEventInput<T> {
  return { type, ...event } as unknown as AuditEventInput<T>
}

/** True for a recorded event of this type; the way to ask, so that a type is written out in no other way. */
export function isEventOf<T extends EventType, E extends { readonly type?: string }>(
  type: T,
  event: E,
): event is E & { readonly type: T } {
  return event.type === type
}

/** The actor of what an operator does. */
export function operatorActor(operator: { readonly name: string }): `operator:${string}` {
  return `operator:${operator.name}`
}

/** Which event stands for a refused call, by who calls. */
export const REFUSED_CALL = { agents: 'identity.refused', operators: 'operator.refused' } as const satisfies Record<
  string,
  EventType
>
