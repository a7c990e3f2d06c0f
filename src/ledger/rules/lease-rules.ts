import type { LeaseMove, NewLease } from '../ledger.ts'
import type { Grant, Lease, LeaseState } from '../records.ts'
import { claimedGrant } from './claim-rules.ts'
import { conflict, misuse } from './rule-errors.ts'

/** Where a lease may go from each state; to where it is already is a no-op, not a move. */
const LEASE_TRANSITIONS: Readonly<Record<LeaseState, readonly LeaseState[]>> = {
  intended: ['issued', 'ended'],
  issued: ['ended'],
  ended: [],
}

/**
 * The next lease of an active grant, and the grant with it.
 *
 * @param replica this process, which mints the lease.
 * @throws {StintError} LEDGER_CONFLICT, INTERNAL
 */
export function intendedLease(
  grant: Grant,
  lease: NewLease,
  replica: string,
): { readonly grant: Grant; readonly lease: Lease } {
  if (grant.state !== 'active') {
    const explanation = `The grant is ${grant.state}; only an active grant has further leases.`
    throw conflict(explanation, { grantId: grant.id, from: grant.state })
  }
  const claimed = claimedGrant(grant, lease.intendedAt)
  const number = grant.leaseCount + 1
  return {
    grant: { ...claimed, leaseCount: number, version: grant.version + 1 },
    lease: newLease(claimed, number, lease, replica),
  }
}

/** P7: no lease reaches beyond its grant's deadline, whatever the caller worked out. */
export function newLease(grant: Grant, number: number, lease: NewLease, replica: string): Lease {
  if (!grant.deadline || !(lease.notAfter <= grant.deadline)) {
    throw misuse("A lease cannot end after its grant's deadline.", grant.id)
  }
  return {
    id: lease.id,
    grantId: grant.id,
    number,
    roleArn: grant.roleArn,
    sessionName: lease.sessionName,
    state: 'intended',
    notAfter: lease.notAfter,
    intendedAt: lease.intendedAt,
    replica,
    mintUntil: lease.mintUntil,
  }
}

/**
 * A lease after a move; the very same record when it is there already, which leaves nothing on record.
 *
 * @throws {StintError} LEDGER_CONFLICT when there is no such lease, or it cannot go there.
 */
export function settledLease(lease: Lease | undefined, move: LeaseMove): Lease {
  if (!lease) throw conflict('There is no such lease.', { leaseId: move.leaseId })
  if (isSettled(lease, move)) return lease
  const { id: leaseId, state: from } = lease
  if (move.to === 'unknown') {
    if (from === 'intended') return { ...lease, outcomeUnknown: true }
    throw conflict(`The lease is ${from}: its outcome is known.`, { leaseId, from })
  }
  if (!LEASE_TRANSITIONS[from].includes(move.to)) {
    throw conflict(`The lease is ${from} and cannot become ${move.to}.`, { leaseId, from, to: move.to })
  }
  if (move.to === 'ended') return { ...lease, state: 'ended', end: move.end, endedAt: move.endedAt }
  const { outcomeUnknown: _, ...known } = lease
  return { ...known, state: 'issued', accessKeyId: move.accessKeyId, issuedAt: move.issuedAt }
}

/**
 * P2: true if nobody will record the outcome of a mint any more, so that the lease has to count as minted. False for a lease
 * that this process mints, or that another process may still mint.
 *
 * @param asked.othersAreGone one process at a time uses the store, so every other process is gone.
 */
export function isAbandoned(
  { state, outcomeUnknown, replica, mintUntil }: Lease,
  asked: { readonly replica: string; readonly now: Date; readonly othersAreGone: boolean },
): boolean {
  if (state !== 'intended' || outcomeUnknown || replica === asked.replica) return false
  return asked.othersAreGone || mintUntil === undefined || mintUntil <= asked.now
}

function isSettled(lease: Lease, move: LeaseMove): boolean {
  if (move.to === 'unknown') return lease.state === 'intended' && lease.outcomeUnknown === true
  if (move.to === 'issued') return lease.state === 'issued' && lease.accessKeyId === move.accessKeyId
  return lease.state === 'ended'
}
