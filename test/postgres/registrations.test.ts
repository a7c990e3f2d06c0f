import assert from 'node:assert/strict'
import { afterAll, test } from 'vitest'
import { registerLab, registrationContract } from '../contract/registrations.ts'
import { PostgresServer } from './postgres-server.ts'
import { tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

registrationContract('PostgresLedger', () => tmpPostgresLedger(server.address()))

test('two replicas that make one registration at once: one of them does', async () => {
  const first = await tmpPostgresLedger(server.address())
  try {
    const second = await first.join()
    const made = await Promise.allSettled([
      first.ledger.changeRegistration(registerLab()),
      second.changeRegistration(registerLab({ name: 'other' })),
    ])
    assert.deepEqual(
      made.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : [])),
      ['REGISTRATION_EXISTS'],
    )
    assert.equal((await second.registrations()).registrations.length, 1)
    assert.equal(await second.registrationsMark(), await first.ledger.registrationsMark())
  } finally {
    await first.dispose()
  }
})
