import { afterAll } from 'vitest'
import { ledgerContract } from '../contract/ledger.ts'
import { PostgresServer } from './postgres-server.ts'
import { tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

ledgerContract('PostgresLedger', () => tmpPostgresLedger(server.address(), { maxUnregistered: 3 }))
