import { hasCode } from '../../../core/errors.ts'
import type { Decision } from '../../../policy/decision.ts'
import type { DamagedRows } from '../../damaged-rows.ts'
import type { Hold } from '../../holds/hold-records.ts'
import { type HoldRow, toHold } from '../../holds/hold-row.ts'
import { type QuarantineRow, toQuarantine } from '../../quarantine-row.ts'
import type {
  Approval,
  AuditEvent,
  DenyEntry,
  DenyList,
  Grant,
  Lease,
  Quarantine,
  UnregisteredAttempt,
} from '../../records.ts'
import { parseDecision } from '../../stored-documents.ts'
import { type ApprovalRow, toApproval } from '../rows/approval-rows.ts'
import { type DenyEntryRow, type DenyListRow, toDenyEntry, toDenyList } from '../rows/deny-rows.ts'
import { type EventRow, toEvent } from '../rows/event-rows.ts'
import { type GrantRow, toGrant } from '../rows/grant-rows.ts'
import type { HoldInForceRow } from '../rows/hold-rows.ts'
import { toUnregistered, type UnregisteredRow } from '../rows/housekeeping-rows.ts'
import { type LeaseRow, toLease } from '../rows/lease-rows.ts'
import { HoldCache, type HoldsInForce } from './hold-cache.ts'

const MAX_REMEMBERED_DECISIONS = 1_000

/**
 * Rows as records. One that is damaged throws LEDGER_CORRUPT with its id, and is told of until it can be read again.
 */
export class RowReader {
  readonly damaged: DamagedRows
  readonly holdCache = new HoldCache()
  readonly #decisions = new Map<string, Decision>()

  constructor(damaged: DamagedRows) {
    this.damaged = damaged
  }

  grant(row: GrantRow): Grant {
    return this.damaged.read('grant', row.id, () => toGrant(row, this.#decision(row)))
  }

  lease(row: LeaseRow): Lease {
    return this.damaged.read('lease', row.id, () => toLease(row))
  }

  approval(row: ApprovalRow): Approval {
    return this.damaged.read('approval', row.grant_id ?? row.id, () => toApproval(row))
  }

  denyEntry(row: DenyEntryRow): DenyEntry {
    return this.damaged.read('deny_entry', row.entry_id, () => toDenyEntry(row))
  }

  denyList(row: DenyListRow): DenyList {
    return this.damaged.read('deny_list', row.list_key, () => toDenyList(row))
  }

  unregistered(row: UnregisteredRow): UnregisteredAttempt {
    return this.damaged.read('unregistered', row.subject, () => toUnregistered(row))
  }

  quarantine(row: QuarantineRow): Quarantine {
    return this.damaged.read('quarantine', String(row.number), () => toQuarantine(row))
  }

  hold(row: HoldRow): Hold {
    return this.damaged.read('hold', row.id, () => toHold(row))
  }

  /** @throws {StintError} LEDGER_CORRUPT where one of them cannot be read, so that nothing is given out */
  holdsInForce(rows: readonly HoldInForceRow[]): HoldsInForce {
    return this.holdCache.take(rows, (row) => this.hold(row))
  }

  event(row: EventRow): AuditEvent {
    return this.damaged.read('event', String(row.position), () => toEvent(row))
  }

  /** Undefined for a damaged row, which is reported to the operators: one row must not keep the others from being read. */
  orUndefined<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (hasCode(error, 'LEDGER_CORRUPT')) return undefined
      throw error
    }
  }

  #decision({ decision_hash: hash, decision_body: body }: GrantRow): Decision {
    // Checked before the memory, so that a missing decision shows at once.
    if (body === null) throw new Error(`decision ${hash} is not there`)
    const key = `${hash} ${body.length}`
    const known = this.#decisions.get(key)
    if (known) return known
    const decision = parseDecision(body)
    if (this.#decisions.size >= MAX_REMEMBERED_DECISIONS) this.#decisions.clear()
    this.#decisions.set(key, decision)
    return decision
  }
}
