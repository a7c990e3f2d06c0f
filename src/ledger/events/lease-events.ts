import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { errorCode, identityEvidence, instant, text } from './spec/event-values.ts'

const notAfter = instant.describe('The end of the lease: nothing works after it')
const leaseNumber = z.int().positive().describe('1, 2, 3 … within the grant')
const issuedLease = {
  number: leaseNumber,
  sessionName: text.describe("The session's name in the provider's log"),
  notAfter,
}
const failedMint = {
  code: errorCode.describe('Why the mint failed'),
  providerCode: text.exactOptional().describe("The provider's own error code"),
  providerRequestId: text.exactOptional().describe("The provider's id of the call"),
  providerMessage: text.exactOptional().describe("The provider's own words, cleaned"),
}

/** Events in the life of a lease. */
export const LEASE_EVENTS = {
  'lease.intended': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant', 'lease'],
    about: 'The intent to mint a lease is durable; from now on it counts as minted until its outcome is known.',
    data: z.strictObject({ number: leaseNumber, notAfter, ...identityEvidence }),
  },
  'own_session.intended': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant', 'lease'],
    about:
      'The broker, or `stint doctor`, is about to start a session for a check of its own, under a grant that no agent asked for. The credentials stay in that process.',
    data: z.strictObject({
      subject: text.describe(
        '`stint:canary`: it shows whether a deny list is in force. `stint:doctor`: it shows whether a role can be assumed',
      ),
      denyList: text.exactOptional().describe('Which deny list'),
      roleArn: text.describe('The role of the session'),
      ...issuedLease,
    }),
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
    data: z.strictObject({ ...issuedLease, ...failedMint }),
  },
  'lease.unknown': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant', 'lease'],
    about: 'Nobody knows whether the credentials of the lease were minted; it counts as minted until its end.',
    data: z.union([
      z.strictObject({ ...issuedLease, ...failedMint }),
      z.strictObject({
        ...issuedLease,
        found: z
          .enum(['at_start', 'replica_gone', 'in_note'])
          .describe(
            '`at_start`: the broker stopped during the mint, found when one started. `replica_gone`: found by another broker on the same ledger. `in_note`: `stint doctor` stopped',
          ),
      }),
    ]),
  },
} as const satisfies Record<string, EventSpec>
