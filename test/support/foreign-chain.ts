import { DatabaseSync } from 'node:sqlite'
import { type ChainHead, dataText } from '../../src/ledger/audit/sealed-event.ts'
import { SealedRecord } from './sealed-events.ts'

/**
 * Writes chains of other processes into a ledger file, as a store that several replicas share would have them: each with its
 * opening event.
 *
 * @returns their heads
 */
export function writeForeignChains(file: string, chains: readonly string[]): ChainHead[] {
  const record = new SealedRecord()
  const db = new DatabaseSync(file)
  db.exec("INSERT OR IGNORE INTO names (text) VALUES ('chain.opened'), ('stint')")
  const name = "(SELECT n FROM names WHERE text = 'chain.opened'), (SELECT n FROM names WHERE text = 'stint')"
  for (const chain of chains) {
    const { id, seq, at, data, hash } = record.opened(chain)
    const bytes = Buffer.from(hash, 'hex')
    const { lastInsertRowid } = db.prepare('INSERT INTO chains (id, seq, hash) VALUES (?, ?, ?)').run(chain, seq, bytes)
    db.prepare(
      `INSERT INTO events (id, chain_n, seq, type_n, actor_n, at, data, hash) VALUES (?, ?, ?, ${name}, ?, ?, ?)`,
    ).run(id, lastInsertRowid, seq, at.getTime(), dataText(data ?? null), bytes)
  }
  db.close()
  return chains.map((chain) => record.head(chain))
}
