import { afterAll } from 'vitest'
import { offboardingContract } from '../contract/offboarding.ts'
import { PostgresServer } from './postgres-server.ts'
import { tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

offboardingContract('on PostgreSQL', () => tmpPostgresLedger(server.address()))
