import type { PgConnection } from './database/pg-connection.ts'
import { checkServer, type PgServer, SERVER_FACTS, type ServerFacts, serverText } from './database/pg-server.ts'
import { type TransactionFrame, transactionFrame } from './database/transaction-frame.ts'

/** Checks the server, and returns the statements that begin and end transactions on it. @throws {StintError} LEDGER_UNAVAILABLE */
export async function prepareFrame(
  connection: PgConnection,
  server: PgServer,
  schema: string,
): Promise<TransactionFrame> {
  const [answer] = await connection.round([{ text: `SELECT ${SERVER_FACTS}` }])
  const facts = answer?.rows[0] as unknown as ServerFacts
  checkServer(facts, serverText(server))
  return transactionFrame(server, { schema, synchronousCommit: facts.synchronousCommit })
}
