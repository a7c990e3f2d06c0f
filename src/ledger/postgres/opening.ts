import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { StintError } from '../../core/errors.ts'
import type { LedgerIdentity } from '../records.ts'
import type { PgConnection } from './database/pg-connection.ts'
import type { TransactionFrame } from './database/transaction-frame.ts'

/** A replica that has not been heard of for so long is silent: another one may take its place. */
export const SILENT_AFTER_MS = 10_000
/** A broker that has crashed is silent by then; one that lives is not. */
const WAIT_FOR_SILENCE_MS = 12_000
const LOOK_EVERY_MS = 500
/** A deny document can carry a write of one of so many openings. */
const KNOWN_EPOCHS = 1_000
const EPOCH_STEP = 1_000_000

interface OtherReplica {
  readonly id: string
  readonly is_silent: boolean
  readonly silent_ms: number
  /** To the microsecond. */
  readonly seen_at: string
}

/** When this process saw each other replica first as it is. */
type Watched = Map<string, { readonly seenAt: string; readonly since: number }>

/** Inputs of an opening. */
export interface OpeningInput {
  readonly replica: string
  /** The id for a ledger that has none yet. */
  readonly freshId: string
  readonly where: string
}

/**
 * Puts this opening on record, for this process alone: a replica that is silent is fenced off, so that nothing it still sends
 * has an effect; one that is not keeps this one out. Whoever had a claim is gone, so claims are given back at once.
 *
 * @throws {StintError} LEDGER_LOCKED
 */
export async function joinLedger(
  connection: PgConnection,
  frame: TransactionFrame,
  input: OpeningInput,
): Promise<LedgerIdentity> {
  const until = performance.now() + WAIT_FOR_SILENCE_MS
  const watched: Watched = new Map()
  for (;;) {
    const joined = await tryJoin(connection, frame, input, watched)
    if ('identity' in joined) return joined.identity
    if (performance.now() >= until) throw locked(joined.other, input.where)
    await pause(LOOK_EVERY_MS)
  }
}

async function tryJoin(
  connection: PgConnection,
  frame: TransactionFrame,
  input: OpeningInput,
  watched: Watched,
): Promise<{ identity: LedgerIdentity } | { other: OtherReplica }> {
  try {
    const { ledgerId, earlier, others } = await readOpenings(connection, frame, input.freshId)
    const [other] = others.filter((one) => !one.is_silent && !hasStoodStill(one, watched))
    if (other) {
      await connection.round([frame.rollback])
      return { other }
    }
    // A copy of this ledger that is opened too must not come to the same number.
    const epoch = (Math.floor((earlier[0] ?? 0) / EPOCH_STEP) + 1) * EPOCH_STEP + randomInt(EPOCH_STEP)
    await connection.round([...writeOpening(input.replica, epoch), ...frame.commit])
    return { identity: { ledgerId, epoch, earlierEpochs: new Set(earlier) } }
  } catch (error) {
    await connection.round([frame.rollback]).catch(() => undefined)
    throw error
  }
}

/** The clock of the database may have been set back, or be that of another server: what stands still is silent too. */
function hasStoodStill({ id, seen_at: seenAt }: OtherReplica, watched: Watched): boolean {
  const known = watched.get(id)
  if (known?.seenAt === seenAt) return performance.now() - known.since >= SILENT_AFTER_MS
  watched.set(id, { seenAt, since: performance.now() })
  return false
}

/** The row of the identity is locked until the end: two openings come one after the other. */
async function readOpenings(connection: PgConnection, frame: TransactionFrame, freshId: string) {
  const [, , identity, openings, replicas] = await connection.round([
    frame.beginWrite,
    { text: 'INSERT INTO ledger_identity (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING', values: [freshId] },
    { text: 'SELECT id FROM ledger_identity FOR UPDATE' },
    { text: 'SELECT epoch FROM ledger_openings ORDER BY epoch DESC LIMIT $1::bigint', values: [KNOWN_EPOCHS] },
    {
      text: `SELECT id, seen_at < clock_timestamp() - make_interval(secs => $1::double precision) AS is_silent,
        greatest(0, (extract(epoch FROM clock_timestamp() - seen_at) * 1000)::bigint) AS silent_ms, seen_at
        FROM replicas WHERE closed_at IS NULL`,
      values: [SILENT_AFTER_MS / 1_000],
    },
  ])
  return {
    ledgerId: (identity?.rows[0] as { id: string } | undefined)?.id ?? freshId,
    earlier: (openings?.rows ?? []).map((row) => (row as { epoch: number }).epoch),
    others: (replicas?.rows ?? []) as unknown as OtherReplica[],
  }
}

function writeOpening(replica: string, epoch: number) {
  return [
    { text: 'UPDATE replicas SET fence = fence + 1, closed_at = clock_timestamp() WHERE closed_at IS NULL' },
    {
      text: 'INSERT INTO replicas (id, opened_at, seen_at) VALUES ($1, clock_timestamp(), clock_timestamp())',
      values: [replica],
    },
    { text: 'INSERT INTO ledger_openings (epoch) VALUES ($1)', values: [epoch] },
    { text: 'UPDATE deny_lists SET opened_version = claim_version, claimed_by = NULL, claimed_until = NULL' },
  ]
}

/** Marks this replica as closed, so that the next broker need not wait until it counts as silent. */
export async function leaveLedger(connection: PgConnection, frame: TransactionFrame, replica: string): Promise<void> {
  const text = 'UPDATE replicas SET closed_at = clock_timestamp() WHERE id = $1'
  await connection.round([frame.beginWrite, { text, values: [replica] }, ...frame.commit])
}

function locked({ id, silent_ms }: OtherReplica, where: string): StintError {
  const explanation = `Another broker (${id}) has the ledger at ${where} open; it was heard of ${silent_ms} ms ago. One broker at a time may use it: stop the other one, or give this one a schema or a database of its own.`
  return new StintError('LEDGER_LOCKED', { explanation, server: where, replica: id })
}
