import { z } from '@hono/zod-openapi'
import { ACTION_CLASSES, ACTION_FLAGS } from '../../../aws/action-classes.ts'
import { APPROVAL_STATES, END_REASONS, GRANT_AUTH_METHODS, GRANT_STATES } from '../../../ledger/records.ts'
import { approvalRequirement, approvalSchema } from '../grant-schemas.ts'
import { count, instant, sha256 } from '../values.ts'

const words = (description: string) => z.string().openapi({ description })
const sentences = (description: string) => z.array(z.string()).openapi({ description })

const agent = z.object({
  subject: z.string(),
  trustDomain: z.string(),
  authMethod: z.enum(GRANT_AUTH_METHODS),
  proof: words('how it proved its identity'),
  registration: z.object({
    name: z.string(),
    state: z
      .enum(['current', 'changed', 'expired', 'other', 'gone'])
      .openapi({ description: 'as it is now; `other`: another registration covers the agent; `gone`: none does' }),
    notes: sentences('what has changed since the request, or is overdue'),
    purpose: words("the operator's words").optional(),
    expiresAt: instant().optional(),
    reviewAt: instant().optional(),
  }),
  owner: z.string(),
  team: z.string(),
  firstRequestedAt: instant().optional(),
  known: words('for how long the ledger knows the agent'),
})

const deciders = z.object({
  determiningPolicies: z.array(z.string()),
  requirements: z.array(
    approvalRequirement.extend({ sentence: z.string(), approvedBy: z.array(z.string()), missing: count() }),
  ),
  waived: sentences('approvals that a policy waived'),
  votes: z.array(
    z.object({
      by: z.string(),
      verdict: z.enum(['approve', 'reject']),
      at: instant(),
      note: z.string().optional(),
      channel: z.string().optional(),
      assurance: z.string().optional(),
      lost: words('why it counts no more').optional(),
    }),
  ),
  canDecide: z.boolean().openapi({ description: 'whether you can decide it' }),
  whyNot: words('why you cannot').optional(),
  others: z.array(z.string()).openapi({ description: 'names of the other operators who could decide now' }),
  moreOthers: count().openapi({ description: 'how many there are beside those of `others`' }),
  alarm: words('set while it is open and nobody could decide it').optional(),
})

const lastApproved = z.object({
  kind: z.enum(['none', 'same', 'differs', 'unreadable']),
  sentence: z.string(),
  grantId: z.string().optional(),
  decidedAt: instant().optional(),
  decidedBy: z.string().optional(),
  added: sentences('pairs that the earlier plan had not, riskiest first').optional(),
  removed: sentences('pairs that only the earlier plan had').optional(),
  changed: sentences('pairs whose class, flags or labels are others').optional(),
})

const pastGrant = z.object({
  id: z.string(),
  requestedAt: instant(),
  roleArn: z.string(),
  state: z.enum(GRANT_STATES),
  reason: z.enum(END_REASONS).optional(),
  outcome: words('what came of it'),
  purpose: words("the agent's own words, cut"),
  samePlan: z.boolean(),
})

/** The approval view: everything an approver reads, in that order. */
export const approvalViewSchema = z
  .object({
    verdict: z.object({
      what: words('the riskiest thing that is asked for, and how many others there are'),
      agent: z.string(),
      owner: z.string(),
      expiresAt: instant(),
      state: z.enum(APPROVAL_STATES),
      sentence: words('where the question stands'),
      stopped: words('set while the kill switch or a suspension keeps the agent from getting anything').optional(),
    }),
    agent,
    agentSays: z
      .object({ purpose: z.string(), reference: z.string().optional(), lookAlikes: z.array(z.string()) })
      .openapi({ description: "the agent's own words, which nobody has checked" }),
    change: z
      .object({ sentence: z.string(), lines: z.array(z.string()), leftOut: z.string().optional(), file: z.string() })
      .optional()
      .openapi({ description: 'what a file says that the command would change: also a claim of the agent' }),
    roleArn: z.string(),
    duration: words('how long the credentials would work'),
    access: z.array(
      z.object({
        class: z.enum(ACTION_CLASSES),
        means: z.string(),
        pairs: count(),
        lines: sentences('every action with its resource; many plain reads of one wildcard share a line'),
      }),
    ),
    notIncluded: sentences('actions of wildcards that are not in the plan'),
    blastRadius: z.object({
      sentences: z.array(z.string()),
      narrowed: sentences("pairs that the role's own policies refuse or narrow; empty if those are not known"),
      unknown: sentences('what the sentences do not count in'),
    }),
    outlives: sentences('what revoking the grant would not stop'),
    flags: z.array(z.object({ flag: z.enum(ACTION_FLAGS), means: z.string(), actions: z.array(z.string()) })),
    warnings: z.array(z.string()),
    deciders,
    lastApproved,
    history: z.array(pastGrant).openapi({ description: 'the ten newest other grants of the agent' }),
    sessionPolicy: z.object({
      text: words('laid out over several lines; `plan.sessionPolicy` is the very text'),
      characters: count(),
      limit: count(),
    }),
    planHash: sha256(),
    timeLeft: z.object({ seconds: count(), words: z.string() }),
  })
  .openapi('ApprovalView', {
    description: 'what an approver reads, in this order; hidden characters of all texts are shown as \\u{…}',
  })

/** A row of the list. */
export const approvalListItemSchema = approvalSchema
  .extend({
    ageSeconds: count(),
    secondsLeft: count().openapi({ description: '0 once it is no longer open' }),
    canDecide: z.boolean().openapi({ description: 'whether you can decide it' }),
    whyNot: words('why you cannot').optional(),
    asks: z
      .object({
        agent: z.string(),
        owner: z.string(),
        team: z.string(),
        roleArn: z.string(),
        purpose: words("the agent's own words"),
        class: z.enum(ACTION_CLASSES).optional().openapi({ description: 'the riskiest class of the plan' }),
        access: words('the riskiest action and its resource').optional(),
        pairs: count().optional(),
      })
      .optional()
      .openapi({ description: 'what is asked for; each text is cut for itself; absent if the grant cannot be read' }),
    problem: words('why something of the row cannot be read').optional(),
  })
  .openapi('ApprovalListItem')
