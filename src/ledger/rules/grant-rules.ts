import { StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { GrantMove, OpenGrant } from '../ledger.ts'
import { type Approval, FINAL_STATES, type Grant, type GrantState, type Lease } from '../records.ts'
import { toStoredState } from '../stored-states.ts'
import { newLease } from './lease-rules.ts'
import { conflict, misuse } from './rule-errors.ts'

/*
 * Decisions that every store of the ledger makes alike, one file of this folder for each kind of record. A rule takes the
 * records as they are and the change that is asked for, and returns the records as they become, or throws. No rule reads a
 * clock or a store: a store reads, asks the rule, and writes, all in one unit. Where a store narrows a query by an index, the
 * rule has the last word over each row.
 */

// States

/** Where a grant may go from each state. A state that is not final may be "moved" to itself, e.g. to change `dueAt`. */
export const GRANT_TRANSITIONS: Readonly<Record<GrantState, readonly GrantState[]>> = {
  denied: [],
  awaiting_approval: ['awaiting_approval', 'rejected', 'withdrawn', 'approval_expired', 'active'],
  rejected: [],
  withdrawn: [],
  approval_expired: [],
  active: ['active', 'ending', 'ended'],
  ending: ['ending', 'ended'],
  ended: [],
}

/** States that a grant may be opened in. */
export const OPENING_STATES: readonly GrantState[] = ['denied', 'awaiting_approval', 'active']

/** True for a state that a grant never leaves. */
export function isFinalState(state: GrantState): boolean {
  return (FINAL_STATES as readonly GrantState[]).includes(state)
}

/**
 * Refuses a move that the state machine does not have.
 *
 * @throws {StintError} LEDGER_CONFLICT with `grantId`, `from` and `to`.
 */
function checkGrantMove(grantId: string, from: GrantState, to: GrantState): void {
  if (GRANT_TRANSITIONS[from].includes(to)) return
  const allowed = GRANT_TRANSITIONS[from].join(', ') || 'nothing: the state is final'
  const explanation = `The grant is ${from} and cannot become ${to}; from ${from} it may become ${allowed}.`
  throw conflict(explanation, { grantId, from, to })
}

// Opening a grant

/**
 * The records of a new grant.
 *
 * @param replica this process, which mints its lease.
 * @throws {StintError} INTERNAL for what our own code must not ask for.
 */
export function openedGrant(
  { grant, plan, lease, approval }: Pick<OpenGrant, 'grant' | 'lease' | 'approval'> & { plan: Pick<Plan, 'hash'> },
  replica: string,
): {
  readonly grant: Grant
  readonly lease?: Lease
  readonly approval?: Approval
} {
  if (!OPENING_STATES.includes(grant.state)) throw misuse(`A grant cannot be opened as ${grant.state}.`, grant.id)
  if (lease && grant.state !== 'active') throw misuse('Only an active grant is opened with a lease.', grant.id)
  if ((approval !== undefined) !== (grant.state === 'awaiting_approval')) {
    throw misuse('A grant is opened with an approval exactly when it awaits one.', grant.id)
  }
  if (plan.hash !== grant.planHash) throw misuse('The plan is not the one that the grant names.', grant.id)
  checkDue(grant.id, grant.state, grant.dueAt)
  const opened: Grant = { ...withoutUndefined(grant), leaseCount: lease ? 1 : 0, version: 1 }
  if (lease) return { grant: opened, lease: newLease(opened, 1, lease, replica) }
  return approval ? { grant: opened, approval: { ...approval, votes: [], version: 1 } } : { grant: opened }
}

/** The most open grants that its agent may have with a new one; undefined when nothing has to be counted. */
export function openGrantLimit({ grant, maxOpen }: Pick<OpenGrant, 'grant' | 'maxOpen'>): number | undefined {
  return isFinalState(grant.state) ? undefined : maxOpen
}

/**
 * Refuses a grant too many. The store counts in the unit that writes, since concurrent calls would all find the same room.
 *
 * @throws {StintError} QUOTA_EXCEEDED with `details.open`.
 */
export function checkOpenGrants(open: number, limit: number): void {
  if (open < limit) return
  const explanation = `This agent has ${open} open grants and may have ${limit}; complete some first.`
  throw new StintError('QUOTA_EXCEEDED', { explanation, open })
}

/** Longer plans are stored by their hash alone. Nothing acts on the plan of a denied grant, and an agent can make any number. */
export function maxPlanBytes(state: GrantState): number {
  return state === 'denied' ? 4_096 : Number.POSITIVE_INFINITY
}

/**
 * Changes of the counters when a grant leaves one state and enters another; `undefined` for a grant that is not there. Counters are
 * kept by the state as stored, so that a broker of the version before, which knows no other, keeps the same ones.
 */
export function countChanges(
  from: GrantState | undefined,
  to: GrantState | undefined,
): { readonly states: readonly { readonly state: GrantState; readonly by: 1 | -1 }[]; readonly open: number } {
  if (from === to) return { states: [], open: 0 }
  const left = from === undefined ? [] : [{ state: toStoredState(from), by: -1 } as const]
  const entered = to === undefined ? [] : [{ state: toStoredState(to), by: 1 } as const]
  return { states: [...left, ...entered], open: Number(isOpen(to)) - Number(isOpen(from)) }
}

function isOpen(state: GrantState | undefined): boolean {
  return state !== undefined && !isFinalState(state)
}

// Moving a grant

/** @throws {StintError} LEDGER_CONFLICT when there is no such grant, or it has changed since the caller looked. */
export function requireGrantAt(grant: Grant | undefined, grantId: string, version: number): Grant {
  if (!grant) throw conflict('There is no such grant.', { grantId })
  if (grant.version === version) return grant
  const explanation = `The grant is at version ${grant.version}, not ${version}: read it again and repeat the decision.`
  throw conflict(explanation, { grantId, version: grant.version, state: grant.state })
}

/** The grant after a move; what the move does not name stays, except what was due. @throws {StintError} LEDGER_CONFLICT, INTERNAL */
export function movedGrant(grant: Grant, to: GrantMove['to']): Grant {
  checkGrantMove(grant.id, grant.state, to.state)
  checkDue(grant.id, to.state, to.dueAt)
  const moved: Mutable<Grant> = { ...grant, state: to.state, version: grant.version + 1 }
  if (to.reason) moved.reason = to.reason
  if (to.activeAt) moved.activeAt = to.activeAt
  if (to.deadline) moved.deadline = to.deadline
  if (to.claimBy) moved.claimBy = to.claimBy
  if (to.taskMs !== undefined) moved.taskMs = to.taskMs
  if (to.effectiveBy) moved.effectiveBy = to.effectiveBy
  if (to.endedAt) moved.endedAt = to.endedAt
  if (to.dueAt) moved.dueAt = to.dueAt
  else delete moved.dueAt
  return moved
}

function checkDue(grantId: string, state: GrantState, dueAt: Date | null | undefined): void {
  if (dueAt && isFinalState(state)) throw misuse('A grant in a final state cannot be due.', grantId)
}

// Sweeping

/** True if the sweeper must handle a grant. */
export function isDue({ dueAt }: Pick<Grant, 'dueAt'>, now: Date): boolean {
  return dueAt !== undefined && dueAt <= now
}

/** A grant that stays due would be swept again at once, for ever. @throws {StintError} INTERNAL, LEDGER_CONFLICT */
export function sweptGrant(grant: Grant, to: GrantMove['to'], now: Date): Grant {
  const moved = movedGrant(grant, to)
  if (isDue(moved, now)) throw misuse('A swept grant must not stay due.', grant.id)
  return moved
}

/** When a row that could not be read or moved on is tried again, so that it neither holds up the others nor is forgotten. */
export function setAsideUntil(now: Date): Date {
  return new Date(now.getTime() + SET_ASIDE_MS)
}

const SET_ASIDE_MS = 60_000

// Reports

/**
 * Checks that a grant may have further reports of its agent.
 *
 * @throws {StintError} GRANT_NOT_ACTIVE, QUOTA_EXCEEDED
 */
export function checkReports(
  grantId: string,
  state: GrantState | undefined,
  { recorded, more, max }: { readonly recorded: number; readonly more: number; readonly max: number },
): void {
  if (state !== 'active' && state !== 'ending') {
    const explanation = `Grant ${grantId} is ${state ?? 'not there'}; reports are taken while it is active or ending.`
    throw new StintError('GRANT_NOT_ACTIVE', { grantId, explanation, ...(state && { state }) })
  }
  if (recorded + more <= max) return
  const explanation = `Grant ${grantId} has ${recorded} reports and may have ${max}; report larger steps.`
  throw new StintError('QUOTA_EXCEEDED', { grantId, explanation })
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

function withoutUndefined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T
}
