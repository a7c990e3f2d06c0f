import { canonicalJson, type Json, sha256Hex } from '../../core/canonical-json.ts'
import { hasCode } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Decision } from '../../policy/decision.ts'
import type { DamagedRows } from '../damaged-rows.ts'
import type { Hold } from '../holds/hold-records.ts'
import { HOLD_COLUMNS, type HoldRow, toHold } from '../holds/hold-row.ts'
import { type QuarantineRow, SELECT_QUARANTINE, toQuarantine } from '../quarantine-row.ts'
import type {
  Approval,
  AuditEvent,
  DenyEntry,
  DenyList,
  Grant,
  Lease,
  Quarantine,
  UnregisteredAttempt,
} from '../records.ts'
import { present } from '../row-values.ts'
import { touchedLabels } from '../rules/hold-rules.ts'
import { parseDecision } from '../stored-documents.ts'
import type { InternedTexts } from './database/interned-texts.ts'
import type { SqliteDatabase } from './database/sqlite-database.ts'
import { type ApprovalRow, toApproval } from './rows/approval-rows.ts'
import { type DenyEntryRow, type DenyListRow, SELECT_DENY_ENTRY, toDenyEntry, toDenyList } from './rows/deny-rows.ts'
import { type EventRow, toEvent } from './rows/event-rows.ts'
import { type GrantRow, SELECT_GRANT, toGrant } from './rows/grant-rows.ts'
import { type LeaseRow, SELECT_LEASE, toLease } from './rows/lease-rows.ts'
import { toUnregistered, type UnregisteredRow } from './rows/unregistered-rows.ts'

const MAX_REMEMBERED_DECISIONS = 1_000

/** Rows as records, and documents that many rows share: plans and decisions are stored once by their hash. */
export class SqliteStore {
  readonly db: SqliteDatabase
  readonly texts: InternedTexts
  readonly damaged: DamagedRows
  /** This process: a new start is a new one. */
  readonly replica: string
  readonly #decisions = new Map<number, Decision>()
  #holds: { readonly generation: number; readonly holds: readonly Hold[] } | undefined
  readonly #decisionHashes = new WeakMap<Decision, Uint8Array>()

  constructor({
    db,
    texts,
    damaged,
    replica,
  }: {
    readonly db: SqliteDatabase
    readonly texts: InternedTexts
    readonly damaged: DamagedRows
    readonly replica: string
  }) {
    this.db = db
    this.texts = texts
    this.damaged = damaged
    this.replica = replica
  }

  /** Drops what is remembered of rows that may be gone. */
  forget(): void {
    this.#decisions.clear()
    this.#holds = undefined
  }

  grantRow(id: string): GrantRow | undefined {
    return this.db.get<GrantRow>(`${SELECT_GRANT} WHERE g.id = ?`, id)
  }

  /** @throws {StintError} LEDGER_CORRUPT with its id, as every reader of rows here */
  grant(row: GrantRow): Grant {
    return this.damaged.read('grant', row.id, () => toGrant(row, this.texts, this.#decision(row.decision_row_id)))
  }

  leaseRow(id: string): LeaseRow | undefined {
    return this.db.get<LeaseRow>(`${SELECT_LEASE} WHERE l.id = ?`, id)
  }

  lease(row: LeaseRow): Lease {
    return this.damaged.read('lease', row.id, () => toLease(row, this.texts))
  }

  approval(row: ApprovalRow): Approval {
    return this.damaged.read('approval', row.grant_id ?? row.id, () => toApproval(row))
  }

  denyEntry(row: DenyEntryRow): DenyEntry {
    return this.damaged.read('deny_entry', row.grant_id ?? `of row ${row.row_id}`, () => toDenyEntry(row))
  }

  findDenyEntry(grantRowId: number): DenyEntry | undefined {
    const row = this.db.get<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.grant_n = ?`, grantRowId)
    return row && this.denyEntry(row)
  }

  denyList(row: DenyListRow): DenyList {
    return this.damaged.read('deny_list', row.list_key, () => toDenyList(row))
  }

  /** The latest quarantine. @throws {StintError} LEDGER_CORRUPT where it cannot be read, so that nothing is given out */
  quarantine(): Quarantine | undefined {
    const row = this.db.get<QuarantineRow>(SELECT_QUARANTINE)
    return row && this.damaged.read('quarantine', String(row.number), () => toQuarantine(row))
  }

  hold(row: HoldRow): Hold {
    return this.damaged.read('hold', row.id, () => toHold(row))
  }

  /** The holds in force, the oldest first. @throws {StintError} LEDGER_CORRUPT where one cannot be read, so that nothing is given out */
  holds(): readonly Hold[] {
    const row = this.db.get<{ generation: number }>('SELECT generation FROM hold_generation')
    const generation = present(row?.generation ?? null, 'generation of holds')
    if (this.#holds?.generation === generation) return this.#holds.holds
    const rows = this.db.all<HoldRow>(`SELECT ${HOLD_COLUMNS} FROM holds h WHERE h.lifted_at IS NULL ORDER BY h.n`)
    const holds = rows.map((one) => this.hold(one))
    this.#holds = { generation, holds }
    return holds
  }

  unregistered(row: UnregisteredRow): UnregisteredAttempt {
    return this.damaged.read('unregistered', row.subject, () => toUnregistered(row))
  }

  event(row: EventRow): AuditEvent {
    return this.damaged.read('event', String(row.position), () => toEvent(row))
  }

  /** A row that an operator is told of instead, since one must not keep the others from being read. */
  orUndefined<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (hasCode(error, 'LEDGER_CORRUPT')) return undefined
      throw error
    }
  }

  #decision(rowId: number): Decision {
    const known = this.#decisions.get(rowId)
    if (known) return known
    const row = this.db.get<{ body: string }>('SELECT body FROM decisions WHERE n = ?', rowId)
    if (!row) throw new Error(`decision ${rowId} is not there`)
    const decision = parseDecision(row.body)
    if (this.#decisions.size >= MAX_REMEMBERED_DECISIONS) this.#decisions.clear()
    this.#decisions.set(rowId, decision)
    return decision
  }

  /** The row id of a decision, stored if need be; only inside a unit. */
  decisionRowId(decision: Decision): number {
    const hash = this.#hashDecision(decision)
    const row = this.db.get<{ row_id: number }>('SELECT n AS row_id FROM decisions WHERE hash = ?', hash)
    return (
      row?.row_id ??
      this.db.insert('INSERT INTO decisions (hash, body) VALUES (?, ?)', hash, canonicalJson(decisionJson(decision)))
    )
  }

  /**
   * The row id of a plan, stored if need be; only inside a unit.
   *
   * @param maxBytes a longer one is stored by its hash alone, until somebody wants it whole.
   */
  planRowId(
    { hash: planHash, text }: StoredPlan,
    { maxBytes = Number.POSITIVE_INFINITY }: { readonly maxBytes?: number } = {},
  ): number {
    const hash = Buffer.from(planHash, 'hex')
    const row = this.db.get<{ row_id: number; kept: 0 | 1 }>(
      "SELECT n AS row_id, body <> '' AS kept FROM plans WHERE hash = ?",
      hash,
    )
    if (row?.kept) return row.row_id
    const body = Buffer.byteLength(text) > maxBytes ? '' : text
    if (!row) return this.db.insert('INSERT INTO plans (hash, body) VALUES (?, ?)', hash, body)
    if (body !== '') this.db.run('UPDATE plans SET body = ? WHERE n = ?', body, row.row_id)
    return row.row_id
  }

  #hashDecision(decision: Decision): Uint8Array {
    const known = this.#decisionHashes.get(decision)
    if (known) return known
    const hash = Buffer.from(sha256Hex(canonicalJson(decisionJson(decision))), 'hex')
    this.#decisionHashes.set(decision, hash)
    return hash
  }
}

/** A plan as it is stored. */
export interface StoredPlan {
  readonly hash: string
  readonly text: string
  /** Labels that it touches, for holds of a label. */
  readonly touches: readonly string[]
}

/** Plans are not changed once they are made, and many grants share one. */
const storedPlans = new WeakMap<Plan, StoredPlan>()

/** The text of a plan, made once for all grants that share it. */
export function toStoredPlan(plan: Plan): StoredPlan {
  const known = storedPlans.get(plan)
  if (known) return known
  const stored = { hash: plan.hash, text: JSON.stringify(plan), touches: touchedLabels(plan) }
  storedPlans.set(plan, stored)
  return stored
}

function decisionJson(decision: Decision): Json {
  return decision as unknown as Json
}
