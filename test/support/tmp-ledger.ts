import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ids } from '../../src/core/ids.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger, type SqliteLedgerOptions } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { countingIds } from './ledger-records.ts'
import { ManualClock } from './manual-clock.ts'

export interface TmpLedger {
  readonly file: string
  readonly clock: ManualClock
  readonly ids: Ids
  readonly ledger: Ledger
  /** Closes the ledger and opens the same file again. */
  reopen(): Promise<Ledger>
  /** Closes what is open and removes the folder. */
  dispose(): Promise<void>
}

/** A SQLite ledger in a folder of its own. */
export async function tmpLedger(options: Partial<SqliteLedgerOptions> = {}): Promise<TmpLedger> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-ledger-'))
  const file = options.file ?? join(folder, 'stint.db')
  const clock = new ManualClock()
  const ids = countingIds()
  const open = () => openSqliteLedger({ file, clock, ids, ...options })
  let ledger = await open()
  return {
    file,
    clock,
    ids,
    get ledger() {
      return ledger
    },
    reopen: async () => {
      await ledger.close()
      ledger = await open()
      return ledger
    },
    dispose: async () => {
      await ledger.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
