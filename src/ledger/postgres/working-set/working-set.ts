import type { Correlation } from '../../../core/correlation.ts'
import type { Plan } from '../../../plan/plan.ts'
import type { Decision } from '../../../policy/decision.ts'
import type { ChainHead } from '../../audit/sealed-event.ts'
import type { BudgetHolder, BudgetMeter, HolderCounts } from '../../budgets/budget-records.ts'
import { type BudgetMeterRow, toBudgetMeter } from '../../budgets/budget-row.ts'
import type { AuditEventInput } from '../../events/audit-event.ts'
import type { Hold } from '../../holds/hold-records.ts'
import type { HoldRow } from '../../holds/hold-row.ts'
import type { QuarantineRow } from '../../quarantine-row.ts'
import type {
  Approval,
  DenyAgentWatermark,
  DenyEntry,
  DenyList,
  Grant,
  GrantState,
  Lease,
  LeaseEnd,
  Quarantine,
  UnregisteredAttempt,
} from '../../records.ts'
import { countChanges } from '../../rules/grant-rules.ts'
import type { HolderCountRow } from '../budgets/budget-rows.ts'
import type { Rows } from '../database/statement.ts'
import type { ApprovalRow } from '../rows/approval-rows.ts'
import type { DenyEntryRow, DenyListRow } from '../rows/deny-rows.ts'
import { hashDecision, toDecisionText } from '../rows/documents.ts'
import type { GrantRow } from '../rows/grant-rows.ts'
import type { HoldInForceRow } from '../rows/hold-rows.ts'
import type { ConnectionRow, TokenRow, UnregisteredRow } from '../rows/housekeeping-rows.ts'
import type { LeaseRow } from '../rows/lease-rows.ts'
import type { ChainPlace } from './chain-place.ts'
import type { HoldsInForce } from './hold-cache.ts'
import type { Journal } from './journal.ts'
import { RecordTable } from './record-table.ts'
import type { RowReader } from './row-reader.ts'
import { Tally } from './tally.ts'
import type { WantedKind } from './wanted-rows.ts'

/**
 * All that the units of a batch read and change, in memory: read in one round trip before them, written in one after them.
 * Every unit sees what those before it did.
 */
export class WorkingSet {
  readonly journal: Journal
  readonly reader: RowReader
  readonly chain: ChainPlace
  /** This process: a new start is a new one. */
  readonly replica: string
  readonly grants: RecordTable<GrantRow, Grant>
  readonly leases: RecordTable<LeaseRow, Lease>
  /** By the id of the grant, as deny entries are. */
  readonly approvals: RecordTable<ApprovalRow, Approval>
  readonly denyEntries: RecordTable<DenyEntryRow, DenyEntry>
  readonly denyLists: RecordTable<DenyListRow, DenyList>
  readonly tokens: RecordTable<TokenRow, TokenRow>
  readonly connections: RecordTable<ConnectionRow, ConnectionRow>
  readonly unregistered: RecordTable<UnregisteredRow, UnregisteredAttempt>
  /** By number: the latest one, and what follows it in this batch. */
  readonly quarantines: RecordTable<QuarantineRow, Quarantine>
  readonly budgetMeters: RecordTable<BudgetMeterRow, BudgetMeter>
  readonly holds: RecordTable<HoldRow, Hold>
  /** Ids of the holds that this batch sets or lifts. */
  readonly changedHolds = new Map<string, true>()
  #readHolds: (() => HoldsInForce) | undefined
  #knownHolds: HoldsInForce | undefined
  /** By key of a damaged list: the instant from which on it is due. */
  readonly damagedDue = new Map<string, Date>()
  readonly endedLeases = new Map<string, { readonly end: LeaseEnd; readonly endedAt: Date }>()
  readonly setAside = new Map<string, Date>()
  /** By grant: the instant from which on it is due, if it is ending. */
  readonly endingDue = new Map<string, Date>()
  readonly agents = new Map<string, readonly DenyAgentWatermark[]>()
  readonly plans = new Map<string, string>()
  readonly decisions = new Map<string, string>()
  readonly stateCounts: Tally
  readonly openCounts: Tally
  /** By agent: how many open grants it may have beside those of this batch, since a limit was checked. */
  readonly mostOpen = new Map<string, number>()
  /** Reports on record, by `<grant> <type>`. */
  readonly reports: Tally
  /** Ids of the leases that are known here, by the id of the grant; leases of a unit that was undone may be among them. */
  readonly #leaseIds = new Map<string, Set<string>>()
  readonly #storedOpenCounts = new Map<string, number>()
  readonly #storedHolders = new Map<string, HolderCounts>()
  readonly #holderChanges: Tally
  readonly #grantIds: RecordTable<string, string>
  readonly #knownDocuments: ReadonlySet<string>
  #call: Correlation | undefined
  /** The unregistered identity that was noted last. At most `max` are kept; the oldest ones are removed for it. */
  lastNoted: { readonly subject: string; readonly max: number } | undefined
  /** True: the batch is committed even if no record changed, since a unit has written by itself or this is a heartbeat. */
  isTouched = false
  /** True: plans and decisions may have been removed, so nobody may rely on those that were there. */
  forgetsDocuments = false

  /** @param deps.knownDocuments hashes of plans and decisions that are there already */
  constructor(deps: {
    readonly journal: Journal
    readonly reader: RowReader
    readonly chain: ChainPlace
    readonly replica: string
    readonly knownDocuments: ReadonlySet<string>
  }) {
    const { journal } = deps
    this.#knownDocuments = deps.knownDocuments
    this.journal = journal
    this.reader = deps.reader
    this.chain = deps.chain
    this.replica = deps.replica
    this.grants = new RecordTable(journal)
    this.leases = new RecordTable(journal)
    this.approvals = new RecordTable(journal)
    this.denyEntries = new RecordTable(journal)
    this.denyLists = new RecordTable(journal)
    this.tokens = new RecordTable(journal)
    this.connections = new RecordTable(journal)
    this.unregistered = new RecordTable(journal)
    this.quarantines = new RecordTable(journal)
    this.budgetMeters = new RecordTable(journal)
    this.#holderChanges = new Tally(journal)
    this.holds = new RecordTable(journal)
    this.#grantIds = new RecordTable(journal)
    this.stateCounts = new Tally(journal)
    this.openCounts = new Tally(journal)
    this.reports = new Tally(journal)
  }

  /** Takes in the rows of one read. */
  load(kind: WantedKind, rows: Rows): void {
    this.#loaders[kind](rows as never)
  }

  /** Runs a unit on behalf of the call that asked for it: its events carry the ids of that call. When it throws, it is undone. */
  attempt<T>(call: Correlation | undefined, run: () => T): T {
    this.#call = call
    return this.journal.attempt(run)
  }

  /** Adds events to the chain, in the order given. */
  append(events: readonly AuditEventInput[]): void {
    for (const event of events) this.chain.append(event, this.#call)
  }

  /** @throws {StintError} LEDGER_CORRUPT where it cannot be read, so that nothing is given out */
  latestQuarantine(): Quarantine | undefined {
    const numbers = this.quarantines.keys().map(Number)
    return numbers.length === 0 ? undefined : this.quarantines.get(String(Math.max(...numbers)))
  }

  /**
   * The holds in force, those that this batch sets included: the batch fails if another one is set or lifted before it is committed.
   *
   * @throws {StintError} LEDGER_CORRUPT where one cannot be read, so that nothing is given out
   */
  holdsInForce(): readonly Hold[] {
    this.#knownHolds ??= this.#readHolds?.()
    if (!this.#knownHolds) throw new Error('the holds in force were not asked for')
    if (this.changedHolds.size === 0) return this.#knownHolds.holds
    const kept = this.#knownHolds.holds.filter(({ id }) => !this.changedHolds.has(id))
    const changed = [...this.changedHolds.keys()].flatMap((id) => this.holds.get(id) ?? [])
    return [...kept, ...changed.filter(({ lifted }) => !lifted)]
  }

  /** The generation of the holds that a unit has relied on; undefined if none has. */
  get holdGeneration(): number | undefined {
    return this.#knownHolds?.generation
  }

  /** Sets a hold, or lifts it. */
  changeHold(hold: Hold): void {
    this.holds.put(hold.id, hold)
    this.remember(this.changedHolds, hold.id, true)
  }

  /** @throws {StintError} LEDGER_CORRUPT */
  grantByKey(subject: string, idempotencyKey: string): Grant | undefined {
    const id = this.#grantIds.get(toGrantKey(subject, idempotencyKey))
    return id === undefined ? undefined : this.grants.get(id)
  }

  addGrant(grant: Grant): void {
    this.grants.put(grant.id, grant)
    this.#grantIds.put(toGrantKey(grant.subject, grant.idempotencyKey), grant.id)
    this.count(grant.subject, undefined, grant.state)
    this.countForHolders(grant, undefined, grant.state)
  }

  /** Live and waiting grants of a holder, those of this batch included. */
  countHolder({ kind, name }: BudgetHolder): HolderCounts {
    const key = `${kind} ${name}`
    const { live, pending } = this.#storedHolders.get(key) ?? { live: 0, pending: 0 }
    return {
      live: live + this.#holderChanges.get(key),
      pending: pending + this.#holderChanges.get(`waiting ${key}`),
    }
  }

  /** A grant came into a state, left one, or both: see `count`. */
  countForHolders(
    grant: Pick<Grant, 'subject' | 'owner' | 'team'>,
    from: GrantState | undefined,
    to: GrantState,
  ): void {
    const { open } = countChanges(from, to)
    const waiting = Number(to === 'awaiting_approval') - Number(from === 'awaiting_approval')
    for (const key of [`agent ${grant.subject}`, `owner ${grant.owner}`, `team ${grant.team}`]) {
      this.#holderChanges.add(key, open)
      this.#holderChanges.add(`waiting ${key}`, waiting)
    }
  }

  /** A grant came into a state, left one, or both. */
  count(subject: string, from: GrantState | undefined, to: GrantState | undefined): void {
    const { states, open } = countChanges(from, to)
    for (const { state, by } of states) this.stateCounts.add(state, by)
    this.openCounts.add(subject, open)
  }

  /** Open grants of an agent, those of this batch included. */
  openCount(subject: string): number {
    return (this.#storedOpenCounts.get(subject) ?? 0) + this.openCounts.get(subject)
  }

  /** One more grant of an agent was allowed, under a limit: so the others may not have grown over it until the commit. */
  noteOpenLimit(subject: string, limit: number): void {
    const most = limit - 1 - this.openCounts.get(subject)
    this.remember(this.mostOpen, subject, Math.min(most, this.mostOpen.get(subject) ?? most))
  }

  /** Ends all open leases of a grant, also those that this batch did not read. */
  endLeases(grantId: string, end: { readonly end: LeaseEnd; readonly endedAt: Date }): void {
    this.remember(this.endedLeases, grantId, end)
    for (const lease of this.#findOpenLeases(grantId)) {
      this.leases.put(lease.id, { ...lease, state: 'ended', end: end.end, endedAt: end.endedAt })
    }
  }

  /** @param maxBytes a longer plan is stored by its hash alone, until somebody wants it whole */
  keepPlan(plan: Plan, maxBytes: number): void {
    if (this.#knownDocuments.has(plan.hash) || this.plans.get(plan.hash)) return
    const text = JSON.stringify(plan)
    this.remember(this.plans, plan.hash, Buffer.byteLength(text) > maxBytes ? '' : text)
  }

  keepDecision(decision: Decision): void {
    const hash = hashDecision(decision)
    if (this.#knownDocuments.has(hash) || this.decisions.has(hash)) return
    this.remember(this.decisions, hash, toDecisionText(decision))
  }

  /** Hashes of plans and decisions that are there whole once the batch is committed. */
  keptDocuments(): string[] {
    return [...this.plans, ...this.decisions].flatMap(([hash, body]) => (body === '' ? [] : [hash]))
  }

  /** Sets an entry of one of the maps, so that it can be undone. */
  remember<T>(map: Map<string, T>, key: string, value: T): void {
    const [had, before] = [map.has(key), map.get(key)]
    this.journal.note(() => {
      if (had) map.set(key, before as T)
      else map.delete(key)
    })
    map.set(key, value)
  }

  addLease(lease: Lease): void {
    this.leases.put(lease.id, lease)
    this.#noteLease(lease.grantId, lease.id)
  }

  #findOpenLeases(grantId: string): Lease[] {
    return [...(this.#leaseIds.get(grantId) ?? [])]
      .flatMap((id) => this.reader.orUndefined(() => this.leases.get(id)) ?? [])
      .filter(({ state }) => state !== 'ended')
  }

  #noteLease(grantId: string, leaseId: string): void {
    const known = this.#leaseIds.get(grantId)
    if (known) known.add(leaseId)
    else this.#leaseIds.set(grantId, new Set([leaseId]))
  }

  readonly #loaders: { readonly [Kind in WantedKind]: (rows: never) => void } = {
    grants: (rows: readonly GrantRow[]) => {
      for (const row of rows) {
        this.grants.load(row.id, row, () => this.reader.grant(row))
        this.#grantIds.load(toGrantKey(row.subject, row.idempotency_key), row.id, () => row.id)
      }
    },
    leases: (rows: readonly LeaseRow[]) => {
      for (const row of rows) {
        this.leases.load(row.id, row, () => this.reader.lease(row))
        if (row.grant_id !== null) this.#noteLease(row.grant_id, row.id)
      }
    },
    approvals: (rows: readonly ApprovalRow[]) => {
      for (const row of rows)
        if (row.grant_id !== null) this.approvals.load(row.grant_id, row, () => this.reader.approval(row))
    },
    denyEntries: (rows: readonly DenyEntryRow[]) => {
      for (const row of rows) this.denyEntries.load(row.entry_id, row, () => this.reader.denyEntry(row))
    },
    denyLists: (rows: readonly DenyListRow[]) => {
      for (const row of rows) this.denyLists.load(row.list_key, row, () => this.reader.denyList(row))
    },
    tokens: (rows: readonly TokenRow[]) => {
      for (const row of rows) this.tokens.load(row.key, row, () => row)
    },
    connections: (rows: readonly ConnectionRow[]) => {
      for (const row of rows) this.connections.load(row.id, row, () => row)
    },
    unregistered: (rows: readonly UnregisteredRow[]) => {
      for (const row of rows) this.unregistered.load(row.subject, row, () => this.reader.unregistered(row))
    },
    budgetMeters: (rows: readonly BudgetMeterRow[]) => {
      for (const row of rows) this.budgetMeters.load(row.key, row, () => toBudgetMeter(row))
    },
    holderCounts: (rows: readonly HolderCountRow[]) => {
      for (const { kind, name, live, pending } of rows) this.#storedHolders.set(`${kind} ${name}`, { live, pending })
    },
    quarantines: (rows: readonly QuarantineRow[]) => {
      for (const row of rows) this.quarantines.load(String(row.number), row, () => this.reader.quarantine(row))
    },
    holds: (rows: readonly HoldRow[]) => {
      for (const row of rows) this.holds.load(row.id, row, () => this.reader.hold(row))
    },
    holdsInForce: (rows: readonly HoldInForceRow[]) => {
      this.#readHolds = () => this.reader.holdsInForce(rows)
    },
    openCounts: (rows: readonly { subject: string; count: number }[]) => {
      for (const { subject, count } of rows) this.#storedOpenCounts.set(subject, count)
    },
    reports: (rows: readonly { grant_id: string; type: string; count: number }[]) => {
      for (const { grant_id, type, count } of rows) this.reports.add(`${grant_id} ${type}`, count)
    },
    heads: (rows: readonly ChainHead[]) => this.chain.loadUnnamed(rows),
  }
}

function toGrantKey(subject: string, idempotencyKey: string): string {
  return `${subject.length} ${subject} ${idempotencyKey}`
}
