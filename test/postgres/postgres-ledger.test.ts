import { afterAll } from 'vitest'
import { ledgerContract } from '../contract/ledger.ts'
import { budgetContract } from '../contract/ledger-budgets.ts'
import { holdContract } from '../contract/ledger-holds.ts'
import { PostgresServer } from './postgres-server.ts'
import { tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

ledgerContract('PostgresLedger', () => tmpPostgresLedger(server.address(), { maxUnregistered: 3 }))
budgetContract('PostgresLedger', () => tmpPostgresLedger(server.address(), { maxUnregistered: 3 }))
holdContract('PostgresLedger', () => tmpPostgresLedger(server.address(), { maxUnregistered: 3 }))
