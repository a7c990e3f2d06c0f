import { type ErrorDetails, StintError } from '../core/errors.ts'
import type { GrantMove, LeaseMove, LedgerWrites, NewLease, OpenGrant, TokenUse } from './ledger.ts'
import {
  type Approval,
  type DenyAgentWatermark,
  type DenyEntry,
  type DenyList,
  FINAL_STATES,
  type Grant,
  type GrantState,
  type Lease,
  type LeaseState,
  type UnregisteredAttempt,
} from './records.ts'

/*
 * Decisions that every store of the ledger makes alike. Each rule takes the records as they are and what is asked, and gives the
 * records as they are to be, or throws. No rule reads a clock or a store: a store reads, asks the rule, and writes, all in
 * one unit. Where a store narrows a query by an index, the rule has the last word over each row.
 */

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }
type Input<Method extends keyof LedgerWrites> = Parameters<LedgerWrites[Method]>[0]

// States

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
  { grant, plan, lease, approval }: OpenGrant,
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
  return approval ? { grant: opened, approval: { ...approval, version: 1 } } : { grant: opened }
}

/** How many open grants its agent may have with a new one; undefined when nothing has to be counted. */
export function openGrantLimit({ grant, maxOpen }: Pick<OpenGrant, 'grant' | 'maxOpen'>): number | undefined {
  return isFinalState(grant.state) ? undefined : maxOpen
}

/**
 * Counted where it is written: calls at the same time would else all find the same room.
 *
 * @throws {StintError} QUOTA_EXCEEDED with `details.open`.
 */
export function checkOpenGrants(open: number, limit: number): void {
  if (open < limit) return
  const explanation = `This agent has ${open} open grants and may have ${limit}; complete some first.`
  throw new StintError('QUOTA_EXCEEDED', { explanation, open })
}

/** Nothing acts on the plan of a denied grant, and its agent can make as many as it likes: longer ones keep their hash alone. */
export function maxPlanBytes(state: GrantState): number {
  return state === 'denied' ? 4_096 : Number.POSITIVE_INFINITY
}

/** Changes of the counters when a grant leaves one state and enters another; `undefined` for a grant that is not there. */
export function countChanges(
  from: GrantState | undefined,
  to: GrantState | undefined,
): { readonly states: readonly { readonly state: GrantState; readonly by: 1 | -1 }[]; readonly open: number } {
  if (from === to) return { states: [], open: 0 }
  const left = from === undefined ? [] : [{ state: from, by: -1 } as const]
  const entered = to === undefined ? [] : [{ state: to, by: 1 } as const]
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
  if (to.effectiveBy) moved.effectiveBy = to.effectiveBy
  if (to.endedAt) moved.endedAt = to.endedAt
  if (to.dueAt) moved.dueAt = to.dueAt
  else delete moved.dueAt
  return moved
}

/**
 * An approval is decided once; only the grant's own move decides it, so both change together or not at all.
 *
 * @throws {StintError} LEDGER_CONFLICT
 */
export function decidedApproval(
  approval: Approval | undefined,
  grantId: string,
  to: NonNullable<GrantMove['approval']>,
): Approval {
  if (approval?.state !== 'pending') throw conflict('The grant has no approval that is still pending.', { grantId })
  return { ...approval, ...withoutUndefined(to), version: approval.version + 1 }
}

function checkDue(grantId: string, state: GrantState, dueAt: Date | null | undefined): void {
  if (dueAt && isFinalState(state)) throw misuse('Nothing is due of a grant in a final state.', grantId)
}

// Sweeping

/** Whether the sweeper has to look at a grant. */
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

// Leases

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
  const number = grant.leaseCount + 1
  return {
    grant: { ...grant, leaseCount: number, version: grant.version + 1 },
    lease: newLease(grant, number, lease, replica),
  }
}

/** P7: no lease reaches beyond its grant's deadline, whatever the caller worked out. */
function newLease(grant: Grant, number: number, lease: NewLease, replica: string): Lease {
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
 * P2: whether nobody will put the outcome of a mint on record any more, so that the lease has to count as minted. Never one
 * that this process mints, nor one that another process may still mint.
 *
 * @param othersAreGone one process at a time uses the store, so every other one is of the past.
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

// Reports

/**
 * Whether a grant may have further reports of its agent.
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

// The deny list

/**
 * The entry of a grant after a wish to deny it.
 *
 * @throws {StintError} LEDGER_CONFLICT when it is on another deny list.
 */
export function wantedDenyEntry(
  entry: DenyEntry | undefined,
  grantId: string,
  wish: NonNullable<GrantMove['deny']>,
): DenyEntry {
  const { listKey, until, lastIssuedAt, namesAgent, chains, urgent } = wish
  if (!entry) return { grantId, ...wish }
  if (entry.listKey !== listKey) {
    const explanation = 'The grant is on another deny list already; it can leave that one only by its document.'
    throw conflict(explanation, { grantId })
  }
  // A lease issued later than known before may escape a watermark, so the document has to be written again.
  const escapes = lastIssuedAt > entry.lastIssuedAt || (entry.byWatermark && (!namesAgent || chains))
  const { namesAgent: _, ...kept } = escapes ? unwritten(entry) : entry
  return {
    ...kept,
    until: later(entry.until, until),
    lastIssuedAt: later(entry.lastIssuedAt, lastIssuedAt),
    ...(entry.namesAgent && namesAgent && { namesAgent }),
    ...(chains && { chains }),
    ...(urgent && { urgent }),
  }
}

/** A deny list with something to write from an instant on. */
export function dueDenyList(list: DenyList, at: Date): DenyList {
  return { ...list, nextAttemptAt: list.nextAttemptAt && list.nextAttemptAt < at ? list.nextAttemptAt : at }
}

/** A deny list that nobody has written to. */
export function newDenyList(key: string): DenyList {
  return { key, attempts: 0, claimVersion: 0 }
}

/** The remains of a damaged deny list: `undefined` is lost, `null` was never there. */
export interface ReadableDenyList {
  readonly key: string
  readonly claimVersion: number | undefined
  readonly watermark: Date | null | undefined
}

/**
 * P6: a damaged deny list is written anew at once rather than left aside, since its document is all that denies. A lost watermark
 * may have been any up to now: one of now denies more, and whom it cuts without need renews. A lost version is replaced by one
 * that no claim before can have had.
 */
export function mendedDenyList({ key, claimVersion, watermark }: ReadableDenyList, now: Date): DenyList {
  const lost = watermark === undefined
  const kept = lost ? new Date(Math.ceil(now.getTime() / 1_000) * 1_000) : watermark
  return {
    key,
    nextAttemptAt: now,
    attempts: 0,
    lastError: `Its row in the ledger was damaged and is written anew${lost ? '; the lost watermark is one of now' : ''}.`,
    ...(kept ? { watermark: kept } : {}),
    claimVersion: claimVersion ?? now.getTime(),
  }
}

/** Nothing is put off for longer: an instant farther ahead was written by a clock that has stepped back since. */
export const FARTHEST_MS = 120_000

/** Whether a deny list is due and in nobody's hands. */
export function isClaimable({ nextAttemptAt, claimedUntil }: DenyList, now: Date): boolean {
  return nextAttemptAt !== undefined && hasCome(nextAttemptAt, now) && (!claimedUntil || hasCome(claimedUntil, now))
}

function hasCome(at: Date, now: Date): boolean {
  return at <= now || at.getTime() > now.getTime() + FARTHEST_MS
}

export function claimedDenyList(
  list: DenyList,
  { owner, claimUntil }: Pick<Input<'claimDenyList'>, 'owner' | 'claimUntil'>,
): DenyList {
  return { ...list, claimedBy: owner, claimedUntil: claimUntil, claimVersion: list.claimVersion + 1 }
}

/** P6: an entry is in the document until its last session is over. */
export function isNeeded({ until }: DenyEntry, now: Date): boolean {
  return until > now
}

/** Stands in a document for an entry of which only the grant can be read. The entry itself stays until it is mended. */
export function damagedDenyEntry(grantId: string, listKey: string, now: Date): DenyEntry {
  return { grantId, listKey, wantedAt: now, until: new Date(now.getTime() + DAMAGED_ENTRY_MS), lastIssuedAt: now }
}

/** Longer than any session: the list is written again before that. */
const DAMAGED_ENTRY_MS = 24 * 3_600_000

/** The version fences off whoever had the claim before. @throws {StintError} LEDGER_CONFLICT */
export function requireClaim(
  list: DenyList | undefined,
  claim: { readonly listKey: string; readonly claimVersion: number },
): DenyList {
  if (list && list.claimVersion === claim.claimVersion && list.claimedBy !== undefined) return list
  throw conflict('The claim on this deny list was given back or taken over: claim it again.', {
    denyList: claim.listKey,
    claimVersion: list?.claimVersion ?? 0,
  })
}

/** The document is written: what becomes of one entry of its deny list. Undefined: it leaves the ledger. */
export function denyEntryAfterWrite(
  entry: DenyEntry,
  {
    listed,
    byWatermark,
    removed,
    at,
  }: {
    readonly listed: ReadonlySet<string>
    readonly byWatermark: ReadonlySet<string>
    readonly removed: ReadonlySet<string>
    readonly at: Date
  },
): DenyEntry | undefined {
  // P6: one that came to last longer while the document was written without it is written again instead.
  if (removed.has(entry.grantId)) return isNeeded(entry, at) ? unwritten(entry) : undefined
  if (!listed.has(entry.grantId)) return entry
  const covered = byWatermark.has(entry.grantId)
  if (entry.writtenAt && (entry.byWatermark ?? false) === covered) return entry
  const { byWatermark: _, ...kept } = entry
  return { ...kept, writtenAt: entry.writtenAt ?? at, ...(covered && { byWatermark: true }) }
}

type WrittenInput = Pick<Input<'denyWritten'>, 'at' | 'now' | 'watermark' | 'wrote' | 'nextAttemptAt'>

/** @param hasUnwritten an entry was wanted while the document was being written, and waits for the next one. */
export function writtenDenyList(
  list: DenyList,
  { at, now = at, watermark, wrote, nextAttemptAt }: WrittenInput,
  hasUnwritten: boolean,
): DenyList {
  const { lastError: _, failingSince: __, watermark: ___, nextAttemptAt: ____, ...kept } = unclaimed(list)
  const written: DenyList = {
    ...kept,
    attempts: 0,
    ...(wrote ? { lastWrittenAt: at, written: wrote } : {}),
    ...(watermark ? { watermark } : {}),
    ...(nextAttemptAt ? { nextAttemptAt } : {}),
  }
  return hasUnwritten ? dueDenyList(written, now) : written
}

/** The instant before which no session of an agent works under a list: the later of its own watermark and everybody's. */
export function watermarkOver(
  agent: string,
  { watermark }: DenyList,
  agents: readonly DenyAgentWatermark[],
): Date | undefined {
  const own = agents.find((one) => one.agent === agent)?.before
  return own && watermark ? later(own, watermark) : (own ?? watermark)
}

export function failedDenyList(
  list: DenyList,
  { error, at, nextAttemptAt }: Pick<Input<'denyFailed'>, 'error' | 'at' | 'nextAttemptAt'>,
): DenyList {
  const { failingSince = at } = list
  return { ...unclaimed(list), attempts: list.attempts + 1, lastError: error, failingSince, nextAttemptAt }
}

/** The deny is in force, as far as a document holds it. */
export function enforcedDenyEntry(entry: DenyEntry, at: Date): DenyEntry {
  return entry.writtenAt && !entry.enforcedAt ? { ...entry, enforcedAt: at } : entry
}

function unclaimed({ claimedBy: _, claimedUntil: __, ...list }: DenyList): DenyList {
  return list
}

function unwritten({ writtenAt: _, enforcedAt: __, byWatermark: ___, ...entry }: DenyEntry): DenyEntry {
  return entry
}

// Bearer tokens

/** How often a token may go from a connection that is gone to another one. */
export const MAX_TOKEN_MOVES = 8

/** The record of a token. */
export interface TokenBinding {
  readonly until: Date
  readonly moves: number
  /** The use that it was last bound for. */
  readonly grantId?: string
  readonly by?: TokenUse['by']
  /** The lease that it was last bound for, if that is still on record. */
  readonly lease?: Pick<Lease, 'state' | 'end' | 'outcomeUnknown'>
  /** Missing for a token that was bound before connections were on record. */
  readonly owner?: {
    readonly connectionId: string
    readonly replica: string
    readonly isClosed: boolean
    /** Its replica has not been heard of, so nobody would tell of the connection's end. */
    readonly isSilent: boolean
  }
}

/** The grant of a unit, and the lease that it intends, if any. */
export interface TokenPurpose {
  readonly grantId: string
  readonly leaseId: string | undefined
  /**
   * The grant waits for a person. Its token is bound to the connection that asked, though nothing is minted yet: whoever has
   * copied it must not collect what the yes was for. A token that mints once is not spent by it.
   */
  readonly waits: boolean
}

/** The effect of a use on the record of a token: nothing, bind it anew, name a new lease, or move it to this connection. */
export type TokenStep = 'none' | 'bind' | 'note_lease' | 'move'

/**
 * Whether a token may be used. It is bound where a lease is intended: both or neither, since it is one unit.
 *
 * @param replica this process.
 * @throws {StintError} TOKEN_REPLAYED with both sides by their ids; `details.check` is spent, connection or moves.
 */
export function tokenStep(
  binding: TokenBinding | undefined,
  use: TokenUse,
  purpose: TokenPurpose,
  replica: string,
): TokenStep {
  const { leaseId, waits } = purpose
  if (!binding || binding.until <= use.at) {
    return leaseId !== undefined || (waits && use.reuse === 'connection') ? 'bind' : 'none'
  }
  if (use.reuse === 'never') {
    checkComesBack(binding, use, purpose, replica)
    return leaseId === undefined ? 'none' : 'note_lease'
  }
  const { owner } = binding
  const isOurs = owner?.connectionId === use.connectionId && owner.replica === replica
  if (isOurs && !owner.isClosed) return 'none'
  if (owner && !owner.isClosed && !owner.isSilent) throw tokenReplayed('connection', use, binding, replica)
  if (binding.moves >= MAX_TOKEN_MOVES) throw tokenReplayed('moves', use, binding, replica)
  return leaseId !== undefined || waits ? 'move' : 'none'
}

/** Once per token; but whoever comes back for the same grant, or has got nothing for it yet, is no thief. */
function checkComesBack(binding: TokenBinding, use: TokenUse, { grantId }: TokenPurpose, replica: string): void {
  const gotNothing = binding.by === 'renewal' && !mayBeRevealed(binding.lease)
  if (binding.grantId === grantId && (use.by === 'request' || gotNothing)) return
  throw tokenReplayed('spent', use, binding, replica)
}

/** Whether the credentials of a lease may have left the process, or may yet. */
function mayBeRevealed(lease: TokenBinding['lease']): boolean {
  if (!lease) return true
  return lease.state === 'intended' ? !lease.outcomeUnknown : lease.end !== 'not_minted'
}

/** @throws {StintError} CANCELLED: nothing is bound to a connection that is gone. */
export function checkConnectionOpen(isClosed: boolean): void {
  if (isClosed) throw new StintError('CANCELLED', { explanation: "The call's connection has closed." })
}

const REPLAY_EXPLANATIONS = {
  spent: 'A bearer token mints once here (identity.tokens.reuse: never); fetch a fresh one for each call that mints.',
  connection:
    'Another connection, which is open, mints with this bearer token; close that one, or fetch a token of your own.',
  moves: `The bearer token has gone from one connection to another ${MAX_TOKEN_MOVES} times; fetch a fresh one.`,
} as const

/** The refusal of a token that somebody else holds or has spent. */
export function tokenReplayed(
  check: keyof typeof REPLAY_EXPLANATIONS,
  { connectionId }: TokenUse,
  { owner, grantId }: TokenBinding,
  replica: string,
): StintError {
  return new StintError('TOKEN_REPLAYED', {
    check,
    explanation: REPLAY_EXPLANATIONS[check],
    connectionId,
    replica,
    ...(owner ? { ownerConnectionId: owner.connectionId, ownerReplica: owner.replica } : {}),
    ...(check === 'spent' && grantId !== undefined ? { grantId } : {}),
  })
}

// Identities without a registration

/** The record of an identity after one more attempt. */
export function notedAttempt(
  known: UnregisteredAttempt | undefined,
  { subject, trustDomain, authMethod, reason, at }: Input<'noteUnregistered'>,
): UnregisteredAttempt {
  return {
    subject,
    trustDomain,
    authMethod,
    reason,
    firstSeenAt: known?.firstSeenAt ?? at,
    lastSeenAt: known ? later(known.lastSeenAt, at) : at,
    count: (known?.count ?? 0) + 1,
  }
}

// Retention

/** Facts that decide whether a grant may be forgotten. */
export interface PruneFacts extends Pick<Grant, 'state' | 'requestedAt' | 'endedAt'> {
  /** A deny document may still hold it. */
  readonly isOnDenyList: boolean
  /** The latest `notAfter` of its leases that are not ended. */
  readonly openUntil?: Date
}

/** A grant goes by retention only, and never while a lease of it could live or a document could name it. */
export function mayPrune(facts: PruneFacts, { before, now }: Pick<Input<'prune'>, 'before' | 'now'>): boolean {
  if (!isFinalState(facts.state) || facts.isOnDenyList) return false
  if (facts.openUntil && facts.openUntil > now) return false
  return (facts.endedAt ?? facts.requestedAt) < before
}

// Helpers

function later(a: Date, b: Date): Date {
  return a > b ? a : b
}

function withoutUndefined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T
}

function conflict(explanation: string, details: ErrorDetails): StintError {
  return new StintError('LEDGER_CONFLICT', { explanation, ...details })
}

/** A mistake of our own code, refused before it can be recorded. */
function misuse(explanation: string, grantId: string): StintError {
  return new StintError('INTERNAL', { explanation, grantId })
}
