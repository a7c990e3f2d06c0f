import { randomIds } from '../../src/core/ids.ts'
import { type ChainHead, emptyHead, toHead } from '../../src/ledger/audit/sealed-event.ts'
import type { BudgetMeter, HolderCounts } from '../../src/ledger/budgets/budget-records.ts'
import type { AuditEventInput } from '../../src/ledger/events/audit-event.ts'
import type { Hold } from '../../src/ledger/holds/hold-records.ts'
import type { LedgerReads, LedgerWrites, Page, PageRequest } from '../../src/ledger/ledger.ts'
import {
  type Approval,
  type AuditEvent,
  type DenyEntry,
  type DenyList,
  GRANT_STATES,
  type Grant,
  type Lease,
  type Quarantine,
  type UnregisteredAttempt,
} from '../../src/ledger/records.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { eventFault } from './catalogued-events.ts'
import { sealedEvent } from './sealed-events.ts'

type Reads = LedgerReads & Pick<LedgerWrites, 'appendEvents'>

/** The reads of a ledger over plain arrays that a test fills; the audit log is a real chain. */
export class FakeAdminLedger implements Reads {
  readonly grants: Grant[] = []
  readonly plans: Plan[] = []
  readonly leases: Lease[] = []
  readonly approvals: Approval[] = []
  readonly denies: DenyEntry[] = []
  readonly denyLists: DenyList[] = []
  readonly unregistered: UnregisteredAttempt[] = []
  readonly holds: Hold[] = []
  readonly events: AuditEvent[] = []
  latestQuarantine: Quarantine | undefined
  /** When set, every call rejects with it. */
  failure: Error | undefined
  /** When set, called before a page of events is handed out. */
  beforePage: (() => Promise<void>) | undefined
  #head: ChainHead = emptyHead('')

  async appendEvents(inputs: readonly AuditEventInput[]): Promise<void> {
    this.#check()
    for (const input of inputs) {
      const fault = eventFault(input)
      if (fault) throw new TypeError(`An event that is not as the catalogue has it: ${fault}`)
      const event = sealedEvent(this.#head, input, randomIds.next('evt', input.at))
      this.events.push(event)
      this.#head = toHead(event)
    }
  }

  async getGrant(id: string) {
    this.#check()
    return this.grants.find((grant) => grant.id === id)
  }

  async findGrantByKey(subject: string, key: string) {
    return this.grants.find((grant) => grant.subject === subject && grant.idempotencyKey === key)
  }

  async registrationsMark() {
    return ''
  }

  async registrations() {
    return { registrations: [], reviews: [] }
  }

  async knowsEpoch() {
    return false
  }

  async quarantine() {
    this.#check()
    return this.latestQuarantine
  }

  async denyWatermark(listKey: string) {
    return this.denyLists.find(({ key }) => key === listKey)?.watermark
  }

  async listGrants(filter: Parameters<Reads['listGrants']>[0], page: PageRequest) {
    this.#check()
    const { subject, owner, state, roleArn, requestedAfter, requestedBefore } = filter
    const hits = this.grants.filter(
      (grant) =>
        (subject === undefined || grant.subject === subject) &&
        (owner === undefined || grant.owner === owner) &&
        (state === undefined || grant.state === state) &&
        (roleArn === undefined || grant.roleArn === roleArn) &&
        (requestedAfter === undefined || grant.requestedAt >= requestedAfter) &&
        (requestedBefore === undefined || grant.requestedAt < requestedBefore),
    )
    return paged(hits, page)
  }

  async getPlan(hash: string) {
    return this.plans.find((plan) => plan.hash === hash)
  }

  async listLeases(grantId: string) {
    return this.leases.filter((lease) => lease.grantId === grantId)
  }

  async getApproval(id: string) {
    this.#check()
    return this.approvals.find((approval) => approval.id === id)
  }

  async findApproval(grantId: string) {
    return this.approvals.find((approval) => approval.grantId === grantId)
  }

  async listApprovals(filter: Parameters<Reads['listApprovals']>[0], page: PageRequest) {
    return paged(
      this.approvals.filter(({ state }) => filter.state === undefined || state === filter.state),
      page,
    )
  }

  async findLastApproved({ id, subject, roleArn }: Parameters<Reads['findLastApproved']>[0]) {
    const of = (grant: Grant) =>
      this.approvals.find(({ grantId, state }) => grantId === grant.id && state === 'approved')
    const grant = this.grants.find(
      (one) => one.subject === subject && one.roleArn === roleArn && one.id !== id && of(one) !== undefined,
    )
    const approval = grant && of(grant)
    return grant && approval && { grant, approval }
  }

  async findReusable(): ReturnType<Reads['findReusable']> {
    return undefined
  }

  async firstRequestedAt(subject: string) {
    return this.grants.find((grant) => grant.subject === subject)?.requestedAt
  }

  async findDenyEntry(grantId: string) {
    return this.denies.find((deny) => deny.grantId === grantId)
  }

  async getDenyList(key: string) {
    return this.denyLists.find((one) => one.key === key)
  }

  async listDenyLists() {
    return this.denyLists
  }

  async listUnregistered(page: PageRequest) {
    return paged(this.unregistered, page)
  }

  async trail(grantId: string) {
    return this.events.filter((event) => event.grantId === grantId)
  }

  async auditEvents({ afterPosition, limit }: { afterPosition: number; limit: number }) {
    this.#check()
    await this.beforePage?.()
    return this.events.filter(({ position }) => position > afterPosition).slice(0, limit)
  }

  async auditHeads() {
    return { position: this.#head.seq, heads: this.#head.seq === 0 ? [] : [this.#head] }
  }

  async countGrants() {
    this.#check()
    const count = (state: string) => this.grants.filter((grant) => grant.state === state).length
    return Object.fromEntries(GRANT_STATES.map((state) => [state, count(state)])) as Awaited<
      ReturnType<Reads['countGrants']>
    >
  }

  async countOpenGrants() {
    return this.grants.length
  }

  async abandonedLeases() {
    return []
  }

  readonly budgetMeters: (BudgetMeter & HolderCounts)[] = []

  async listBudgetMeters() {
    this.#check()
    return { items: this.budgetMeters }
  }

  async holdsInForce() {
    this.#check()
    return this.holds.filter(({ lifted }) => !lifted)
  }

  async getHold(id: string) {
    this.#check()
    return this.holds.find((hold) => hold.id === id)
  }

  async listHolds({ kind, inForce }: Parameters<Reads['listHolds']>[0], page: PageRequest) {
    this.#check()
    const hits = this.holds.filter(
      (hold) => (!kind || hold.kind === kind) && (inForce === undefined || !hold.lifted === inForce),
    )
    return paged(hits, page)
  }

  async runningHolds() {
    return this.holds.filter(({ isRunning }) => isRunning)
  }

  async heldDenies() {
    return { all: 0, unwritten: 0, unenforced: 0 }
  }

  async openGrants({ state }: Parameters<Reads['openGrants']>[0]) {
    return { grants: this.grants.filter((grant) => grant.state === state), damaged: [] }
  }

  async denyEntries(listKey: string) {
    return this.denies.filter((deny) => deny.listKey === listKey)
  }

  async getLease(id: string) {
    return this.leases.find((lease) => lease.id === id)
  }

  async noticeEndpoints() {
    return []
  }

  async hasDueNotices() {
    return false
  }

  async deadNotices() {
    return []
  }

  async noticeMark() {
    return undefined
  }

  async eventsOfTypes({ afterPosition }: { afterPosition: number }) {
    return { events: [], position: afterPosition }
  }

  #check() {
    if (this.failure) throw this.failure
  }
}

function paged<T>(items: readonly T[], { limit, cursor }: PageRequest): Page<T> {
  const from = cursor === undefined ? 0 : Number(cursor)
  const next = from + limit < items.length ? { nextCursor: String(from + limit) } : {}
  return { items: items.slice(from, from + limit), ...next }
}
