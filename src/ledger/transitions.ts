import { StintError } from '../core/errors.ts'
import { FINAL_STATES, type GrantState, type Lease, type LeaseState } from './records.ts'

/** Where a grant may go from each state. A state that is not final may be "moved" to itself, e.g. to change `dueAt`. */
export const GRANT_TRANSITIONS: Readonly<Record<GrantState, readonly GrantState[]>> = {
  denied: [],
  awaiting_approval: ['awaiting_approval', 'rejected', 'approval_expired', 'active'],
  rejected: [],
  approval_expired: [],
  active: ['active', 'ending', 'ended'],
  ending: ['ending', 'ended'],
  ended: [],
}

/** States that a grant may be opened in. */
export const OPENING_STATES: readonly GrantState[] = ['denied', 'awaiting_approval', 'active']

/** Where a lease may go from each state; to where it is already is a no-op, not a move. */
const LEASE_TRANSITIONS: Readonly<Record<LeaseState, readonly LeaseState[]>> = {
  intended: ['issued', 'ended'],
  issued: ['ended'],
  ended: [],
}

/** True for a state that a grant never leaves. */
export function isFinalState(state: GrantState): boolean {
  return (FINAL_STATES as readonly GrantState[]).includes(state)
}

/**
 * Refuses a move that the state machine does not have.
 *
 * @throws {StintError} LEDGER_CONFLICT with `grantId`, `from` and `to`.
 */
export function assertGrantMove(grantId: string, from: GrantState, to: GrantState): void {
  if (GRANT_TRANSITIONS[from].includes(to)) return
  const allowed = GRANT_TRANSITIONS[from].join(', ') || 'nothing: the state is final'
  throw new StintError('LEDGER_CONFLICT', {
    explanation: `The grant is ${from} and cannot become ${to}; from ${from} it may become ${allowed}.`,
    grantId,
    from,
    to,
  })
}

/**
 * Refuses a lease move that the state machine does not have.
 *
 * @throws {StintError} LEDGER_CONFLICT with `leaseId`, `from` and `to`.
 */
export function assertLeaseMove(lease: Pick<Lease, 'id' | 'state'>, to: LeaseState): void {
  if (LEASE_TRANSITIONS[lease.state].includes(to)) return
  throw new StintError('LEDGER_CONFLICT', {
    explanation: `The lease is ${lease.state} and cannot become ${to}.`,
    leaseId: lease.id,
    from: lease.state,
    to,
  })
}
