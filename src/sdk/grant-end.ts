import type { Json } from '../core/canonical-json.ts'
import { type ErrorCode, StintError } from '../core/errors.ts'
import type { GrantInfo, GrantState } from './types.ts'

const ENDS: Partial<Record<GrantState, { code: ErrorCode; say(grant: GrantInfo): string }>> = {
  denied: { code: 'POLICY_DENIED', say: denial },
  rejected: {
    code: 'APPROVAL_REJECTED',
    say: ({ id, voidedBecause }) =>
      voidedBecause
        ? `The question of grant ${id} became void while it waited, so nobody can approve it: ${voidedBecause.join(' ')} To ask again, choose a new idempotency key.`
        : `Grant ${id} was rejected; ask again with another plan.`,
  },
  withdrawn: {
    code: 'REQUEST_WITHDRAWN',
    say: ({ id }) =>
      `Grant ${id} was withdrawn by its agent before anybody answered; to ask again, choose a new idempotency key.`,
  },
  approval_expired: {
    code: 'APPROVAL_EXPIRED',
    say: ({ id }) => `The approval of grant ${id} expired without an answer.`,
  },
  ending: { code: 'GRANT_NOT_ACTIVE', say: ended },
  ended: { code: 'GRANT_NOT_ACTIVE', say: ended },
}

/** Why this grant no longer gives credentials; undefined while it still may. `details` hold `grantId`, `state` and `reason`. */
export function explainEnd(grant: GrantInfo): StintError | undefined {
  const end = ENDS[grant.state]
  if (!end) return undefined
  const failedPairs = grant.decision?.failedPairs.map((pair): Json => ({ ...pair }))
  return new StintError(end.code, {
    explanation: end.say(grant),
    grantId: grant.id,
    subject: grant.subject,
    state: grant.state,
    ...(grant.reason !== undefined && { reason: grant.reason }),
    ...(grant.state === 'denied' && failedPairs && { failedPairs }),
  })
}

/** For a grant that its own agent has completed. */
export function completedHere(grantId: string): StintError {
  const explanation = `Grant ${grantId} was completed; ask for a new one for more work.`
  return new StintError('GRANT_NOT_ACTIVE', { explanation, grantId, reason: 'completed' })
}

/** Errors of a renewal after which the broker ends the grant: asking again gives the same. */
const TERMINAL: ReadonlySet<ErrorCode> = new Set([
  'GRANT_NOT_ACTIVE',
  'GRANT_NOT_FOUND',
  'POLICY_DENIED',
  'AGENT_UNREGISTERED',
  'REGISTRATION_EXPIRED',
  'REGISTRATION_UNREVIEWED',
  'REGISTRATION_OWNERLESS',
])

/** True if no renewal of this grant can succeed after such an error. */
export function isTerminal({ code }: StintError): boolean {
  return TERMINAL.has(code)
}

function denial({ id, subject, decision }: GrantInfo): string {
  const pairs = decision?.failedPairs ?? []
  const first = pairs[0]
  if (!first) return `Policy denied grant ${id} to ${subject}.`
  return `Policy denied grant ${id} to ${subject}: ${first.action} on ${first.resource} (${first.reason}), ${pairs.length} pair(s) in all.`
}

function ended({ id, state, reason, claimBy }: GrantInfo): string {
  if (reason === 'claim_expired') {
    const by = claimBy ? ` by ${claimBy.toISOString()}` : ' in time'
    return `Grant ${id} was approved, but not collected${by}; to ask again, choose a new idempotency key.`
  }
  return `Grant ${id} is ${state}${reason ? ` (${reason})` : ''}; its credentials must no longer be used; new work needs a new grant.`
}
