import type { Approval, EndReason, Grant } from '../records.ts'
import { conflict } from './rule-errors.ts'

/** A wish to open a grant on the strength of an approval that was given for an earlier one. */
export interface ReuseWish {
  /** The approval that people gave, and its grant. */
  readonly approvalId: string
  readonly grantId: string
  /** The id of the approval of the new grant. */
  readonly newApprovalId: string
  /** Total number of grants that may rest on it, the first included. */
  readonly uses: number
  /** It must have been given after this instant. */
  readonly givenAfter: Date
}

/** An approval that might be used again, and the grants that rest on it, its own included. */
export interface ReusableApproval {
  readonly approval: Approval
  readonly grants: readonly Pick<Grant, 'reason' | 'owner'>[]
}

/** Ends after which an approval may be used again: the agent's own, and that of its time. Whoever else ended a grant meant more by it. */
const HARMLESS_ENDS: ReadonlySet<EndReason | undefined> = new Set([undefined, 'completed', 'deadline'])

/** Number of further grants that may rest on an approval. */
export function usesLeft({ uses = 0 }: Pick<Approval, 'uses'>, allowed: number): number {
  return Math.max(0, allowed - 1 - uses)
}

/** True if every grant that rested on an approval ended, if it has, in a way that says nothing against another one. */
export function mayRestOn({ grants }: Pick<ReusableApproval, 'grants'>): boolean {
  return grants.every(({ reason }) => HARMLESS_ENDS.has(reason))
}

/**
 * The approval after one more use. The store reads and writes it in the unit that opens the grant, so two at once never share the
 * last use.
 *
 * @throws {StintError} LEDGER_CONFLICT when it cannot be used (any more).
 */
export function usedApproval(
  approval: Approval | undefined,
  wish: ReuseWish,
  { planHash }: Pick<Grant, 'planHash'>,
): Approval {
  const isGiven = approval?.state === 'approved' && approval.id === wish.approvalId && approval.reuseOf === undefined
  const isRecent = approval?.decidedAt !== undefined && approval.decidedAt > wish.givenAfter
  if (!isGiven || !isRecent || approval.planHash !== planHash || usesLeft(approval, wish.uses) === 0)
    throw conflict('The approval cannot be used again.', { approvalId: wish.approvalId })
  return { ...approval, uses: (approval.uses ?? 0) + 1, version: approval.version + 1 }
}

/** The approval of the new grant: what people said of the same plan, and where it is from. */
export function restingApproval(used: Approval, wish: ReuseWish, grant: Pick<Grant, 'id' | 'requestedAt'>): Approval {
  const { uses: _, ...given } = used
  const { id: grantId, requestedAt } = grant
  return { ...given, id: wish.newApprovalId, grantId, requestedAt, reuseOf: used.id, version: 1 }
}
