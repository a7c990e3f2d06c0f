import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { ROLE } from '../support/fake-provider.ts'
import { type Harness, OSCAR, openHarness } from '../support/grant-harness.ts'

const FIRST = `inline:${ROLE}`
const SECOND = 'attached:arn:aws:iam::123456789012:policy/stint-deny-2'
const THIRD = 'attached:arn:aws:iam::123456789012:policy/stint-deny-3'
const TEMPLATE = { digest: 'the template', exists: true }

let h: Harness
beforeEach(async () => {
  h = await openHarness()
  h.provider.capacity = 2
  for (const key of [SECOND, THIRD]) h.provider.further.set(key, TEMPLATE)
})
afterEach(async () => {
  await h.close()
  h.remove()
})

let keys = 0
const revoke = async (n = 1) => {
  const ids: string[] = []
  for (let at = 0; at < n; at += 1) {
    keys += 1
    const { grant } = await h.request(`key-${String(keys).padStart(8, '0')}`)
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    ids.push(grant.id)
  }
  return ids
}
const pass = async (ms = 0) => {
  if (ms > 0) await h.clock.advance(ms)
  await h.sweeper.reconcile()
}
const named = () => [FIRST, SECOND, THIRD].map((key) => h.provider.namedIn(key))
const allNamed = () => named().flat().sort()
const failing = (wanted: string, code: 'PROVIDER_REFUSED' | 'PROVIDER_UNAVAILABLE') => (key: string) => {
  if (key === wanted) throw new StintError(code, { explanation: `no ${key}` })
}
const reopen = async () => {
  const { provider, folder, clock } = h
  await h.close()
  h = await openHarness({ provider, folder, clock })
}

describe('a list with several documents', () => {
  test('has as many places as all of them, and writes no more of them than it needs', async () => {
    const first = await revoke(2)
    await pass()
    expect(named()).toEqual([first.toSorted(), [], []])
    expect(h.provider.further.get(SECOND)).not.toEqual(TEMPLATE) // it carries our mark from the first pass on
    const writes = h.provider.written.length
    const more = await revoke(1)
    await pass()
    expect(named()).toEqual([first.toSorted(), more, []])
    expect(h.provider.written.length - writes).toBe(1)
    const rest = await revoke(3)
    await pass()
    expect(allNamed()).toEqual([...first, ...more, ...rest].sort())
    for (const id of rest) expect(await h.ledger.findDenyEntry(id)).toMatchObject({ writtenAt: expect.any(Date) })
    expect(await h.ledger.getDenyList(FIRST)).not.toHaveProperty('watermark')
  })

  test('is under a common watermark in every document once the sum is full', async () => {
    const ids = await revoke(7)
    await pass()
    const { watermark } = (await h.ledger.getDenyList(FIRST)) ?? {}
    expect(watermark).toBeInstanceOf(Date)
    for (const document of [h.provider.document, ...h.provider.further.values()])
      expect(JSON.parse(document.digest).watermark).toBe(watermark?.toISOString())
    for (const id of ids) expect(await h.ledger.findDenyEntry(id)).toMatchObject({ writtenAt: expect.any(Date) })
  })

  test('lets go of what is over, in each', async () => {
    await revoke(5)
    await pass()
    await pass(600_000)
    expect(allNamed()).toEqual([])
    expect(h.problems).toEqual([])
  })

  test('holds in the others what a document would have held that fails, and names that one', async () => {
    const first = await revoke(2)
    await pass()
    h.provider.beforeWrite = (_, key) => failing(SECOND, 'PROVIDER_REFUSED')(key)
    const more = await revoke(2)
    await pass()
    expect(named()).toEqual([first.toSorted(), [], more.toSorted()])
    for (const id of more) expect(await h.ledger.findDenyEntry(id)).toMatchObject({ writtenAt: expect.any(Date) })
    expect(h.problems).toMatchObject([{ component: `deny:${SECOND}`, error: { code: 'PROVIDER_REFUSED' } }])
    const { documents, attempts } = (await h.ledger.getDenyList(FIRST)) ?? {}
    expect(attempts).toBe(0)
    expect(documents).toMatchObject([
      { key: FIRST, attempts: 0 },
      { key: SECOND, attempts: 1, lastError: expect.stringContaining(`no ${SECOND}`), failingSince: expect.any(Date) },
      { key: THIRD, attempts: 0 },
    ])
    const failed = (await h.ledger.auditEvents({ afterPosition: 0, limit: 1_000 })).filter(
      ({ type }) => type === 'deny.failed',
    )
    expect(failed).toMatchObject([{ data: { denyList: FIRST, document: SECOND, attempt: 1 } }])

    h.provider.beforeWrite = () => {}
    await pass(120_000)
    expect(h.well).toContain(`deny:${SECOND}`)
    expect((await h.ledger.getDenyList(FIRST))?.documents).toMatchObject([{}, { attempts: 0 }, {}])
  })

  test('goes on without its first document', async () => {
    h.provider.beforeRead = failing(FIRST, 'PROVIDER_UNAVAILABLE')
    const ids = await revoke(3)
    await pass()
    expect(h.provider.namedIn(FIRST)).toEqual([])
    expect([...h.provider.namedIn(SECOND), ...h.provider.namedIn(THIRD)].sort()).toEqual(ids.toSorted())
    expect(h.problems).toMatchObject([{ component: `deny:${FIRST}` }])
  })

  test('does not wait for a document that hangs', async () => {
    const ids = await revoke(2)
    const hanging = Promise.withResolvers<void>()
    h.provider.beforeRead = (key) => (key === SECOND ? hanging.promise : undefined)
    const reconciled = h.sweeper.reconcile()
    await vi.waitFor(() => expect(h.clock.sleepers).toBeGreaterThan(0))
    await h.clock.advance(5_000)
    await reconciled
    expect(h.provider.namedIn(FIRST)).toEqual(ids.toSorted())
    expect(h.problems).toMatchObject([{ component: `deny:${SECOND}`, error: { code: 'PROVIDER_UNAVAILABLE' } }])
    hanging.resolve()
  })

  test('fails as a whole when none of its documents can be written', async () => {
    h.provider.beforeRead = () => {
      throw new StintError('PROVIDER_UNAVAILABLE', { explanation: 'IAM is away' })
    }
    const [id = ''] = await revoke()
    await pass()
    expect(await h.ledger.findDenyEntry(id)).not.toHaveProperty('writtenAt')
    expect(await h.ledger.getDenyList(FIRST)).toMatchObject({
      attempts: 1,
      lastError: expect.stringContaining('IAM is away'),
    })
    h.provider.beforeRead = () => {}
    await pass(60_000)
    expect(allNamed()).toEqual([id])
  })

  test('moves what a document holds that the cloud refuses to show, and keeps what one holds that is away for a moment', async () => {
    const ids = await revoke(4)
    await pass()
    const held = h.provider.namedIn(SECOND)
    h.provider.beforeRead = failing(SECOND, 'PROVIDER_UNAVAILABLE')
    await pass(60_000)
    expect(h.provider.namedIn(THIRD)).toEqual([])
    h.provider.beforeRead = failing(SECOND, 'PROVIDER_REFUSED')
    await pass(120_000)
    expect(h.provider.namedIn(THIRD)).toEqual(held)
    expect(allNamed()).toEqual([...ids, ...held].sort())
  })

  test('undoes an edit of a further document, also one made while the broker was down', async () => {
    const ids = await revoke(3)
    await pass()
    const [in2 = ''] = h.provider.namedIn(SECOND)
    h.provider.further.set(SECOND, { digest: '{"grants":[]}', exists: true })
    await reopen()
    await pass(60_000)
    expect(allNamed()).toEqual(ids.toSorted())
    expect(allNamed()).toContain(in2)
    expect(h.problems).toMatchObject([{ component: `deny:${SECOND}:changed`, error: { code: 'DENY_LIST_CHANGED' } }])
  })

  test('writes none of its documents where a later state of this ledger wrote one', async () => {
    await revoke(1)
    await pass()
    const { ledgerId } = h.ledger.identity
    const mark = { ledgerId, epoch: 99, sequence: 9 }
    h.provider.further.set(THIRD, { digest: 'theirs', exists: true, mark })
    const writes = h.provider.written.length
    const [id = ''] = await revoke(1)
    await pass(60_000)
    expect(h.provider.written).toHaveLength(writes)
    expect(await h.ledger.findDenyEntry(id)).not.toHaveProperty('writtenAt')
    expect(h.problems).toMatchObject([
      { component: `deny:${THIRD}`, error: { code: 'LEDGER_OUTDATED' } },
      { component: `deny:${FIRST}`, error: { code: 'LEDGER_OUTDATED' } },
    ])
    await pass(60_000)
    expect((await h.events()).filter((type) => type === 'deny.withheld')).toHaveLength(1)
  })

  test('leaves alone one that another ledger writes, and goes on with the others', async () => {
    const mark = { ledgerId: 'ABCDEFGHJKMN', epoch: 9, sequence: 9 }
    h.provider.further.set(SECOND, { digest: 'theirs', exists: true, mark })
    const ids = await revoke(4)
    await pass()
    expect(h.provider.further.get(SECOND)?.digest).toBe('theirs')
    expect([...h.provider.namedIn(FIRST), ...h.provider.namedIn(THIRD)].sort()).toEqual(ids.toSorted())
    expect((await h.events()).filter((type) => type === 'deny.withheld')).toHaveLength(1)
    expect(h.problems).toMatchObject([{ component: `deny:${SECOND}`, error: { code: 'LEDGER_OUTDATED' } }])
  })

  test('a crash between two documents leaves every entry that one of them held, and the next start goes on', async () => {
    const before = await revoke(2)
    await pass()
    const ids = await revoke(3)
    let writes = 0
    h.provider.beforeWrite = () => {
      writes += 1
      if (writes > 1) throw new Error('killed')
    }
    await h.sweeper.reconcile().catch(() => undefined)
    for (const id of before) expect(allNamed()).toContain(id)
    h.provider.beforeWrite = () => {}
    await reopen()
    await pass(60_000)
    expect(allNamed()).toEqual([...before, ...ids].sort())
  })

  test('counts a deny as in force once a look after the settle time finds it in any of them as that was left', async () => {
    const ids = await revoke(3)
    await pass()
    const [moved = ''] = h.provider.namedIn(SECOND)
    await pass(20_000)
    for (const id of ids) expect(await h.ledger.findDenyEntry(id)).not.toHaveProperty('enforcedAt')
    // The second document is taken away: what it held is in the third from now on, and has its time to settle from now on.
    h.provider.beforeRead = failing(SECOND, 'PROVIDER_REFUSED')
    await pass(11_000)
    expect(h.provider.namedIn(THIRD)).toEqual([moved])
    for (const id of ids)
      if (id !== moved) expect(await h.ledger.findDenyEntry(id)).toMatchObject({ enforcedBy: 'settle_time' })
    expect(await h.ledger.findDenyEntry(moved)).not.toHaveProperty('enforcedAt')
    await pass(29_000)
    expect(await h.ledger.findDenyEntry(moved)).not.toHaveProperty('enforcedAt')
    await pass(2_000)
    expect(await h.ledger.findDenyEntry(moved)).toMatchObject({ enforcedBy: 'settle_time' })
  })

  test('goes back to one document when the others are configured no more', async () => {
    const ids = await revoke(3)
    await pass()
    h.provider.further.clear()
    h.provider.capacity = 3
    await pass(60_000)
    expect(h.provider.namedIn(FIRST)).toEqual(ids.toSorted())
    expect(await h.ledger.getDenyList(FIRST)).not.toHaveProperty('documents')
  })
})
