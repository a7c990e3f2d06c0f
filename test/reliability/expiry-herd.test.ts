import { expect, test } from 'vitest'
import { caller, openHarness, task } from '../support/grant-harness.ts'
import { sampleLease, sampleOpen } from '../support/ledger-records.ts'

const HERD = 10_000

test('P7 P10: ten thousand grants that end in one second all end in one sweep, and a request between them is served', {
  timeout: 240_000,
}, async () => {
  const h = await openHarness()
  try {
    const now = h.clock.now()
    const opened = Array.from({ length: HERD }, (_, n) => {
      const deadline = new Date(now.getTime() + 60_000 + (n % 1_000))
      const grant = { idempotencyKey: `herd-key-${n}`, deadline, dueAt: deadline }
      const lease = { ...sampleLease(h.parts.ids, now), notAfter: deadline }
      return h.ledger.openGrant({ ...sampleOpen(h.parts.ids, now, { grant, lease }), events: [] })
    })
    await Promise.all(opened)
    expect((await h.ledger.countGrants()).active).toBe(HERD)
    await h.clock.advance(61_000)
    const sweeping = h.sweeper.sweep()
    let isSwept = false
    const swept = sweeping.then((moved) => {
      isSwept = true
      return moved
    })
    const answer = await h.request('key-between', task(), caller({ subject: 'spiffe://example.org/other' }))
    expect(answer.lease, 'the request is served').toBeDefined()
    expect(isSwept, 'before the herd is through').toBe(false)
    expect(await swept).toBe(HERD)
    const { active, ended } = await h.ledger.countGrants()
    expect({ active, ended }).toEqual({ active: 1, ended: HERD })
  } finally {
    await h.close()
    h.remove()
  }
})
