import { z } from '@hono/zod-openapi'
import { BUDGET_HOLDERS, BUDGET_MEASURES } from '../../ledger/budgets/budget-records.ts'
import { POLICY_FILE_LIMITS } from '../../policy/policy-files.ts'
import { count, idText, instant, sha256 } from './values.ts'

/** The use of a budget by one holder. */
export const budgetUseSchema = z
  .object({
    budget: z.string(),
    holder: z.object({ kind: z.enum(BUDGET_HOLDERS), name: z.string() }),
    measures: z.array(
      z.object({
        measure: z.enum(BUDGET_MEASURES),
        used: count(),
        limit: count(),
        freesAt: instant().optional(),
      }),
    ),
  })
  .openapi('BudgetUse')

/** The body of a question about a policy set. */
export const policyFilesBody = z
  .strictObject({
    files: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(255),
          text: z.string().max(POLICY_FILE_LIMITS.bytesPerFile),
        }),
      )
      .max(POLICY_FILE_LIMITS.files),
  })
  .openapi('PolicyFiles')

const groups = z.array(z.object({ name: z.string(), count: count() }))

/** The effects that a policy set would have on open grants. */
export const policyImpactSchema = z
  .object({
    policySetHash: sha256(),
    active: z.object({ judged: count(), ending: count(), needingApproval: count() }),
    waiting: z.object({ judged: count(), refused: count() }),
    undecided: count(),
    byAgent: groups,
    byTeam: groups,
    byPolicy: groups,
    first: z.array(
      z.object({
        grantId: idText('grt'),
        subject: z.string(),
        owner: z.string(),
        team: z.string(),
        state: z.enum(['active', 'awaiting_approval']),
        effect: z.enum(['ends', 'needs_approval']),
        code: z.string(),
        action: z.string().optional(),
        resource: z.string().optional(),
        policies: z.array(z.string()),
      }),
    ),
  })
  .openapi('PolicyImpact')
