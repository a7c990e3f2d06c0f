import type { Correlation } from '../../core/correlation.ts'
import { asStintError, type StintError } from '../../core/errors.ts'
import type { Waiting } from '../write-queue.ts'
import type { PgConnection } from './database/pg-connection.ts'
import { ConnectionLost, sqlState, Unwritable } from './database/pg-errors.ts'
import type { Statement } from './database/statement.ts'
import type { RunStatements, Unit } from './units/unit.ts'
import { batchWrites } from './working-set/batch-writes.ts'
import type { WorkingSet } from './working-set/working-set.ts'

/** A unit, and the call that asked for it. */
export interface Work {
  readonly unit: Unit<unknown>
  readonly call: Correlation | undefined
}

/** The end of one unit of a batch. */
export type Outcome = { readonly value: unknown } | { readonly error: StintError }

/** Decides all units of a batch, one after the other: one that fails leaves nothing behind, and has its error as outcome. */
export async function decideAll(
  connection: PgConnection,
  batch: readonly Waiting<Work>[],
  set: WorkingSet,
): Promise<Outcome[]> {
  const run = async (statements: readonly Statement[]) =>
    statements.length === 0 ? [] : (await connection.round(statements)).map(({ rows }) => rows)
  const outcomes: Outcome[] = []
  for (const { work } of batch) outcomes.push(await decideOne(work, set, run))
  return outcomes
}

async function decideOne({ unit, call }: Work, set: WorkingSet, run: RunStatements): Promise<Outcome> {
  try {
    await unit.prepare?.(set, run)
    return { value: set.attempt(call, () => unit.decide(set)) }
  } catch (error) {
    if (sqlState(error) !== undefined || error instanceof ConnectionLost) throw error
    return { error: asStintError(error) }
  }
}

/** The writes of a batch that was decided. @throws {Unwritable} */
export function toWrites(set: WorkingSet): Statement[] {
  try {
    return batchWrites(set)
  } catch (error) {
    throw new Unwritable('a record cannot be written', { cause: error })
  }
}
