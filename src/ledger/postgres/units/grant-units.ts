import type { GrantMove, LeaseMove, OpenGrant, WriteInput } from '../../ledger.ts'
import type { Grant, Lease } from '../../records.ts'
import { movedApproval } from '../../rules/approval-rules.ts'
import {
  checkOpenGrants,
  checkReports,
  isFinalState,
  maxPlanBytes,
  movedGrant,
  openedGrant,
  openGrantLimit,
  requireGrantAt,
} from '../../rules/grant-rules.ts'
import { requireNotHeld, touchedLabels } from '../../rules/hold-rules.ts'
import { intendedLease, settledLease } from '../../rules/lease-rules.ts'
import { isApproving, requireNoQuarantine } from '../../rules/quarantine-rules.ts'
import { restingApproval, usedApproval } from '../../rules/reuse-rules.ts'
import { conflict } from '../../rules/rule-errors.ts'
import { drawBudgets, wantBudgets } from '../budgets/draw-budgets.ts'
import type { WantedRows } from '../working-set/wanted-rows.ts'
import type { WorkingSet } from '../working-set/working-set.ts'
import { putDeny, wantDeny } from './deny-units.ts'
import { useToken, wantToken } from './token-units.ts'
import type { Unit } from './unit.ts'

type Opened = { kind: 'created'; grant: Grant; lease?: Lease } | { kind: 'existing'; grant: Grant }

/** See `LedgerWrites.openGrant`. */
export function openGrant(input: OpenGrant): Unit<Opened> {
  const { id, subject, idempotencyKey } = input.grant
  return {
    want(wanted) {
      wanted.grants.add(id)
      wanted.grantKeys.push([subject, idempotencyKey])
      if (openGrantLimit(input) !== undefined) wanted.openCounts.add(subject)
      if (!isFinalState(input.grant.state)) {
        wanted.quarantine = true
        wanted.holdsInForce = true
      }
      if (input.budgets) wantBudgets(wanted, input.budgets)
      if (input.lease) wanted.leases.add(input.lease.id)
      if (input.token) wantToken(wanted, input.token)
      if (input.reuse) {
        wanted.grants.add(input.reuse.grantId)
        wanted.approvals.add(input.reuse.grantId)
      }
    },
    decide(set) {
      const existing = set.grantByKey(subject, idempotencyKey)
      if (existing) return { kind: 'existing', grant: existing }
      return create(set, input)
    },
  }
}

function create(set: WorkingSet, input: OpenGrant): Opened {
  const { grant, lease, approval } = openedGrant(input, set.replica)
  if (!isFinalState(grant.state)) {
    requireNoQuarantine(set.latestQuarantine(), grant)
    requireNotHeld(set.holdsInForce(), { ...grant, touches: touchedLabels(input.plan) })
  }
  if (set.grants.has(grant.id)) throw conflict('There is a grant of this id already.', { grantId: grant.id })
  const limit = openGrantLimit(input)
  if (limit !== undefined) {
    checkOpenGrants(set.openCount(grant.subject), limit)
    set.noteOpenLimit(grant.subject, limit)
  }
  if (input.budgets) drawBudgets(set, grant, input.budgets)
  const waits = grant.state === 'awaiting_approval'
  if (input.token) useToken(set, input.token, { grantId: grant.id, leaseId: lease?.id, waits })
  set.keepPlan(input.plan, maxPlanBytes(grant.state))
  set.keepDecision(grant.decision)
  set.addGrant(grant)
  if (lease) addLease(set, lease)
  if (approval) set.approvals.put(grant.id, approval)
  if (input.reuse) {
    const used = usedApproval(set.approvals.get(input.reuse.grantId), input.reuse, grant)
    set.approvals.put(used.grantId, used)
    set.approvals.put(grant.id, restingApproval(used, input.reuse, grant))
  }
  set.append(input.events)
  return lease ? { kind: 'created', grant, lease } : { kind: 'created', grant }
}

function addLease(set: WorkingSet, lease: Lease): void {
  if (set.leases.has(lease.id)) throw conflict('There is a lease of this id already.', { leaseId: lease.id })
  set.addLease(lease)
}

/** See `LedgerWrites.intendLease`. */
export function intendLease(input: WriteInput<'intendLease'>): Unit<{ grant: Grant; lease: Lease }> {
  return {
    want(wanted) {
      wanted.quarantine = true
      wanted.holdsInForce = true
      wanted.grants.add(input.grantId)
      wanted.leases.add(input.lease.id)
      if (input.token) wantToken(wanted, input.token)
    },
    decide(set) {
      const before = requireGrantAt(set.grants.get(input.grantId), input.grantId, input.grantVersion)
      requireNoQuarantine(set.latestQuarantine(), before)
      requireNotHeld(set.holdsInForce(), { ...before, touches: input.touches, registered: input.registered })
      const { grant, lease } = intendedLease(before, input.lease, set.replica)
      if (input.token) useToken(set, input.token, { grantId: grant.id, leaseId: lease.id, waits: false })
      set.grants.put(grant.id, grant)
      addLease(set, lease)
      set.append(input.events)
      return { grant, lease }
    },
  }
}

/** See `LedgerWrites.settleLease`. */
export function settleLease(move: LeaseMove): Unit<Lease> {
  return {
    want: (wanted) => wanted.leases.add(move.leaseId),
    decide(set) {
      const lease = set.leases.get(move.leaseId)
      const settled = settledLease(lease, move)
      if (settled === lease) return settled
      set.leases.put(settled.id, settled)
      set.append(move.events)
      return settled
    },
  }
}

/** See `LedgerWrites.moveGrant`. */
export function moveGrant(move: GrantMove): Unit<Grant> {
  return {
    want(wanted) {
      wanted.grants.add(move.grantId)
      if (move.to.state === 'active' || move.vote?.verdict === 'approve') {
        wanted.quarantine = true
        wanted.holdsInForce = true
      }
      wantMove(wanted, move.grantId, move)
    },
    decide(set) {
      const grant = requireGrantAt(set.grants.get(move.grantId), move.grantId, move.expectedVersion)
      if (isApproving(grant, move)) {
        requireNoQuarantine(set.latestQuarantine(), grant)
        requireNotHeld(set.holdsInForce(), { ...grant, touches: move.touches, registered: move.registered })
      }
      return writeMove(set, grant, movedGrant(grant, move.to), move)
    },
  }
}

type Move = Omit<GrantMove, 'grantId' | 'expectedVersion'>

function wantMove(wanted: WantedRows, grantId: string, move: Move): void {
  if (move.endLeases) wanted.leasesOf.add(grantId)
  if (move.vote || move.approval) wanted.approvals.add(grantId)
  if (move.deny) wantDeny(wanted, grantId, move.deny)
}

/** Writes a grant as a move has left it, with the records that move with it. */
export function writeMove(set: WorkingSet, before: Grant, moved: Grant, move: Move): Grant {
  set.grants.put(moved.id, moved)
  set.count(moved.subject, before.state, moved.state)
  set.countForHolders(moved, before.state, moved.state)
  if (move.endLeases) set.endLeases(moved.id, move.endLeases)
  if (move.deny) putDeny(set, moved.id, move.deny)
  if (move.vote || move.approval) {
    set.approvals.put(moved.id, movedApproval(set.approvals.get(moved.id), moved.id, move))
  }
  set.append(move.events)
  if (isFinalState(moved.state)) set.reader.damaged.over(moved.id)
  return moved
}

/** See `LedgerWrites.appendReports`. */
export function appendReports({ grantId, maxReports, events }: WriteInput<'appendReports'>): Unit<void> {
  const type = events[0]?.type
  return {
    want(wanted) {
      wanted.grants.add(grantId)
      if (type !== undefined) wanted.reports.push([grantId, type])
    },
    decide(set) {
      const key = `${grantId} ${type}`
      // The state is all that is needed of it: a grant that is damaged otherwise can be reported on.
      const state = set.reader.orUndefined(() => set.grants.get(grantId))?.state ?? set.grants.findRow(grantId)?.state
      checkReports(grantId, state, { recorded: set.reports.get(key), more: events.length, max: maxReports })
      set.reports.add(key, events.length)
      set.append(events)
    },
  }
}
