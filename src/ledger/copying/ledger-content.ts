import type { StoredEvent } from '../audit/stored-event.ts'
import type { BudgetMeter } from '../budgets/budget-records.ts'
import type { Hold } from '../holds/hold-records.ts'
import type { TokenUse } from '../ledger.ts'
import type { EndpointRow, MarkRow, NoticeRow } from '../notices/stored-notices.ts'
import type {
  Approval,
  DenyAgentWatermark,
  DenyEntry,
  DenyList,
  Grant,
  Lease,
  Quarantine,
  UnregisteredAttempt,
} from '../records.ts'
import type { RegistrationRow, ReviewRow } from '../registrations/registration-row.ts'

/** Everything that a ledger holds, by the table that it goes to. Counters are left out: they follow from the rest. */
export interface ContentRecords {
  openings: { readonly epoch: number }
  plans: StoredText
  decisions: StoredText
  grants: Grant
  leases: Lease
  approvals: Approval
  deny_lists: DenyList
  deny_agents: DenyAgentWatermark & { readonly listKey: string }
  deny_entries: DenyEntry
  unregistered: UnregisteredAttempt
  quarantines: Quarantine
  holds: Hold
  registrations: RegistrationRow
  registration_reviews: ReviewRow
  registration_reminders: CopiedReminder
  budget_meters: BudgetMeter
  connections: CopiedConnection
  tokens: CopiedToken
  chains: CopiedChain
  notice_endpoints: EndpointRow
  notices: NoticeRow
  notice_marks: MarkRow
  events: StoredEvent & { readonly chain: string; readonly hash: string }
}

/** The name of one of the tables. */
export type ContentTable = keyof ContentRecords

/** The tables in an order in which each comes after those that it refers to. */
export const CONTENT_TABLES = [
  'openings',
  'plans',
  'decisions',
  'grants',
  'leases',
  'approvals',
  'deny_lists',
  'deny_agents',
  'deny_entries',
  'unregistered',
  'quarantines',
  'holds',
  'registrations',
  'registration_reviews',
  'registration_reminders',
  'budget_meters',
  'connections',
  'tokens',
  'notice_endpoints',
  'notices',
  'notice_marks',
  'chains',
  'events',
] as const satisfies readonly ContentTable[]

/** A text that many rows share, as it is stored; empty for a plan of which only the hash is kept. */
export interface StoredText {
  readonly hash: string
  readonly body: string
}

/** A date that operators were told of. */
export interface CopiedReminder {
  readonly key: string
  readonly at: number
  readonly until: number
}

/** A connection that tokens are bound to. */
export interface CopiedConnection {
  readonly id: string
  readonly replica: string
  readonly bound_at: number
  readonly closed_at: number | null
}

/** A bearer token and what it was used for. */
export interface CopiedToken {
  readonly key: string
  readonly until: number
  readonly connection_id: string | null
  readonly moves: number
  readonly grant_id: string
  readonly lease_id: string | null
  readonly used_by: TokenUse['by']
}

/** A chain of the audit log and its head; `named_seq` is the event up to which other chains name it. */
export interface CopiedChain {
  readonly id: string
  readonly seq: number
  readonly hash: string
  readonly named_seq: number
}

/** A whole ledger, to be read once. */
export interface LedgerContent {
  readonly ledgerId: string
  count(table: ContentTable): number
  /**
   * The records of a table in the order in which they were made, some at a time.
   *
   * @throws {StintError} LEDGER_CORRUPT for a record that cannot be read
   */
  read<Table extends ContentTable>(table: Table): Iterable<readonly ContentRecords[Table][]>
}

/** How far a copy has come. */
export interface CopyProgress {
  readonly table: ContentTable
  readonly done: number
  readonly total: number
}
