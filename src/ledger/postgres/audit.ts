import { StintError } from '../../core/errors.ts'
import type { ChainHead } from '../audit/sealed-event.ts'
import { toChainLink } from '../audit/stored-event.ts'
import { type AuditProblem, type AuditVerdict, type UnverifiedEvent, walkChains } from '../audit/walk-chains.ts'
import type { ReadPool } from './database/read-pool.ts'
import type { Statement } from './database/statement.ts'
import { type EventRow, SELECT_EVENT } from './rows/event-rows.ts'

/** Events looked at when a ledger is opened; the whole log is for `stint audit verify`. */
const TAIL = 256
const CHUNK = 1_000
const FROM = `(SELECT coalesce(max(position), 0) - ${TAIL} FROM events)`

/** Reads over one snapshot each, or over one for all of them. */
type Reads = Pick<ReadPool, 'read'>

/** A chain as it is on record, and what is stored of its end. */
interface RecordedChain extends ChainHead {
  /** Hash of the event that is recorded as its last. */
  readonly stored: string | null
  /** True if there are events after that one. */
  readonly has_more: boolean
}

/** The first event of a chain in the tail, and the hash of the one before. */
interface ChainStart {
  readonly chain: string | null
  readonly first: number
  readonly before: string | null
}

const CHAINS: Statement = {
  text: `SELECT c.id AS chain, c.seq, encode(c.hash, 'hex') AS hash, encode(e.hash, 'hex') AS stored,
    EXISTS (SELECT 1 FROM events m WHERE m.chain_n = c.n AND m.seq > c.seq) AS has_more
    FROM chains c LEFT JOIN events e ON e.chain_n = c.n AND e.seq = c.seq ORDER BY c.n`,
}

const STARTS: Statement = {
  text: `SELECT c.id AS chain, f.first, encode(p.hash, 'hex') AS before
    FROM (SELECT chain_n, min(seq) AS first FROM events WHERE position > ${FROM} GROUP BY chain_n) f
    LEFT JOIN chains c ON c.n = f.chain_n LEFT JOIN events p ON p.chain_n = f.chain_n AND p.seq = f.first - 1`,
}

const EVENTS: Statement = { text: `${SELECT_EVENT} WHERE e.position > ${FROM} ORDER BY e.position` }

/**
 * Checks the last events against each other and against the recorded heads, and the end of every chain, whoever wrote it.
 *
 * @throws {StintError} LEDGER_CORRUPT with `chain`, `seq` and `problem`.
 */
export async function verifyTail(reads: Reads): Promise<void> {
  const [chainRows, startRows, eventRows] = await reads.read([CHAINS, STARTS, EVENTS])
  const chains = chainRows as unknown as RecordedChain[]
  const ended = chains.map(findEndProblem).find((problem) => problem !== undefined)
  if (ended) throw corrupt(ended)
  const starts = new Map((startRows as unknown as ChainStart[]).map((start) => [start.chain, start]))
  const claimed = chains.map(({ chain, seq, hash }) => ({ chain, seq, hash }))
  const start = claimed.flatMap((head) => headBefore(head, starts.get(head.chain)))
  const { problem } = await walkChains((eventRows as unknown as EventRow[]).map(unverified), { start, claimed })
  if (problem) throw corrupt(problem)
}

function findEndProblem({ chain, seq, hash, stored, has_more }: RecordedChain): AuditProblem | undefined {
  if (has_more) {
    const explanation = `The chain continues after event ${seq}, which is recorded as its last.`
    return { chain, seq: seq + 1, kind: 'edited', explanation }
  }
  if (stored === null) {
    return {
      chain,
      seq,
      kind: 'truncated',
      explanation: `Event ${seq}, recorded as the last of its chain, is not there.`,
    }
  }
  if (stored === hash) return undefined
  return {
    chain,
    seq,
    kind: 'edited',
    explanation: `Event ${seq} is not the one that is recorded as the last of its chain.`,
  }
}

/**
 * Walks the whole log, up to the heads that are recorded now. Events that are written meanwhile are walked too.
 *
 * @param saved heads that the record must still contain
 */
export async function verifyStored(reads: Reads, saved: readonly ChainHead[] = []): Promise<AuditVerdict> {
  const [chainRows = []] = await reads.read([CHAINS])
  const claimed = (chainRows as unknown as RecordedChain[]).map(({ chain, seq, hash }) => ({ chain, seq, hash }))
  return walkChains(storedEvents(reads), { claimed, saved })
}

/** All events in order, read in chunks, so that no read holds a snapshot for long. */
async function* storedEvents(reads: Reads): AsyncGenerator<UnverifiedEvent> {
  const text = `${SELECT_EVENT} WHERE e.position > $1::bigint ORDER BY e.position LIMIT $2::bigint`
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const [rows = []] = await reads.read([{ text, values: [after, CHUNK] }])
    for (const row of rows as unknown as EventRow[]) {
      after = row.position
      yield unverified(row)
    }
    // A position that no number can hold is nobody's: what comes after it is missed by the head of its chain.
    if (rows.length < CHUNK || Number.isNaN(after)) return
  }
}

function unverified(row: EventRow): UnverifiedEvent {
  return { chain: row.chain ?? undefined, read: (prevHash) => toChainLink(row, prevHash, row.hash) }
}

/** A chain without events in the tail ends before it, as it is recorded. */
function headBefore(head: ChainHead, start: ChainStart | undefined): ChainHead[] {
  if (!start) return [head]
  return start.first === 1 || start.before === null ? [] : [{ ...head, seq: start.first - 1, hash: start.before }]
}

function corrupt({ chain, seq, kind, explanation }: AuditProblem): StintError {
  return new StintError('LEDGER_CORRUPT', {
    explanation: `${explanation} Keep the database as evidence, and restore a backup.`,
    chain,
    seq,
    problem: kind,
  })
}
