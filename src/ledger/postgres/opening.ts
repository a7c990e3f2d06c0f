import { KNOWN_EPOCHS, nextEpoch } from '../opening-numbers.ts'
import type { LedgerIdentity } from '../records.ts'
import type { PgConnection } from './database/pg-connection.ts'
import { isConflict, isLockTimeout } from './database/pg-errors.ts'
import type { TransactionFrame } from './database/transaction-frame.ts'
import { checkReadable, KNOWN_VERSION } from './migrations/run-migrations.ts'
import { FREE_CLAIMS } from './replicas/beat-unit.ts'

const TRIES = 4

/** Inputs of an opening. */
export interface OpeningInput {
  readonly replica: string
  /** The id for a ledger that has none yet. */
  readonly freshId: string
  /** The version of this program. */
  readonly version: string
}

/**
 * Puts this opening on record, beside whoever has the ledger open too. Claims of replicas that are gone are given back; one that
 * has died without a word counts as there until some replica has found it silent.
 *
 * @throws {StintError} LEDGER_VERSION_UNSUPPORTED when the schema was changed since it was looked at
 */
export async function joinLedger(
  connection: PgConnection,
  frame: TransactionFrame,
  input: OpeningInput,
): Promise<LedgerIdentity> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await tryJoin(connection, frame, input)
    } catch (error) {
      // Replicas that are at work have locks for a moment, and one that has died has them until the server notices.
      if (tried >= TRIES || !(isConflict(error) || isLockTimeout(error))) throw error
    }
  }
}

async function tryJoin(
  connection: PgConnection,
  frame: TransactionFrame,
  { replica, freshId, version }: OpeningInput,
): Promise<LedgerIdentity> {
  try {
    const { ledgerId, earlier } = await readOpenings(connection, frame, freshId)
    await checkReadable(connection)
    const epoch = nextEpoch(earlier[0])
    await connection.round([...writeOpening(replica, version, epoch), ...frame.commit])
    return { ledgerId, replica, epoch, earlierEpochs: new Set(earlier) }
  } catch (error) {
    await connection.round([frame.rollback]).catch(() => undefined)
    throw error
  }
}

/** The row of the identity is locked until the end: two openings come one after the other. */
async function readOpenings(connection: PgConnection, frame: TransactionFrame, freshId: string) {
  const [, , identity, openings] = await connection.round([
    frame.beginWrite,
    { text: 'INSERT INTO ledger_identity (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING', values: [freshId] },
    { text: 'SELECT id FROM ledger_identity FOR UPDATE' },
    { text: 'SELECT epoch FROM ledger_openings ORDER BY epoch DESC LIMIT $1::bigint', values: [KNOWN_EPOCHS] },
  ])
  return {
    ledgerId: (identity?.rows[0] as { id: string } | undefined)?.id ?? freshId,
    earlier: (openings?.rows ?? []).map((row) => (row as { epoch: number }).epoch),
  }
}

function writeOpening(replica: string, version: string, epoch: number) {
  return [
    {
      text: `INSERT INTO replicas (id, opened_at, seen_at, knows, version)
        VALUES ($1, clock_timestamp(), clock_timestamp(), $2, $3)`,
      values: [replica, KNOWN_VERSION, version],
    },
    { text: 'INSERT INTO ledger_openings (epoch) VALUES ($1)', values: [epoch] },
    // In the order in which batches of other replicas lock them.
    { text: 'SELECT 1 FROM deny_lists ORDER BY list_key FOR NO KEY UPDATE' },
    FREE_CLAIMS,
    {
      text: 'UPDATE deny_lists SET opened_version = claim_version WHERE opened_version IS DISTINCT FROM claim_version',
    },
  ]
}

/** Marks this replica as closed, so that the others need not wait until it is silent, and gives its claims back. */
export async function leaveLedger(connection: PgConnection, frame: TransactionFrame, replica: string): Promise<void> {
  const text = 'UPDATE replicas SET closed_at = clock_timestamp() WHERE id = $1'
  await connection.round([frame.beginWrite, { text, values: [replica] }, FREE_CLAIMS, ...frame.commit])
}
