import type { Correlation } from '../../../core/correlation.ts'
import { StintError } from '../../../core/errors.ts'
import { failpoint } from '../../../core/process/failpoint.ts'
import type { AuditEventInput } from '../../events/audit-event.ts'
import type { GrantState } from '../../records.ts'
import { countChanges } from '../../rules/grant-rules.ts'
import type { ChainPlace, ChainWriter } from '../chain-writer.ts'
import type { CommitTarget } from './group-commit.ts'
import type { InternedTexts } from './interned-texts.ts'
import { isBusyError, isConstraintError, isStoreError, type SqliteDatabase } from './sqlite-database.ts'

/** The write side of one connection: what units share while a commit is being filled. */
export class SqliteTransaction implements CommitTarget {
  readonly db: SqliteDatabase
  readonly texts: InternedTexts
  readonly #chain: ChainWriter
  readonly #onUndo: () => void
  /** Changes of counters by key; those of the running unit join the batch's when it is kept. */
  #batchCounts = new Map<string, number>()
  #unitCounts = new Map<string, number>()
  /** In the second run of a batch, each unit runs alone. */
  #isAlone = false
  #call: Correlation | undefined

  constructor(deps: { db: SqliteDatabase; texts: InternedTexts; chain: ChainWriter; onUndo: () => void }) {
    this.db = deps.db
    this.texts = deps.texts
    this.#chain = deps.chain
    this.#onUndo = deps.onUndo
  }

  begin(): void {
    this.db.run('BEGIN IMMEDIATE')
  }

  isBusy(error: unknown): boolean {
    return isBusyError(error)
  }

  unguarded<T>(run: () => T): T {
    const value = run()
    this.#keepUnit()
    return value
  }

  unit<T>(run: () => T): T {
    const before = this.#chain.place
    this.db.run('SAVEPOINT unit')
    this.#isAlone = true
    try {
      const value = run()
      this.db.run('RELEASE unit')
      this.#keepUnit()
      return value
    } catch (error) {
      // The disk failed, or SQLite has undone the whole transaction: nothing of this batch can be kept.
      if (this.isFatal(error) || !this.db.isTransaction) throw error
      this.db.run('ROLLBACK TO unit')
      this.db.run('RELEASE unit')
      this.#chain.undoTo(before)
      this.#unitCounts.clear()
      this.texts.undo()
      this.#onUndo()
      throw isConstraintError(error) ? constraintConflict(error) : error
    } finally {
      this.#isAlone = false
    }
  }

  /**
   * Runs a part of the running unit that the rest can do without. In the second run of a batch, a part that throws is undone
   * alone and `onFailure` is called; in the first run it throws, so that there is a second, since a savepoint for each part
   * would cost all of them.
   */
  part(run: () => void, onFailure: (error: unknown) => void): void {
    if (!this.#isAlone) {
      run()
      return
    }
    const before: { place: ChainPlace; counts: Map<string, number>; texts: number } = {
      place: this.#chain.place,
      counts: new Map(this.#unitCounts),
      texts: this.texts.freshCount,
    }
    this.db.run('SAVEPOINT part')
    try {
      run()
      this.db.run('RELEASE part')
    } catch (error) {
      if (this.isFatal(error)) throw error
      this.db.run('ROLLBACK TO part')
      this.db.run('RELEASE part')
      this.#chain.undoTo(before.place)
      this.#unitCounts = before.counts
      this.texts.undo(before.texts)
      this.#onUndo()
      onFailure(isConstraintError(error) ? constraintConflict(error) : error)
    }
  }

  commit(): void {
    this.#writeCounts()
    this.#chain.writePlace()
    failpoint('ledger.before_commit')
    this.db.run('COMMIT')
    failpoint('ledger.after_commit')
    this.#chain.committed()
  }

  rollback(): void {
    this.#chain.rolledBack()
    this.#batchCounts.clear()
    this.#unitCounts.clear()
    this.texts.forget()
    this.#onUndo()
    try {
      if (this.db.isTransaction) this.db.run('ROLLBACK')
    } catch {
      // The connection is given up; the error that led here is what the callers are told.
    }
  }

  isFatal(error: unknown): boolean {
    return isStoreError(error) || !this.db.isTransaction
  }

  /** Runs the work of a unit on behalf of a call: its events carry the ids of that call. */
  onBehalfOf<T>(call: Correlation | undefined, run: () => T): T {
    this.#call = call
    return run()
  }

  /** Adds events to the chain, in the order given. */
  append(events: readonly AuditEventInput[]): void {
    for (const event of events) this.#chain.append(event, this.#call)
  }

  /** A grant came into a state, left one, or both. */
  count(subjectTextId: number, from: GrantState | undefined, to: GrantState | undefined): void {
    const { states, open } = countChanges(from, to)
    for (const { state, by } of states) this.#add(`s:${state}`, by)
    if (open !== 0) this.#add(`o:${subjectTextId}`, open)
  }

  /** Open grants of an agent, those of this commit included. */
  openCount(subjectTextId: number): number {
    const key = `o:${subjectTextId}`
    const row = this.db.get<{ count: number }>('SELECT count FROM open_counts WHERE subject_n = ?', subjectTextId)
    return (row?.count ?? 0) + (this.#batchCounts.get(key) ?? 0) + (this.#unitCounts.get(key) ?? 0)
  }

  #add(key: string, by: number): void {
    this.#unitCounts.set(key, (this.#unitCounts.get(key) ?? 0) + by)
  }

  #keepUnit(): void {
    for (const [key, by] of this.#unitCounts) this.#batchCounts.set(key, (this.#batchCounts.get(key) ?? 0) + by)
    this.#unitCounts.clear()
    this.texts.keep()
  }

  #writeCounts(): void {
    for (const [key, by] of this.#batchCounts) {
      if (by === 0) continue
      if (key.startsWith('s:')) this.#writeStateCount(key.slice(2), by)
      else this.#writeOpenCount(Number(key.slice(2)), by)
    }
    this.#batchCounts.clear()
  }

  #writeStateCount(state: string, by: number): void {
    this.db.run(
      'INSERT INTO state_counts VALUES (?1, ?2) ON CONFLICT (state) DO UPDATE SET count = count + ?2',
      state,
      by,
    )
  }

  #writeOpenCount(subjectTextId: number, by: number): void {
    this.db.run(
      'INSERT INTO open_counts VALUES (?1, ?2) ON CONFLICT (subject_n) DO UPDATE SET count = count + ?2',
      subjectTextId,
      by,
    )
    if (by < 0) this.db.run('DELETE FROM open_counts WHERE subject_n = ? AND count = 0', subjectTextId)
  }
}

function constraintConflict(cause: unknown): StintError {
  return new StintError(
    'LEDGER_CONFLICT',
    { explanation: 'The row already exists, or refers to a row that does not: read it again and repeat the decision.' },
    cause,
  )
}
