import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { authMethod, code, identityEvidence, text } from './spec/event-values.ts'

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

/** Events about who calls: agents and operators that are turned away, and bearer tokens. */
export const CALLER_EVENTS = {
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
        certificateFingerprint: identityEvidence.certificateFingerprint,
        facets: identityEvidence.facets,
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
      'An agent with a valid identity was turned away because no registration covers it, or its registration has expired, is not reviewed in time or has no owner.',
    data: z.strictObject({ code, authMethod, ...identityEvidence }),
  },
  'token.moved': {
    actors: ['agent'],
    refusal: false,
    ids: [],
    about: 'A bearer token was taken over by another connection, after the one that it was bound to had closed.',
    data: z.strictObject({
      ...identityEvidence,
      from: z
        .union([connection, z.strictObject({})])
        .describe('The connection that is gone; empty if the token was bound before connections were on record'),
      to: connection.describe('The connection that has the token now'),
      move: z.int().positive().describe('1, 2, 3 … of this token'),
    }),
  },
  'operator.refused': {
    actors: ['stint', 'operator'],
    refusal: true,
    ids: [],
    about:
      'A call of the admin API was turned away: an unknown token, or a role that may not make it. Bounded per minute; the last event counts the rest.',
    data: z.union([z.strictObject(refusedCall), moreRefusedCalls]),
  },
} as const satisfies Record<string, EventSpec>
