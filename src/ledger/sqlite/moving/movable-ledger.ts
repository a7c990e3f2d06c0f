import { existsSync } from 'node:fs'
import { StintError } from '../../../core/errors.ts'
import type { AuditVerdict } from '../../audit/walk-chains.ts'
import type { LedgerContent } from '../../copying/ledger-content.ts'
import { verifyStored } from '../audit.ts'
import { lockFile } from '../database/file-lock.ts'
import { ledgerError, prepareFile, SqliteDatabase } from '../database/sqlite-database.ts'
import { markAsMoved, movedTo, removeMovedMark } from '../migrations/moved-mark.ts'
import { runMigrations } from '../migrations/run-migrations.ts'
import { sqliteContent } from './ledger-content.ts'

/** A ledger file that this process alone has open, to move what is in it elsewhere. */
export interface MovableLedger {
  readonly content: LedgerContent
  /** The audit log, which is whole. */
  readonly verdict: AuditVerdict
  /** Where it was moved to, or was about to be. */
  readonly movedTo: string | undefined
  /** From now on nothing opens the file as a ledger; durable. */
  markAsMoved(where: string, now: Date): void
  /** For a move that has not happened. */
  removeMark(): void
  close(): void
}

/**
 * Opens a ledger file for moving it; brings its schema up to date and verifies its audit log.
 *
 * @throws {StintError} NOT_FOUND, LEDGER_LOCKED when a process has it open, AUDIT_INVALID when its log is not whole, LEDGER_*
 */
export async function openMovableLedger(file: string, { now }: { readonly now: Date }): Promise<MovableLedger> {
  if (!existsSync(file)) throw new StintError('NOT_FOUND', { explanation: 'There is no such file.', file })
  const lock = lockFile(file)
  let db: SqliteDatabase | undefined
  const close = () => {
    db?.close()
    lock.release()
  }
  try {
    db = new SqliteDatabase(lock.path)
    return { ...(await prepare(db, { file, now })), close }
  } catch (error) {
    close()
    throw ledgerError(error, lock.path)
  }
}

async function prepare(db: SqliteDatabase, { file, now }: { file: string; now: Date }) {
  prepareFile(db)
  const moved = movedTo(db)
  // A file that is marked was brought up to date before.
  if (moved === undefined) runMigrations(db, { now })
  const verdict = await verifyStored(db)
  if (verdict.problem) {
    const explanation = `The audit log of the ledger does not verify, so it was not moved: ${verdict.problem.explanation} See "stint audit verify".`
    throw new StintError('AUDIT_INVALID', { explanation, file })
  }
  const content = sqliteContent(db)
  if (content.ledgerId === '')
    throw new StintError('NOT_FOUND', { explanation: 'No broker has used this ledger.', file })
  return {
    content,
    verdict,
    movedTo: moved,
    markAsMoved: (where: string, at: Date) => markAsMoved(db, where, at),
    removeMark: () => removeMovedMark(db),
  }
}
