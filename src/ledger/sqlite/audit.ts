import { StintError } from '../../core/errors.ts'
import { type ChainHead, toHead } from '../audit/sealed-event.ts'
import { toChainLink } from '../audit/stored-event.ts'
import { type AuditProblem, type AuditVerdict, type UnverifiedEvent, walkChains } from '../audit/walk-chains.ts'
import { toHex } from '../row-values.ts'
import type { SqliteDatabase } from './database/sqlite-database.ts'
import { type EventRow, selectEvent } from './rows/event-rows.ts'

/** Events looked at when a ledger is opened; the whole log is for `stint audit verify`. */
const TAIL = 256
const CHUNK = 2_000
/** Positions begin with 1; an event before that was put there by somebody else, and is walked too. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER

/**
 * Checks the last events against each other and against the recorded heads.
 *
 * @throws {StintError} LEDGER_CORRUPT with `chain`, `seq` and `problem`.
 */
export async function verifyTail(db: SqliteDatabase): Promise<void> {
  const { last } = db.get<{ last: number | null }>('SELECT max(position) AS last FROM events') ?? { last: null }
  const from = last !== null && last > TAIL ? last - TAIL : BEFORE_ALL
  const claimed = recordedHeads(db)
  const start = claimed && headsBefore(db, from, claimed)
  if (!start) throw corrupt(damage('A recorded head of the audit log cannot be read.'))
  const { problem, grown } = await verifyEvents(db, { from, start, claimed })
  if (problem) throw corrupt(problem)
  if (grown) throw corrupt(grown)
}

/** Walks the whole log of a database, up to the heads that it records now. */
export async function verifyStored(db: SqliteDatabase, saved: readonly ChainHead[] = []): Promise<AuditVerdict> {
  const claimed = recordedHeads(db)
  if (!claimed) return damagedRecord('A recorded head of the audit log cannot be read.')
  const { grown, ...verdict } = await verifyEvents(db, { from: BEFORE_ALL, start: [], claimed, saved })
  return grown && !verdict.problem ? { ...verdict, verdict: 'broken', unwitnessed: [], problem: grown } : verdict
}

/** The verdict over a record that cannot be walked at all. */
export function damagedRecord(explanation: string): AuditVerdict {
  return { verdict: 'broken', events: 0, chains: 0, heads: [], unwitnessed: [], problem: damage(explanation) }
}

function damage(explanation: string): AuditProblem {
  return { chain: '', seq: 0, kind: 'unreadable', explanation }
}

/** `grown`: a chain goes on after its recorded head, and not because it was written meanwhile. */
async function verifyEvents(
  db: SqliteDatabase,
  known: {
    readonly from: number
    readonly start: readonly ChainHead[]
    readonly claimed: readonly ChainHead[]
    readonly saved?: readonly ChainHead[]
  },
): Promise<AuditVerdict & { readonly grown?: AuditProblem }> {
  const ends = new Map(known.start.map((head) => [head.chain, head.seq]))
  const verdict = await walkChains(storedEvents(db, known.from, ends), known)
  if (verdict.problem) return verdict
  // Where the row of a head was turned back, the chain goes on after it.
  const now = new Map(recordedHeads(db)?.map(({ chain, seq }) => [chain, seq]))
  for (const [chain, seq] of ends) {
    const recorded = now.get(chain) ?? 0
    if (seq <= recorded) continue
    const explanation = `The chain continues after event ${recorded}, which is recorded as its last.`
    return { ...verdict, grown: { chain, seq: recorded + 1, kind: 'edited', explanation } }
  }
  return verdict
}

/** The recorded head of every chain; undefined when one cannot be read. */
function recordedHeads(db: SqliteDatabase): ChainHead[] | undefined {
  const rows = hasTable(db, 'chains')
    ? db.all<{ chain: unknown; seq: unknown; hash: unknown }>('SELECT id AS chain, seq, hash FROM chains ORDER BY n')
    : db.all<{ chain: unknown; seq: unknown; hash: unknown }>("SELECT '' AS chain, seq, hash FROM audit_head")
  const heads = rows.flatMap(({ chain, seq, hash }) =>
    typeof chain === 'string' && typeof seq === 'number' && hash instanceof Uint8Array
      ? [{ chain, seq, hash: toHex(hash) }]
      : [],
  )
  return heads.length === rows.length ? heads : undefined
}

function hasTable(db: SqliteDatabase, name: string): boolean {
  return db.get('SELECT 1 AS one FROM sqlite_schema WHERE name = ?', name) !== undefined
}

/**
 * Where each chain was before a position. One without events after it ends there as it is recorded; the newest has to have
 * events after it.
 */
function headsBefore(db: SqliteDatabase, position: number, claimed: readonly ChainHead[]): ChainHead[] | undefined {
  const begun = db.all<{ chain: string | null; chain_n: number | null; first: number }>(
    `SELECT coalesce(c.id, '') AS chain, e.chain_n, min(coalesce(e.seq, e.position)) AS first
     FROM events e LEFT JOIN chains c ON c.n = e.chain_n WHERE e.position > ? GROUP BY e.chain_n`,
    position,
  )
  const firsts = new Map(begun.map((row) => [row.chain, row]))
  const newest = claimed.findLast(({ seq }) => seq > 0)
  const heads = claimed.map((head) => {
    const row = firsts.get(head.chain)
    if (!row) return head === newest ? undefined : head
    return row.first === 1 ? undefined : eventBefore(db, position, head.chain, row.chain_n)
  })
  return heads.filter((head) => head !== undefined)
}

function eventBefore(db: SqliteDatabase, position: number, chain: string, rowId: number | null): ChainHead | undefined {
  const row = db.get<{ seq: number; hash: Uint8Array }>(
    `SELECT coalesce(seq, position) AS seq, hash FROM events WHERE chain_n IS ? AND position <= ?
     ORDER BY position DESC LIMIT 1`,
    rowId,
    position,
  )
  return row && toHead({ chain, seq: row.seq, hash: toHex(row.hash) })
}

/**
 * Stored events in order, in chunks, so that no read holds the file for long.
 *
 * @param ends is filled in with the last number of each chain.
 */
async function* storedEvents(
  db: SqliteDatabase,
  from: number,
  ends: Map<string, number>,
): AsyncGenerator<UnverifiedEvent> {
  // A file of an earlier release is verified as it is, without migrating it.
  const columns = db.all<{ name: string }>("SELECT name FROM pragma_table_info('events')").map(({ name }) => name)
  const select = selectEvent(columns)
  for (let after = from; ; ) {
    const rows = db.all<EventRow>(`${select} WHERE position > ? ORDER BY position LIMIT ?`, after, CHUNK)
    for (const row of rows) {
      after = row.position
      const { chain } = row
      if (chain !== null) ends.set(chain, row.seq)
      yield {
        chain: chain ?? undefined,
        read: (prevHash) => toChainLink(row, prevHash, row.hash instanceof Uint8Array ? toHex(row.hash) : ''),
      }
    }
    if (rows.length < CHUNK) return
  }
}

function corrupt({ chain, seq, kind, explanation }: AuditProblem): StintError {
  return new StintError('LEDGER_CORRUPT', {
    explanation: `${explanation} Keep the file as evidence, and restore a backup.`,
    ...(chain === '' ? {} : { chain }),
    seq,
    problem: kind,
  })
}
