import { ACTION_CLASSES } from '../aws/action-classes.ts'
import { z } from '../core/documents/schema.ts'
import { BUDGET_HOLDERS } from '../ledger/budgets/budget-records.ts'
import { matchProblem } from '../registry/agent-match.ts'

const limit = (maximum: number) => z.int().min(0).max(maximum).optional()
const names = z.array(z.string().min(1).max(200)).max(1_000).optional()

const agent = z
  .string()
  .max(2_048)
  .superRefine((value, context) => {
    const problem = value === '*' ? undefined : matchProblem(value)
    if (problem) context.addIssue(problem)
  })
const holder = z.string().min(1).max(200)

const budget = z.strictObject({
  /** Names it in refusals and on the status. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, dots, dashes'),
  /** One of the three. Each agent, owner or team that it covers has it for itself. */
  for: z
    .strictObject({ agent: agent.optional(), owner: holder.optional(), team: holder.optional() })
    .refine((given) => BUDGET_HOLDERS.filter((kind) => given[kind] !== undefined).length === 1, {
      message: 'must have one of agent, owner and team',
    }),
  liveGrants: limit(1_000_000),
  grantsPerHour: limit(10_000_000),
  destructiveGrantsPerDay: limit(10_000_000),
  approvalsPending: limit(1_000_000),
  deniedPerHour: limit(10_000_000),
  recordBytesPerHour: limit(1_000_000_000_000),
  /** Bounds on each plan. */
  reach: z
    .strictObject({
      classes: z.array(z.enum(ACTION_CLASSES)).max(ACTION_CLASSES.length).optional(),
      labels: names,
      accounts: z
        .array(z.string().regex(/^\d{12}$/, 'must be an account id of 12 digits'))
        .max(1_000)
        .optional(),
      actions: limit(1_000_000),
      resourcePatterns: limit(1_000_000),
    })
    .optional(),
})

/** Bounds on what agents, owners and teams may have and do. */
export const budgets = z
  .array(budget)
  .max(200)
  .default([])
  .superRefine((list, context) => {
    const seen = new Set<string>()
    for (const [at, { name }] of list.entries()) {
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [at, 'name'], message: `${name} is given twice` })
      seen.add(name)
    }
  })
