import type { AuthMethod, CallerIdentity } from '../identity/caller-identity.ts'
import type { Plan } from '../plan/plan.ts'
import type { ApproverReads } from './approvals/approver-reads.ts'
import type { ReuseReads } from './approvals/reuse-reads.ts'
import type { ApprovalVoid, Vote } from './approvals/vote.ts'
import type { ChainHead } from './audit/sealed-event.ts'
import type { BudgetReads, BudgetRequest } from './budgets/budget-records.ts'
import type { AuditEventInput } from './events/audit-event.ts'
import type { HoldReads, HoldWrites } from './holds/hold-ledger.ts'
import type { Registered } from './holds/hold-records.ts'
import type { NoticeReads, NoticeWrites } from './notices/notice-records.ts'
import type { Page, PageRequest } from './pages.ts'
import type {
  Approval,
  ApprovalState,
  AuditEvent,
  DenyAgentWatermark,
  DenyDocumentRecord,
  DenyEntry,
  DenyList,
  EndReason,
  Grant,
  GrantState,
  Lease,
  LeaseEnd,
  LedgerIdentity,
  Quarantine,
  QuarantineCut,
  QuarantineOpening,
  UnregisteredAttempt,
} from './records.ts'
import type { RegistrationReads, RegistrationWrites } from './registrations/registration-ledger.ts'
import type { ReuseWish } from './rules/reuse-rules.ts'
import type { LedgerSharing } from './sharing.ts'

export type { Page, PageRequest } from './pages.ts'

/**
 * The durable record of what happened. Every write is one atomic unit with its audit events and resolves only after it would survive
 * a power cut; concurrent writes share a commit. After a failed sync every write rejects with LEDGER_UNAVAILABLE until
 * the process is started again.
 *
 * @throws {StintError} LEDGER_UNAVAILABLE (not durable, assume nothing), LEDGER_CONFLICT (the row is at another version).
 */
export interface Ledger extends LedgerWrites, LedgerReads {
  /** The ledger's id and the number of this opening. */
  readonly identity: LedgerIdentity
  /**
   * False while another replica might soon take over what this one has claimed, since nothing has been committed for a while, e.g.
   * after a pause of the process. Nothing is sent to the cloud on a claim then. For a store that one process uses: false when its
   * writer has failed or does not answer.
   */
  isLive(): boolean
  /** Missing for a ledger that one process has for itself. */
  readonly sharing?: LedgerSharing
  /** Ends this process's chain, waits for work in hand, then lets go of the file. */
  close(): Promise<void>
}

/** The argument of a write. */
export type WriteInput<Method extends keyof LedgerWrites> = Parameters<LedgerWrites[Method]>[0]

/** The writes; each resolves when it is durable. */
export interface LedgerWrites extends HoldWrites, NoticeWrites, RegistrationWrites {
  /**
   * Records a new grant, or finds the one that has the same subject and idempotency key.
   *
   * @throws {StintError} QUOTA_EXCEEDED with `details.open` when a new one would be over `maxOpen`; BUDGET_EXCEEDED; TOKEN_REPLAYED;
   *   LEDGER_QUARANTINED, as `intendLease`, and `moveGrant` to `active`; so with KILLED and the other errors of a hold.
   */
  openGrant(
    input: OpenGrant,
  ): Promise<{ kind: 'created'; grant: Grant; lease?: Lease } | { kind: 'existing'; grant: Grant }>
  /**
   * Adds an `intended` lease to an active grant; `leaseCount` and `version` of the grant go up by one, and `leaseCount` is its number.
   * The first lease of an approved grant sets its deadline.
   *
   * @throws {StintError} TOKEN_REPLAYED
   */
  intendLease(input: {
    grantId: string
    grantVersion: number
    lease: NewLease
    /** Labels that the plan touches, for holds of a label; missing: it may touch any. */
    touches?: readonly string[]
    /** How the agent is registered now, for holds. */
    registered?: Registered
    token?: TokenUse
    events: readonly AuditEventInput[]
  }): Promise<{ grant: Grant; lease: Lease }>
  /** Moves an `intended` or `issued` lease on. Moving a lease to where it is already is a no-op without events. */
  settleLease(input: LeaseMove): Promise<Lease>
  /** Changes a grant and the records that belong to it in one unit. */
  moveGrant(input: GrantMove): Promise<Grant>
  /** Events that change no row: refusals, operator reads, reloads. */
  appendEvents(events: readonly AuditEventInput[]): Promise<void>
  /** Names the ends of other chains that no chain names yet, so that cutting them short shows; writes nothing without such. */
  nameHeads(input: { at: Date }): Promise<void>
  /** Counts an attempt of an identity that no registration covers, with its event; at most `maxUnregistered` identities are kept, the oldest gives way. */
  noteUnregistered(attempt: {
    subject: string
    trustDomain: string
    authMethod: AuthMethod
    reason: UnregisteredAttempt['reason']
    at: Date
    event: AuditEventInput
  }): Promise<void>
  /**
   * Puts what an agent says of its own doing on the trail of a grant that is active or ending; all events are of one type.
   *
   * @param input.maxReports events of the type of these that the grant may have in all.
   * @throws {StintError} GRANT_NOT_ACTIVE in any other state; QUOTA_EXCEEDED beyond the total, then none of them is kept.
   */
  appendReports(input: { grantId: string; maxReports: number; events: readonly AuditEventInput[] }): Promise<void>
  /** A connection that tokens were bound to is gone: from now on another one may take them over. */
  connectionClosed(input: { connectionId: string; at: Date }): Promise<void>
  /**
   * Hands up to `limit` grants with `dueAt <= now`, the longest due first, to `settle` and applies all moves in one unit.
   * `settle` is pure and must move `dueAt` on or end the grant. A move that ends leases as `cut` puts the deny of the
   * grant on record as enforced. A grant that cannot be read, settled or moved does not hold up the others: it is due
   * again a minute later, and reported as a damaged row.
   *
   * @returns the grants as they are now, so that watchers can be told.
   */
  sweepGrants(input: {
    now: Date
    limit: number
    settle(due: DueGrant): Omit<GrantMove, 'grantId' | 'expectedVersion'>
  }): Promise<Grant[]>
  /**
   * Takes the deny list that has waited longest, until a deadline; undefined when nothing is due. A list with an entry that was
   * never written comes before one that is only to be looked at, of which there may be thousands. One that cannot be read
   * is mended: see `mendedDenyList`.
   */
  claimDenyList(input: {
    owner: string
    now: Date
    claimUntil: Date
    /** Keys of lists that this process is still working on. */
    except?: ReadonlySet<string>
  }): Promise<ClaimedDenyList | undefined>
  /** The document is written: it denies these grants, by name or by a watermark. The claim is given back. */
  denyWritten(input: {
    listKey: string
    claimVersion: number
    grantIds: readonly string[]
    /** Those of `grantIds` that only a watermark denies. */
    byWatermark?: readonly string[]
    /** All watermarks of agents that the document has now. */
    agents?: readonly DenyAgentWatermark[]
    removedGrantIds: readonly string[]
    /**
     * The others were found in place: those that have been written since then are enforced, since their time to settle has
     * passed, and those that are ending are due now.
     */
    settledBy?: Date
    /** Not found in place: whatever held them before does not count as written, and their time to settle begins again. */
    anewGrantIds?: readonly string[]
    watermark?: Date
    /** The cut of a quarantine that the list has from now on. */
    cut?: QuarantineCut
    /** The write of the first document; missing: it was as wanted already, or could not be written. */
    wrote?: { readonly digest: string; readonly sequence: number }
    /** The documents of a list that has several, each as it is now. */
    documents?: readonly DenyDocumentRecord[]
    /** When the document was written, by the cloud's clock if its answer said so. */
    at: Date
    /** The broker's clock; default `at`. */
    now?: Date
    nextAttemptAt?: Date
    events: readonly AuditEventInput[]
  }): Promise<void>
  /**
   * The document is in force as it was written at `writtenBy`. Of these grants, those that it has held since then are enforced,
   * and those that are ending are due now. The list is due too if it came to hold others since.
   */
  denyProven(input: {
    listKey: string
    grantIds: readonly string[]
    writtenBy: Date
    at: Date
    /** Ours: from then on the grants are due. */
    now: Date
    events: readonly AuditEventInput[]
  }): Promise<void>
  /** The write failed: the claim is given back, to be tried again at `nextAttemptAt`. */
  denyFailed(input: {
    listKey: string
    claimVersion: number
    error: string
    at: Date
    nextAttemptAt: Date
    /** No write was sent under the claim, which gives its number back: see `DenyMark`. */
    unsent?: boolean
    events: readonly AuditEventInput[]
  }): Promise<void>
  /** Makes deny lists due; one that is not there yet is made. */
  dueDenyLists(input: { keys: readonly string[]; at: Date }): Promise<void>
  /**
   * Quarantines the ledger: from now on no grant is opened, approved or given a lease, but for the broker's own. While a quarantine
   * is in force another one changes nothing and leaves no event, unless it supersedes that one.
   */
  beginQuarantine(input: {
    quarantine: Omit<Quarantine, 'number' | 'opened'>
    /** The time of the last event of a restored ledger. */
    lastEventAt?: Date
    /** Also if one is in force: its cut does not cover what was given out since. */
    supersedes?: boolean
  }): Promise<Quarantine>
  /** Opens the ledger again. @throws {StintError} LEDGER_NOT_QUARANTINED, LEDGER_CONFLICT when another one is in force by now. */
  openQuarantine(input: {
    number: number
    opening: QuarantineOpening
    events: readonly AuditEventInput[]
  }): Promise<Quarantine>
  /** Forgets what retention allows: final grants ended before `before` with leases, approvals and unused plans, and used-up replay keys. Audit events stay. */
  prune(input: { before: Date; now: Date; limit: number }): Promise<{ grants: number; tokens: number }>
}

/**
 * The reads; each sees whole commits only. A row that cannot be read is an error where it was asked for, and is left out of
 * lists over many grants, so that it hides none of the others.
 *
 * @throws {StintError} LEDGER_UNAVAILABLE once closed; LEDGER_CORRUPT with `details.row` and `details.id`.
 */
export interface LedgerReads extends ApproverReads, BudgetReads, HoldReads, NoticeReads, RegistrationReads, ReuseReads {
  getGrant(id: string): Promise<Grant | undefined>
  findGrantByKey(subject: string, idempotencyKey: string): Promise<Grant | undefined>
  /** Newest first. */
  listGrants(filter: GrantFilter, page: PageRequest): Promise<Page<Grant>>
  /** Undefined, too, for a plan over 4 KiB that only denied grants have: the ledger keeps its hash alone. */
  getPlan(hash: string): Promise<Plan | undefined>
  /** By number. */
  listLeases(grantId: string): Promise<Lease[]>
  getApproval(id: string): Promise<Approval | undefined>
  findApproval(grantId: string): Promise<Approval | undefined>
  /** Newest first. */
  listApprovals(filter: { state?: ApprovalState }, page: PageRequest): Promise<Page<Approval>>
  findDenyEntry(grantId: string): Promise<DenyEntry | undefined>
  /** By its key. */
  getDenyList(key: string): Promise<DenyList | undefined>
  /** The later of the watermarks that a list has over an agent: its own, and that over everybody. */
  denyWatermark(listKey: string, agent: string): Promise<Date | undefined>
  /** True for the number of an opening of this ledger that is on record, also of one that began after this process. */
  knowsEpoch(epoch: number): Promise<boolean>
  /** The latest quarantine; it is in force unless it was opened. */
  quarantine(): Promise<Quarantine | undefined>
  /** Every deny list, those that fail first. */
  listDenyLists(): Promise<DenyList[]>
  /** Most recent first. */
  listUnregistered(page: PageRequest): Promise<Page<UnregisteredAttempt>>
  /** Events of one grant in order. */
  trail(grantId: string): Promise<AuditEvent[]>
  /** Events after a position in order, at most `limit`. An event that is committed later never gets an earlier position. */
  auditEvents(input: { afterPosition: number; limit: number }): Promise<AuditEvent[]>
  /** The last position, and the heads of the chains whose end no other chain names, in the order in which they began. */
  auditHeads(): Promise<{ readonly position: number; readonly heads: readonly ChainHead[] }>
  /** From counters; only the withdrawn, which are few, are counted by their index. */
  countGrants(): Promise<Record<GrantState, number>>
  /** Grants of one subject in `awaiting_approval`, `active` or `ending`; from a counter. */
  countOpenGrants(subject: string): Promise<number>
  /** For recovery: leases whose mint nobody will put on record any more, see `isAbandoned`; the oldest first. */
  abandonedLeases(input: { now: Date; limit: number }): Promise<Lease[]>
}

/** A new grant with all that begins with it, in one unit. */
export interface OpenGrant {
  readonly grant: Omit<Grant, 'version' | 'leaseCount'>
  readonly plan: Plan
  /** With an `active` grant: its first lease, intended in the same unit. */
  readonly lease?: NewLease
  /** Checked in the same unit; bound when there is a lease. */
  readonly token?: TokenUse
  /** With an `awaiting_approval` grant. */
  readonly approval?: Omit<Approval, 'version' | 'votes'>
  /** With an `active` grant: it rests on an earlier approval, which is used in the same unit and copied for it. */
  readonly reuse?: ReuseWish
  /** How many open grants its agent may have with it, counted in the same unit; no limit unless given. */
  readonly maxOpen?: number
  /** Counted in the same unit. */
  readonly budgets?: BudgetRequest
  readonly events: readonly AuditEventInput[]
}

/**
 * A bearer token that a call rests on. It is bound in the unit that intends a lease, so it is spent exactly when a lease is
 * intended.
 */
export interface TokenUse {
  /** Names the token, the same for every spelling of it. */
  readonly key: string
  /** Until when it has to be remembered. */
  readonly until: Date
  /**
   * `connection`: it mints by the connection that it was bound by, as often as wanted; when that has closed or its replica
   * is silent, one other connection may take it over, at most 8 times. `never`: once, but a repeated request of the same
   * grant may come back with it, and so may a renewal of which nobody has got credentials.
   */
  readonly reuse: 'connection' | 'never'
  /** A repeated RequestGrant, which shows the idempotency key and the task, or a RenewLease. */
  readonly by: 'request' | 'renewal'
  /** By which the call came. */
  readonly connectionId: string
  readonly at: Date
  /** The caller, for the event of a move to the connection of this call. */
  readonly caller: Pick<CallerIdentity, 'subject' | 'evidence'>
}

/** A lease as the caller gives it; its number follows from its grant, its replica is the process of the ledger. */
export type NewLease = Pick<Lease, 'id' | 'sessionName' | 'notAfter' | 'intendedAt'> & { readonly mintUntil: Date }

/** Where a lease goes and what that leaves on record. */
export type LeaseMove = {
  readonly leaseId: string
  readonly events: readonly AuditEventInput[]
} & (
  | { readonly to: 'issued'; readonly accessKeyId: string; readonly issuedAt: Date }
  | { readonly to: 'unknown' }
  | { readonly to: 'ended'; readonly end: LeaseEnd; readonly endedAt: Date }
)

/** Where a grant goes, and what changes with it in the same unit. */
export interface GrantMove {
  readonly grantId: string
  /** The version that the caller looked at when it decided. */
  readonly expectedVersion: number
  readonly to: {
    readonly state: GrantState
    readonly reason?: EndReason
    readonly activeAt?: Date
    readonly deadline?: Date
    /** With `taskMs`, instead of a deadline: the agent has to collect the grant. */
    readonly claimBy?: Date
    readonly taskMs?: number
    readonly effectiveBy?: Date
    readonly endedAt?: Date
    /** `null`: nothing is due any more. */
    readonly dueAt: Date | null
  }
  /** All leases of the grant that are not ended become so. */
  readonly endLeases?: { readonly end: LeaseEnd; readonly endedAt: Date }
  /** Puts the grant on a deny list, and makes that list due now. */
  readonly deny?: Pick<
    DenyEntry,
    'listKey' | 'wantedAt' | 'until' | 'lastIssuedAt' | 'namesAgent' | 'chains' | 'urgent' | 'holdId'
  >
  /** With a move to `active`: labels that the plan touches, for holds of a label; missing: it may touch any. */
  readonly touches?: readonly string[]
  /** With a move to `active`: how the agent is registered now, for holds. */
  readonly registered?: Registered
  /** Adds a vote to the approval of the grant, or takes the place of the same person's vote. */
  readonly vote?: Vote
  /** Ends the approval of the grant. `approved` takes as many votes as it needs, this one included. */
  readonly approval?: {
    readonly state: Exclude<ApprovalState, 'pending'>
    readonly decidedBy?: string
    readonly decidedAt: Date
    readonly note?: string
    readonly voided?: ApprovalVoid
  }
  readonly events: readonly AuditEventInput[]
}

/** A grant that is due, with every record that its next move depends on. */
export interface DueGrant {
  readonly grant: Grant
  /** Missing when its row is damaged. */
  readonly plan?: Plan
  /** Leases that are not ended. */
  readonly openLeases: readonly Lease[]
  readonly deny?: DenyEntry
  readonly approval?: Approval
}

/** A deny list that this process may write until its claim ends. */
export interface ClaimedDenyList {
  readonly list: DenyList
  /** The watermarks of agents in the document, as recorded with its last write. */
  readonly agents: readonly DenyAgentWatermark[]
  /** All entries, and stand-ins for those of which only the grant can be read. By wantedAt. `isNeeded` says which may go. */
  readonly entries: readonly DenyEntry[]
}

/** All that are given must hold; `requestedAfter` and `requestedBefore` are not included. */
export interface GrantFilter {
  readonly subject?: string
  readonly owner?: string
  readonly state?: GrantState
  readonly roleArn?: string
  readonly requestedAfter?: Date
  readonly requestedBefore?: Date
}
