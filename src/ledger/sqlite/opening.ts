import { KNOWN_EPOCHS, nextEpoch } from '../opening-numbers.ts'
import type { LedgerIdentity } from '../records.ts'
import type { SqliteDatabase } from './database/sqlite-database.ts'

/** Busy time of WAL's own short locks; other programs only ever read. */
export const BUSY_MS = 2_000
const SMALLEST_PAGE_BYTES = 512
/** 8 MB: what is asked for often is small. */
const READER_CACHE_KIB = 8_192

/** The identity of an opening, but for the process. */
export type Opening = Omit<LedgerIdentity, 'replica'>

/** Puts this opening on record, durably. @param freshId for a ledger that has none yet */
export function openIdentity(db: SqliteDatabase, freshId: string): Opening {
  db.run('INSERT INTO ledger_identity (one, id) VALUES (1, ?) ON CONFLICT (one) DO NOTHING', freshId)
  const ledgerId = db.get<{ id: string }>('SELECT id FROM ledger_identity')?.id ?? freshId
  const earlier = db
    .all<{ epoch: number }>('SELECT epoch FROM ledger_openings ORDER BY epoch DESC LIMIT ?', KNOWN_EPOCHS)
    .map(({ epoch }) => epoch)
  const epoch = nextEpoch(earlier[0])
  db.run('INSERT INTO ledger_openings (epoch) VALUES (?)', epoch)
  db.run('UPDATE deny_lists SET opened_version = claim_version')
  return { ledgerId, epoch, earlierEpochs: new Set(earlier) }
}

/** Keeps the writes of this connection from making the file larger than this; no bound without `maxBytes`. */
export function limitSize(db: SqliteDatabase, maxBytes: number | undefined): void {
  if (maxBytes === undefined) return
  const { page_size: pageBytes = SMALLEST_PAGE_BYTES } = db.get<{ page_size: number }>('PRAGMA page_size') ?? {}
  db.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`)
}

/** A connection that from now on only reads, beside the one that writes. */
export function makeReader(db: SqliteDatabase): void {
  db.exec(`PRAGMA query_only = ON; PRAGMA cache_size = -${READER_CACHE_KIB}`)
}
