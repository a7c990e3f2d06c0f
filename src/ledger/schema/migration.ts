/**
 * One step of the schema. Its text never changes once it has been released: a checksum is kept of it.
 *
 * A step that brokers of the version before can live with (`readableBy` at or below that version) only adds: tables, nullable
 * columns or ones with a default, indexes. What they need goes in a later release, by a step that names the version since when
 * nobody needs it. So two versions can run beside each other, and the new one can be rolled back.
 */
export type Migration = SchemaStep | RowStep

interface Step {
  readonly version: number
  readonly name: string
  /** The oldest schema version whose code can still work on the result: lets a release be rolled back. */
  readonly readableBy: number
}

/** A step that changes tables: one transaction, whole or not at all. */
export interface SchemaStep extends Step {
  readonly sql: string
}

/** A step that changes many rows: in parts with a transaction each, so that writers do not wait for the whole. */
export interface RowStep extends Step {
  readonly rows: {
    /** Selects `count`: the rows that the step has still to change. */
    readonly remaining: string
    /** Changes some of the rows that remain, some thousands at most; killed and repeated, it goes on with the rest. */
    readonly change: string
  }
}

/** The text of a step, of which the ledger keeps a checksum. */
export function migrationText(migration: Migration): string {
  return 'sql' in migration ? migration.sql : `${migration.rows.remaining};\n${migration.rows.change}`
}
