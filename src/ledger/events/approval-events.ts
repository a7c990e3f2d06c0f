import { z } from '../../core/documents/schema.ts'
import type { EventSpec } from './event-spec.ts'
import { code, instant, note, planHash, policies, policySetHash, text } from './event-values.ts'

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
