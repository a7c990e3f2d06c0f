import type { Grant } from '../records.ts'
import { conflict } from './rule-errors.ts'

/** The part of a grant that says whether it was collected. */
type Claim = Pick<Grant, 'id' | 'claimBy' | 'taskMs'>

/** The deadline that a grant gets with a first lease at `at`: the task's time begins with it. Undefined if it has its deadline. */
export function deadlineIfClaimed({ claimBy, taskMs }: Pick<Claim, 'claimBy' | 'taskMs'>, at: Date): Date | undefined {
  return claimBy && taskMs !== undefined ? new Date(at.getTime() + taskMs) : undefined
}

/** True for an approved grant whose agent has not collected it, and has no time left to. */
export function isClaimOver({ claimBy }: Pick<Claim, 'claimBy'>, now: Date): boolean {
  return claimBy !== undefined && claimBy <= now
}

/**
 * A grant with its first lease intended at `at`. One that was collected before, or that nobody approved, stays as it is.
 *
 * @throws {StintError} LEDGER_CONFLICT when the time to collect it is over.
 */
export function claimedGrant(grant: Grant, at: Date): Grant {
  const deadline = deadlineIfClaimed(grant, at)
  if (!deadline) return grant
  if (isClaimOver(grant, at)) {
    throw conflict(`The grant had to be collected by ${grant.claimBy?.toISOString()}.`, { grantId: grant.id })
  }
  const { claimBy: _, taskMs: __, ...collected } = grant
  return { ...collected, deadline, dueAt: deadline }
}

/**
 * The column `deadline`. For a grant that is not collected it is what brokers of the version before would have set when it was
 * approved: they neither read `claim_by` nor know grants without a deadline, and end such a grant no later than that.
 */
export function toStoredDeadline({ deadline, activeAt, taskMs }: Grant): Date | undefined {
  return deadline ?? (activeAt && taskMs !== undefined ? new Date(activeAt.getTime() + taskMs) : undefined)
}

/** The members of a grant by its columns. One that has a lease was collected, if by a broker of the version before. */
export function fromStoredClaim(row: {
  readonly claimBy: Date | undefined
  readonly deadline: Date | undefined
  readonly activeAt: Date | undefined
  readonly leaseCount: number
}): Pick<Grant, 'claimBy' | 'taskMs' | 'deadline'> {
  const { claimBy, deadline, activeAt, leaseCount } = row
  if (!claimBy || leaseCount > 0) return deadline ? { deadline } : {}
  if (!deadline || !activeAt) throw new Error('it is to be collected, and its deadline is not there')
  return { claimBy, taskMs: deadline.getTime() - activeAt.getTime() }
}
