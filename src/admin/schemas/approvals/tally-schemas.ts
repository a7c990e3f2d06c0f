import { z } from '@hono/zod-openapi'
import { OBSTACLES } from '../../../grants/approvals/voters.ts'
import { VERDICTS } from '../../../ledger/approvals/vote.ts'
import { VOTE_ASSURANCES } from '../../../policy/decision.ts'
import { count, instant } from '../values.ts'

const obstacle = z.object({ reason: z.enum(OBSTACLES), explanation: z.string() })

const permission = z
  .object({
    allowed: z.boolean(),
    code: z.string().optional().openapi({ description: 'the error that the vote would get' }),
    reason: z.enum(OBSTACLES).optional(),
    explanation: z.string().optional(),
  })
  .openapi('VotePermission')

const requirement = z
  .object({
    anyOf: z.array(z.string()),
    count: count(),
    exclude: z.array(z.string()),
    assurance: z.enum(VOTE_ASSURANCES).optional(),
    because: z.array(z.string()),
    approvedBy: z.array(z.string()).openapi({ description: 'people whose approvals count now' }),
    missing: count().openapi({ description: 'how many more people have to approve' }),
    couldApprove: z.array(z.string()).openapi({ description: 'the first of the people who could and have not' }),
    couldApproveMore: count().openapi({ description: 'how many there are beside them' }),
    canBeMet: z.boolean().openapi({ description: 'whether the votes on record and these people are enough' }),
  })
  .openapi('RequirementTally')

/** The votes on an approval, and what is still missing. */
export const tallySchema = z
  .object({
    isMet: z.boolean(),
    requirements: z.array(requirement),
    votes: z.array(
      z.object({
        voter: z.string(),
        verdict: z.enum(VERDICTS),
        at: instant(),
        channel: z.string(),
        assurance: z.enum(VOTE_ASSURANCES),
        note: z.string(),
        counts: z.boolean(),
        obstacle: obstacle.optional().openapi({ description: 'why it counts no more' }),
      }),
    ),
    couldDecide: count(),
    you: z.object({ voted: z.enum(VERDICTS).optional(), approve: permission, reject: permission }),
  })
  .openapi('Tally')
