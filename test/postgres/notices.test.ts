import { afterAll } from 'vitest'
import { noticeContract } from '../contract/notices.ts'
import { PostgresServer } from './postgres-server.ts'
import { tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

noticeContract('PostgresLedger', () => tmpPostgresLedger(server.address()))
