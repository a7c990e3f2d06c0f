import type { Rows, Statement } from '../database/statement.ts'
import type { WantedRows } from '../working-set/wanted-rows.ts'
import type { WorkingSet } from '../working-set/working-set.ts'

/** Reads, and seldom writes, within the transaction of a batch. */
export type RunStatements = (statements: readonly Statement[]) => Promise<Rows[]>

/**
 * One atomic change of the ledger: it says which rows it needs, and then decides in one turn. It may run more than once, until
 * it is committed.
 */
export interface Unit<T> {
  want?(wanted: WantedRows): void
  /**
   * Reads what cannot be named beforehand; a unit with this has a batch of its own.
   */
  prepare?(set: WorkingSet, run: RunStatements): Promise<void>
  decide(set: WorkingSet): T
}
