import type { Json } from '../../core/canonical-json.ts'
import type { AuditEventInput } from '../events/audit-event.ts'
import type { Page, PageRequest } from '../pages.ts'
import type { DenyEntry, Grant, Lease } from '../records.ts'
import type { HeldDenies, Hold, HoldKind, HoldLift } from './hold-records.ts'

/** A hold as the caller gives it. */
export type NewHold = Omit<Hold, 'lifted' | 'claimedBy' | 'claimedUntil' | 'version'>

/** The writes of holds. */
export interface HoldWrites {
  /**
   * Puts a hold in force: no unit that is committed after it opens a grant, approves one or intends a lease in its scope, on any
   * replica. If one of the same kind and scope is in force already, that one stays and nothing is written.
   */
  putHold(input: {
    hold: NewHold
    events: readonly AuditEventInput[]
  }): Promise<{ readonly kind: 'created' | 'existing'; readonly hold: Hold }>
  /**
   * Ends a hold. Grants that it ended stay ended.
   *
   * @throws {StintError} HOLD_NOT_FOUND, HOLD_LIFTED; HOLD_OF_SAME_PERSON when whoever set it lifts it, unless `lift.alone`
   */
  liftHold(input: { id: string; lift: HoldLift; events: readonly AuditEventInput[] }): Promise<Hold>
  /** Notes how far the work of a hold has come, and who does it until when. @throws {StintError} LEDGER_CONFLICT */
  noteHold(input: {
    id: string
    expectedVersion: number
    claim?: { readonly by: string; readonly until: Date }
    isRunning: boolean
    progress?: Json
    events: readonly AuditEventInput[]
  }): Promise<Hold>
}

/** The reads of holds, and those that the work of a hold needs. */
export interface HoldReads {
  /**
   * The holds in force, as of the latest commit. @throws {StintError} LEDGER_CORRUPT where one of them cannot be read, so that nothing is
   * given out
   */
  holdsInForce(): Promise<readonly Hold[]>
  getHold(id: string): Promise<Hold | undefined>
  /** Newest first. */
  listHolds(filter: HoldFilter, page: PageRequest): Promise<Page<Hold>>
  /** Those with work left, whether or not they are lifted; the oldest first. */
  runningHolds(): Promise<Hold[]>
  /** The deny entries that a hold has put on the lists. */
  heldDenies(holdId: string): Promise<HeldDenies>
  /** Open grants in one state, newest first, at most 500 at a time; `damaged` has the ids of those that cannot be read. */
  openGrants(input: {
    state: OpenGrantState
    filter?: OpenGrantFilter
    limit: number
    cursor?: string
  }): Promise<{ readonly grants: readonly Grant[]; readonly damaged: readonly string[]; readonly nextCursor?: string }>
  /** The entries of a deny list that can be read. */
  denyEntries(listKey: string): Promise<readonly DenyEntry[]>
  getLease(id: string): Promise<Lease | undefined>
}

/** The states of a grant that is not over. */
export type OpenGrantState = 'awaiting_approval' | 'active' | 'ending'

/** All that are given must hold; each is exact. */
export type OpenGrantFilter = Partial<Pick<Grant, 'subject' | 'owner' | 'roleArn'>>

/** All that are given must hold. */
export interface HoldFilter {
  readonly kind?: HoldKind
  /** True: those that nobody has lifted. */
  readonly inForce?: boolean
}
