import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'vitest'
import { registerLab, registrationContract } from '../../contract/registrations.ts'
import { tmpLedger } from '../../support/tmp-ledger.ts'

registrationContract('SqliteLedger', () => tmpLedger())
registrationContract('SqliteLedger with a writer of its own', () => tmpLedger({ inThread: true }))

// Left out, it would hand its agents to a registration with a wider match.
test('a damaged registration keeps its match, and serves nobody', async () => {
  const damaged: string[] = []
  const opened = await tmpLedger({ onRow: { onDamaged: (row) => damaged.push(row), onReadable: () => undefined } })
  try {
    await opened.ledger.changeRegistration(registerLab())
    const db = new DatabaseSync(opened.file)
    db.exec("UPDATE registrations SET body = '{'")
    db.close()
    const [found] = (await opened.ledger.registrations()).registrations
    assert.equal(found?.fields.match, 'spiffe://example.org/lab/*')
    assert.equal(found?.fields.expiresAt.getTime(), 0)
    assert.equal(found?.isDamaged, true)
    assert.deepEqual(damaged, ['registration:lab'])
  } finally {
    await opened.dispose()
  }
})
