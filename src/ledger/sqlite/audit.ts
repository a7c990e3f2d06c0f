import { StintError } from '../../core/errors.ts'
import {
  type ChainHead,
  type ChainLink,
  type ChainVerdict,
  dataText,
  EMPTY_HEAD,
  eventText,
  verifyLinks,
} from '../audit/audit-log.ts'
import { type EventRow, hexOf, selectEvent } from './rows.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

/** Events looked at when a ledger is opened; the whole log is for `stint audit verify`. */
const TAIL = 256
const CHUNK = 2_000

/**
 * Checks the last events against each other and against the recorded head.
 *
 * @returns the head.
 * @throws {StintError} LEDGER_CORRUPT with `seq` and `problem`.
 */
export async function verifyTail(db: SqliteDatabase): Promise<ChainHead> {
  const head = recordedHead(db)
  if (!head) throw corrupt('The recorded head of the audit log is not there.', 0, 'unreadable')
  const start = eventHead(db, Math.max(0, head.seq - TAIL))
  if (!start) throw corrupt(`Event ${head.seq - TAIL} is not there.`, head.seq - TAIL, 'missing')
  const verdict = await verifyLinks(storedLinks(db, start.seq), { start, expect: [head] })
  if (!verdict.ok) throw corrupt(verdict.explanation, verdict.seq, verdict.problem)
  if (verdict.head.seq !== head.seq) {
    throw corrupt(`The log goes on after its recorded head ${head.seq}.`, head.seq + 1, 'edited')
  }
  return verdict.head
}

/** Walks the whole log of a database, up to the head that it records now. */
export async function verifyStored(db: SqliteDatabase, expect: readonly ChainHead[]): Promise<ChainVerdict> {
  const head = recordedHead(db)
  if (!head) {
    return { ok: false, seq: 0, problem: 'unreadable', explanation: 'The recorded head of the audit log is not there.' }
  }
  // Where the head row itself was turned back, the log goes on after it.
  const verdict = await verifyLinks(storedLinks(db, 0), { expect: [head, ...expect] })
  if (!verdict.ok || verdict.head.seq === head.seq || (recordedHead(db)?.seq ?? 0) >= verdict.head.seq) return verdict
  return {
    ok: false,
    seq: head.seq + 1,
    problem: 'edited',
    explanation: `The log goes on after event ${head.seq}, which is recorded as its last.`,
  }
}

function recordedHead(db: SqliteDatabase): ChainHead | undefined {
  const row = db.get<{ seq: unknown; hash: unknown }>('SELECT seq, hash FROM audit_head')
  if (!row || typeof row.seq !== 'number' || !(row.hash instanceof Uint8Array)) return undefined
  return { seq: row.seq, hash: hexOf(row.hash) }
}

function eventHead(db: SqliteDatabase, seq: number): ChainHead | undefined {
  if (seq === 0) return EMPTY_HEAD
  const row = db.get<{ hash: Uint8Array }>('SELECT hash FROM events WHERE seq = ?', seq)
  return row && { seq, hash: hexOf(row.hash) }
}

/** Stored events in order, in chunks, so that no read holds the file for long. */
async function* storedLinks(db: SqliteDatabase, afterSeq: number) {
  // A file of an earlier release is verified as it is, without migrating it.
  const columns = db.all<{ name: string }>("SELECT name FROM pragma_table_info('events')").map(({ name }) => name)
  const select = selectEvent(columns)
  for (let after = afterSeq; ; ) {
    const rows = db.all<EventRow>(`${select} WHERE e.seq > ? ORDER BY e.seq LIMIT ?`, after, CHUNK)
    for (const row of rows) {
      after = row.seq
      yield (prevHash: string) => linkOfRow(row, prevHash)
    }
    if (rows.length < CHUNK) return
  }
}

/** The hash of the event before is not stored twice: it is what the chain says it is. */
function linkOfRow(row: EventRow, prevHash: string): ChainLink {
  const link = { seq: row.seq, prevHash, hash: row.hash instanceof Uint8Array ? hexOf(row.hash) : '', text: '' }
  try {
    if (row.data !== null && dataText(JSON.parse(row.data)) !== row.data) {
      return { ...link, unreadable: `The data of event ${row.seq} is not as it was written.` }
    }
    const input = {
      type: row.type ?? '',
      actor: row.actor ?? '',
      at: new Date(row.at),
      ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
      ...(row.lease_id === null ? {} : { leaseId: row.lease_id }),
      ...(row.request_id === null ? {} : { requestId: row.request_id }),
      ...(row.trace_id === null ? {} : { traceId: row.trace_id }),
    }
    return { ...link, text: eventText(input, row.id, row.seq, prevHash, row.data ?? undefined) }
  } catch {
    return { ...link, unreadable: `Event ${row.seq} cannot be read as an event.` }
  }
}

function corrupt(explanation: string, seq: number, problem: string): StintError {
  return new StintError('LEDGER_CORRUPT', {
    explanation: `${explanation} Keep the file as evidence, and restore a backup.`,
    seq,
    problem,
  })
}
