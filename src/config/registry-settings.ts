import { z } from '../core/documents/schema.ts'
import { matchProblem } from '../registry/agent-match.ts'
import { duration } from './values/duration-setting.ts'

const match = z.string().superRefine((value, context) => {
  const problem = matchProblem(value)
  if (problem) context.addIssue(problem)
})

/** Which agents are known, and who may say so. */
export const registrySettings = z.strictObject({
  file: z.string().min(1),
  /** Matches within which operators may register agents by the admin API; the file takes precedence. None unless set. */
  writableByApi: z.array(match).max(100).default([]),
  /** A signed review holds for this long. */
  reviewPeriod: duration('1d', '731d').prefault('90d'),
  /** True: agents whose owner has no row in `admin.operators` are not served. */
  ownersMustBeOperators: z.boolean().default(false),
})
