import type { Lease } from '../../../ledger/records.ts'
import type { Plan } from '../../../plan/plan.ts'
import type { DenyWindow } from '../../provider.ts'
import { carriesAgent } from '../agent-name.ts'
import { MAX_CHAINED_SESSION_SECONDS } from '../mint/lease-session.ts'
import { EXPIRY_TOLERANCE_MS } from '../mint/session-answer.ts'

/** The broker's clock and AWS's may differ by so much. */
const MARGIN_MS = 60_000
/** From the record of a lease to the first attempt at STS, beside what the attempts themselves may take. */
const BEFORE_MINT_MS = 10_000

/** How long the mint of a lease takes at most. @param mintTotalMs how long its attempts may take together. */
export function mintTimeoutMs(mintTotalMs: number): number {
  return BEFORE_MINT_MS + mintTotalMs
}

/**
 * The deny that leases need at AWS. Each lease's session policy denies everything from the lease's end on, by AWS's clock, so
 * a deny is needed until then and no longer, however long the session itself lives. A session that may assume a role can have
 * made another one up to then, which lives for an hour.
 *
 * A mint whose answer is not on record may have happened at any time that a mint can take, retries and waiting included. An
 * answer whose times lie up to a minute ahead of ours is accepted, so a session whose answer was lost may lie as far ahead.
 *
 * @param mintTotalMs how long the attempts of one mint may take together.
 */
export function denyWindow(leases: readonly Lease[], plan: Plan | undefined, mintTotalMs: number): DenyWindow {
  const mintMs = mintTimeoutMs(mintTotalMs) + EXPIRY_TOLERANCE_MS
  const lastIssuedMs = Math.max(
    ...leases.map(({ issuedAt, intendedAt }) => issuedAt?.getTime() ?? intendedAt.getTime() + mintMs),
    0,
  )
  const lastEndMs = Math.max(...leases.map(({ notAfter }) => notAfter.getTime()), 0)
  const outlivesLeases = plan === undefined || canChain(plan)
  const chainedMs = outlivesLeases ? MAX_CHAINED_SESSION_SECONDS * 1_000 : 0
  return {
    until: new Date(lastEndMs + chainedMs + MARGIN_MS),
    lastIssuedAt: new Date(lastIssuedMs),
    outlivesLeases,
    namesAgent: leases.every(({ sessionName }) => carriesAgent(sessionName)),
  }
}

/** A session that may assume a role can leave behind one that outlasts it. */
function canChain({ pairs }: Plan): boolean {
  return pairs.some(({ action }) => action.startsWith('sts:AssumeRole'))
}
