import type { ChainHead } from '../../src/ledger/audit/sealed-event.ts'
import { APPLICATION_ID, SqliteDatabase } from '../../src/ledger/sqlite/database/sqlite-database.ts'
import { MIGRATIONS, runMigrations } from '../../src/ledger/sqlite/migrations/run-migrations.ts'
import { SealedRecord } from './sealed-events.ts'

/** A ledger of a release before chains had names (schema 1 to 4), with nine events. @returns their head */
export function writeUnnamedChain(file: string, version: number, now: Date): ChainHead {
  const record = new SealedRecord()
  record.happened('', 9)
  const head = record.head('')
  const old = new SqliteDatabase(file)
  old.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA journal_mode = WAL`)
  runMigrations(old, { now, migrations: MIGRATIONS.slice(0, version) })
  old.exec("INSERT INTO names (n, text) VALUES (1, 'test.happened'), (2, 'stint')")
  for (const { seq, id, at, data, hash } of record.events) {
    const values = [seq, id, at.getTime(), JSON.stringify(data), Buffer.from(hash, 'hex')] as const
    old.run('INSERT INTO events (seq, id, type_n, actor_n, at, data, hash) VALUES (?, ?, 1, 2, ?, ?, ?)', ...values)
  }
  old.run('UPDATE audit_head SET seq = ?, hash = ?', head.seq, Buffer.from(head.hash, 'hex'))
  old.close()
  return head
}
