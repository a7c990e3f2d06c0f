import { z } from '../../core/documents/schema.ts'
import { VOTE_ASSURANCES } from '../../policy/decision.ts'
import { VERDICTS, VOID_REASONS } from '../approvals/vote.ts'
import type { EventSpec } from './spec/event-spec.ts'
import { code, instant, note, planHash, policies, policySetHash, text } from './spec/event-values.ts'

const approvalId = text.describe('The approval')

/** Events about the approval of a grant. */
export const APPROVAL_EVENTS = {
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
  'approval.voted': {
    actors: ['operator'],
    refusal: false,
    ids: ['grant'],
    about: 'A person approved or rejected the plan with this hash. The question may wait for further people.',
    data: z.strictObject({
      approvalId,
      planHash,
      verdict: z.enum(VERDICTS).describe("The person's word"),
      channel: text.describe('How it came: `cli`, or `token` for another client with a bearer token'),
      assurance: z.enum(VOTE_ASSURANCES).describe('How surely it comes from that person'),
      note,
    }),
  },
  'approval.approved': {
    actors: ['operator'],
    refusal: false,
    ids: ['grant'],
    about: 'The plan with this hash has the approvals that it needs; the actor gave the last one.',
    data: z.strictObject({
      approvalId,
      planHash,
      note,
      voters: z.array(text).readonly().exactOptional().describe('The people whose approvals counted'),
    }),
  },
  'approval.voided': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant'],
    about:
      'The task came to another plan while the question was open, or policy denies its plan now, so nobody can approve it. Final for the grant.',
    data: z.strictObject({
      approvalId,
      planHash: planHash.describe('Hash of the plan that was asked about'),
      newPlanHash: planHash.describe('Hash of the plan that the task comes to now'),
      reason: z
        .enum(VOID_REASONS)
        .exactOptional()
        .describe('Why it is void; missing in events of earlier versions, where it was always the plan'),
      policySetHash: policySetHash
        .exactOptional()
        .describe('With `policy_denied`: SHA-256 of the policy set that denies'),
      changes: z.array(text).readonly().describe('What changed, or what policy denies, each a sentence'),
    }),
  },
  'approval.rejected': {
    actors: ['operator', 'stint'],
    refusal: false,
    ids: ['grant'],
    about: 'A person rejected the plan, or the grant was revoked or killed while it waited. Final for the grant.',
    data: z.strictObject({
      approvalId,
      planHash,
      note,
      by: z
        .enum(['revocation', 'hold'])
        .exactOptional()
        .describe('Set if the grant was revoked while it waited, or a kill or other hold covers it'),
      hold: text.exactOptional().describe('With `hold`: its id'),
    }),
  },
  'approval.refused': {
    actors: ['operator'],
    refusal: true,
    ids: ['grant'],
    about: "A person's answer was turned away; the approval stays open.",
    data: z.strictObject({
      approvalId,
      verdict: z.enum(VERDICTS).describe('What the person answered'),
      code,
    }),
  },
  'approval.reused': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant'],
    about:
      'Nobody was asked: a policy lets the approval of an earlier grant of the agent count for the same plan again (`@reuse`), and its votes still count.',
    data: z.strictObject({
      approvalId: text.describe('The approval that people gave'),
      planHash,
      ofGrant: text.describe('The grant that it was given for'),
      usesLeft: z.int().nonnegative().describe('How many further grants may rest on it'),
      until: instant.describe('Until when'),
    }),
  },
  'approval.withdrawn': {
    actors: ['agent'],
    refusal: false,
    ids: ['grant'],
    about: 'The agent took its request back before anybody had answered. Final for the grant.',
    data: z.strictObject({ approvalId: approvalId.exactOptional(), note: note.exactOptional() }),
  },
  'approval.expired': {
    actors: ['stint'],
    refusal: false,
    ids: ['grant'],
    about: 'Nobody answered in time, or the ledger was set back while it waited. Final for the grant.',
    data: z.strictObject({
      approvalId: approvalId.exactOptional(),
      because: z
        .literal('restored')
        .exactOptional()
        .describe('The ledger was set back, so it does not know whether somebody has answered since'),
    }),
  },
} as const satisfies Record<string, EventSpec>
