import type { LedgerReads } from '../../../ledger/ledger.ts'
import type { EndReason, Grant, GrantState } from '../../../ledger/records.ts'
import { cutEnd } from './words.ts'

/** One earlier or later grant of the agent. */
export interface PastGrant {
  readonly id: string
  readonly requestedAt: Date
  readonly roleArn: string
  readonly state: GrantState
  readonly reason?: EndReason
  /** Its outcome, in words. */
  readonly outcome: string
  /** The agent's own words, cut. */
  readonly purpose: string
  /** True if it is for the very same plan. */
  readonly samePlan: boolean
}

const MAX_GRANTS = 10
const PURPOSE_CHARACTERS = 80

const STATE_WORDS: Readonly<Record<GrantState, string>> = {
  denied: 'denied by policy',
  awaiting_approval: 'waiting for approval',
  rejected: 'rejected',
  withdrawn: 'withdrawn by the agent',
  approval_expired: 'nobody decided in time',
  active: 'active',
  ending: 'ending',
  ended: 'ended',
}

/** The agent's ten newest grants besides this one. */
export async function recentGrants(ledger: Pick<LedgerReads, 'listGrants'>, grant: Grant): Promise<PastGrant[]> {
  const { items } = await ledger.listGrants({ subject: grant.subject }, { limit: MAX_GRANTS + 1 })
  return items
    .filter(({ id }) => id !== grant.id)
    .slice(0, MAX_GRANTS)
    .map(({ id, requestedAt, roleArn, state, reason, purpose, planHash }) => ({
      id,
      requestedAt,
      roleArn,
      state,
      ...(reason && { reason }),
      outcome: reason ? `${STATE_WORDS[state]}: ${reason.replaceAll('_', ' ')}` : STATE_WORDS[state],
      purpose: cutEnd(purpose, PURPOSE_CHARACTERS),
      samePlan: planHash === grant.planHash,
    }))
}
