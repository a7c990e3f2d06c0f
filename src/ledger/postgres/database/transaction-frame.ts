import { escapeLiteral } from 'pg'
import type { PgServer } from './pg-server.ts'
import type { Statement } from './statement.ts'

/** Longest time for which a broker that stands still may hold locks: it ends before the broker counts as silent. */
const IDLE_IN_TRANSACTION_MS = 5_000

/** The first and last statements of transactions. */
export interface TransactionFrame {
  readonly beginWrite: Statement
  /**
   * Its answer says whether the server is a standby, and how many batches of a replica it has.
   *
   * @param replica empty before there is one
   */
  beginRead(replica: string): Statement
  /** Ends a transaction that writes. */
  readonly commit: readonly Statement[]
  readonly rollback: Statement
}

/**
 * Creates the first and last statements of transactions. Every setting holds for one transaction, so a pooler may run each one on
 * another connection. Names are looked up in the schema of the ledger alone.
 *
 * @param synchronousCommit the server's setting when the ledger was opened: later changes weaken no commit.
 */
export function transactionFrame(
  { statementWithinMs, lockWithinMs }: Pick<PgServer, 'statementWithinMs' | 'lockWithinMs'>,
  { schema, synchronousCommit }: { readonly schema: string; readonly synchronousCommit: string },
): TransactionFrame {
  const common = `SET LOCAL search_path = "${schema}", pg_temp; SET LOCAL array_nulls = on; SET LOCAL statement_timeout = ${statementWithinMs};
    SET LOCAL lock_timeout = ${lockWithinMs}; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`
  return {
    beginWrite: {
      text: `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${common}; SET LOCAL synchronous_commit = ${synchronousCommit}`,
    },
    // One snapshot for all statements of a read.
    beginRead: (replica) => ({
      text: `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${common}; SELECT pg_is_in_recovery() AS "inRecovery"${
        replica === '' ? '' : `, (SELECT batch FROM replicas WHERE id = ${escapeLiteral(replica)}) AS batch`
      }`,
    }),
    // A time-out that struck while COMMIT waits for a standby would call it done before the standby has it.
    commit: [{ text: 'SET LOCAL statement_timeout = 0' }, { text: 'COMMIT' }],
    rollback: { text: 'ROLLBACK' },
  }
}
