import { StintError } from '../core/errors.ts'

/** The kind of record of a damaged row, or `sweep` for a grant that could be read and not be moved on. */
export type DamagedKind =
  | 'grant'
  | 'plan'
  | 'lease'
  | 'approval'
  | 'deny_entry'
  | 'deny_list'
  | 'unregistered'
  | 'quarantine'
  | 'hold'
  | 'registration'
  | 'event'
  | 'sweep'

/** Callbacks for rows that cannot be read; `row` is `<kind>:<id>`, e.g. `plan:grt_…` for the plan of that grant. */
export interface DamagedRowListener {
  onDamaged(row: string, error: StintError): void
  /** It can be read again, or is gone. */
  onReadable(row: string): void
}

/** Further rows are told of as one: a page that is lost must not fill the status. */
const MAX_TOLD = 100
const MORE = 'more'

/**
 * The rows of a ledger that cannot be read now. Each is told of by itself from the first read that fails until one succeeds,
 * so that a loop may leave it aside and go on with the rest.
 */
export class DamagedRows {
  readonly #listener: DamagedRowListener | undefined
  readonly #isStoreFailure: (error: unknown) => boolean
  readonly #told = new Set<string>()
  #hasMore = false

  /** @param isStoreFailure true for an error of the store itself, which is passed on as it is. */
  constructor(listener: DamagedRowListener | undefined, isStoreFailure: (error: unknown) => boolean) {
    this.#listener = listener
    this.#isStoreFailure = isStoreFailure
  }

  /** @throws {StintError} LEDGER_CORRUPT with the id of the row, whatever `read` threw. */
  read<T>(kind: DamagedKind, id: string, read: () => T): T {
    let value: T
    try {
      value = read()
    } catch (error) {
      if (this.#isStoreFailure(error)) throw error
      throw this.note(kind, id, corruptRow(kind, id, error))
    }
    this.readable(kind, id)
    return value
  }

  /** Tells of a row. @returns the error */
  note(kind: DamagedKind, id: string, error: StintError): StintError {
    const row = `${kind}:${id}`
    if (!this.#told.has(row) && this.#told.size >= MAX_TOLD) {
      this.#hasMore = true
      const explanation = `More than ${MAX_TOLD} rows of the ledger cannot be read. Restore a backup.`
      this.#listener?.onDamaged(MORE, new StintError('LEDGER_CORRUPT', { explanation }))
      return error
    }
    this.#told.add(row)
    this.#listener?.onDamaged(row, error)
    return error
  }

  /** The row is as it should be. */
  readable(kind: DamagedKind, id: string): void {
    if (this.#told.size === 0 || !this.#told.delete(`${kind}:${id}`)) return
    this.#listener?.onReadable(`${kind}:${id}`)
    if (!this.#hasMore) return
    this.#hasMore = false
    this.#listener?.onReadable(MORE)
  }

  /** The grant has come to its end: nobody will sweep it, but its plan and leases are shown, and its deny entry is written on. */
  over(grantId: string): void {
    this.#forget(grantId, ['grant', 'approval', 'sweep'])
  }

  /** The rows of this grant are removed. @param leaseIds asked only when some row is damaged */
  gone(grantId: string, leaseIds: () => readonly string[]): void {
    if (this.#told.size === 0) return
    this.#forget(grantId, ['grant', 'plan', 'approval', 'deny_entry', 'sweep'])
    for (const leaseId of leaseIds()) this.readable('lease', leaseId)
  }

  #forget(grantId: string, kinds: readonly DamagedKind[]): void {
    for (const kind of kinds) this.readable(kind, grantId)
  }
}

const NOUNS: Record<DamagedKind, (id: string) => string> = {
  grant: (id) => `Grant ${id}`,
  plan: (id) => `The plan of grant ${id}`,
  lease: (id) => `Lease ${id}`,
  approval: (id) => `The approval of grant ${id}`,
  deny_entry: (id) => `The deny list entry of grant ${id}`,
  deny_list: (id) => `Deny list ${id}`,
  unregistered: (id) => `The unregistered identity ${id}`,
  quarantine: (id) => `Quarantine ${id}`,
  hold: (id) => `Hold ${id}`,
  registration: (id) => `The registration ${id}`,
  event: (id) => `Audit event ${id}`,
  sweep: (id) => `Grant ${id}`,
}

function corruptRow(kind: DamagedKind, id: string, cause: unknown): StintError {
  const explanation = `${NOUNS[kind](id)} cannot be read: its row in the ledger is damaged. Restore it from a backup.`
  return new StintError('LEDGER_CORRUPT', { explanation, row: kind, id }, cause)
}
