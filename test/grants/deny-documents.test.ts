import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { ROLE } from '../support/fake-provider.ts'
import { caller, type Harness, OSCAR, openHarness, READ, task, WRITE } from '../support/grant-harness.ts'

const KEY = `inline:${ROLE}`
const CHANGED = `deny:${KEY}:changed`

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const revoke = async (key: string) => {
  const { grant } = await h.request(key)
  await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
  return grant.id
}
const look = async (ms = 60_000) => {
  await h.clock.advance(ms)
  await h.sweeper.reconcile()
}
const denied = () => JSON.parse(h.provider.document.digest).grants
/** True if the document denies every session that was issued by then. */
const deniesAllUntil = (ms: number) => new Date(JSON.parse(h.provider.document.digest).watermark ?? 0).getTime() > ms

describe("an edit of somebody else's", () => {
  test('is found within a minute, undone, on record and on the status until the document is found as it was left', async () => {
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    h.provider.document = { ...h.provider.document, digest: '{"grants":[]}' }
    await look()
    expect(denied()).toEqual([id])
    expect(h.problems).toMatchObject([{ component: CHANGED, error: { code: 'DENY_LIST_CHANGED' } }])
    expect(h.well).not.toContain(CHANGED)
    await look()
    expect(h.well).toContain(CHANGED)
    expect((await h.events()).filter((type) => type === 'deny.changed')).toHaveLength(1)
  })

  test('is undone too where it took the document away', async () => {
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    h.provider.document = { digest: 'none', exists: false }
    await look()
    expect(denied()).toEqual([id])
    expect(h.problems).toMatchObject([{ component: CHANGED }])
  })

  test('is undone in a process that was started meanwhile', async () => {
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    const { provider, folder, clock } = h
    await h.close()
    provider.document = { digest: 'an edit', exists: true }
    h = await openHarness({ provider, folder, clock })
    await look()
    expect(denied()).toEqual([id])
    expect(h.problems).toMatchObject([{ component: CHANGED }])
  })

  test('is no edit where our own write was not answered', async () => {
    await revoke('key-00000001')
    await h.sweeper.reconcile()
    const second = await revoke('key-00000002')
    const { writeDenyList } = h.provider
    h.provider.writeDenyList = async (...args) => {
      await writeDenyList.apply(h.provider, args)
      throw new Error('the answer is lost')
    }
    await h.sweeper.reconcile()
    h.provider.writeDenyList = writeDenyList
    await look()
    expect(denied()).toContain(second)
    expect((await h.events()).filter((type) => type === 'deny.changed')).toEqual([])
    expect(await h.ledger.findDenyEntry(second)).toHaveProperty('writtenAt')
  })

  test('is found after a write of ours that was not answered, also where it keeps our mark', async () => {
    const id = await revoke('key-00000001')
    const { writeDenyList } = h.provider
    h.provider.writeDenyList = async (...args) => {
      await writeDenyList.apply(h.provider, args)
      throw new Error('the answer is lost')
    }
    await h.sweeper.reconcile()
    h.provider.writeDenyList = writeDenyList
    await look()
    for (const sequence of [0, 1]) {
      const { mark } = h.provider.document
      h.provider.document = {
        digest: 'an edit',
        exists: true,
        ...(mark && { mark: { ...mark, sequence: mark.sequence + sequence } }),
      }
      await look()
      expect(denied()).toEqual([id])
    }
    expect((await h.events()).filter((type) => type === 'deny.changed')).toHaveLength(2)
  })

  test('is none where our only write was not answered, and what it left behind leaves the document in time', async () => {
    const id = await revoke('key-00000001')
    const { provider, folder, clock } = h
    const { writeDenyList } = provider
    provider.writeDenyList = async (...args) => {
      await writeDenyList.apply(provider, args)
      throw new Error('the answer is lost')
    }
    await h.sweeper.reconcile()
    await h.close()
    provider.writeDenyList = writeDenyList
    expect(denied()).toEqual([id])
    h = await openHarness({ provider, folder, clock })
    await look(600_000)
    expect(denied()).toEqual([])
    expect(h.problems).toEqual([])
  })

  test('is none that a crash left behind while the document was taken away', async () => {
    await revoke('key-00000001')
    await h.sweeper.reconcile()
    const { provider, folder, clock } = h
    h.ledger.denyWritten = async () => {
      throw new StintError('LEDGER_UNAVAILABLE')
    }
    provider.writeDenyList = async () => {
      provider.document = { digest: provider.digestDenyList(KEY, { grants: [] }), exists: false }
      return { at: clock.now() }
    }
    await look(400_000)
    expect(provider.document).toMatchObject({ exists: false })
    await h.close()
    h = await openHarness({ provider, folder, clock })
    await look()
    expect(h.problems).toEqual([])
    expect(await h.events()).not.toContain('deny.changed')
  })

  test('that is none costs a look a minute, and no write', async () => {
    await revoke('key-00000001')
    await h.sweeper.reconcile()
    for (let n = 0; n < 3; n += 1) await look()
    expect(h.provider.written).toHaveLength(1)
    expect((await h.events()).filter((type) => type === 'deny.written')).toHaveLength(1)
  })
})

test('the list of a role that is configured no more is a problem until its entries are over, and then looked at no more', async () => {
  const id = await revoke('key-00000001')
  h.provider.capacity = -1
  const away = new StintError('PROVIDER_REFUSED', { explanation: 'No configured role has this deny list.' })
  h.provider.beforeRead = () => {
    throw away
  }
  await h.sweeper.reconcile()
  expect(h.problems).toMatchObject([{ component: `deny:${KEY}`, error: { code: 'PROVIDER_REFUSED' } }])
  for (let minute = 0; minute < 8; minute += 1) await look()
  expect(h.well).toContain(`deny:${KEY}`)
  expect(await h.ledger.findDenyEntry(id)).toBeUndefined()
  expect(await h.ledger.getDenyList(KEY)).not.toHaveProperty('nextAttemptAt')
})

test('agents that are cut for the completions of others are a problem until they are not', async () => {
  h.provider.namesAgent = true
  h.provider.fits = (_key, { grants, agents = [] }) =>
    grants.length + 3 * new Set(agents.map(({ before }) => before.getTime())).size <= 4
  for (let agent = 0; agent < 6; agent += 1) {
    const who = caller({ subject: `spiffe://example.org/bot-${agent}` })
    for (const key of ['key-00000001', 'key-00000002'])
      await h.grants.completeGrant(who, (await h.request(key, task(WRITE), who)).grant.id, '')
    await look(20_000)
  }
  const component = `deny:${KEY}:crowded`
  expect(h.problems.at(-1)).toMatchObject({ component, error: { code: 'DENY_LIST_FULL' } })
  expect(h.well).not.toContain(component)
  await look(400_000)
  expect(h.well).toContain(component)
})

describe('a revocation is said to hold', () => {
  const stateOf = async (id: string) => {
    await h.sweeper.sweep()
    return (await h.ledger.getGrant(id))?.state
  }

  test('when a look after the time to settle finds the document as it was left, and not before', async () => {
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    await look(29_000)
    expect(await stateOf(id)).toBe('ending')
    await look(1_000)
    expect(await h.ledger.findDenyEntry(id)).toMatchObject({ enforcedBy: 'settle_time' })
    expect(await stateOf(id)).toBe('ended')
    // One look at the end of the time to settle, then one a minute.
    await look(30_000)
    expect(h.provider.written).toHaveLength(1)
  })

  for (const { name, edit } of [
    { name: 'an edit of somebody else’s', edit: { digest: 'an edit', exists: true } },
    { name: 'somebody who took the document away', edit: { digest: 'none', exists: false } },
  ])
    test(`no sooner for ${name}: the time begins again with the document that holds it again`, async () => {
      const id = await revoke('key-00000001')
      await h.sweeper.reconcile()
      await look(20_000)
      h.provider.document = edit
      await look(10_000)
      expect(denied()).toEqual([id])
      expect(await stateOf(id)).toBe('ending')
      await look(29_000)
      expect(await stateOf(id)).toBe('ending')
      await look(1_000)
      expect(await stateOf(id)).toBe('ended')
    })

  test('not where a write of ours that came late has undone it, which is no edit of somebody else’s', async () => {
    await revoke('key-00000001')
    await h.sweeper.reconcile()
    const older = h.provider.document
    const second = await revoke('key-00000002')
    await look(1_000)
    h.provider.document = older
    await look(30_000)
    expect(denied()).toContain(second)
    expect(await stateOf(second)).toBe('ending')
    expect(h.problems).toEqual([])
    await look(30_000)
    expect(await stateOf(second)).toBe('ended')
    // Somebody puts it back much later.
    h.provider.document = older
    await look(61_000)
    expect(h.problems).toMatchObject([{ component: CHANGED }])
  })

  test('not while nobody can look: the end of the lease is what holds', async () => {
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    h.provider.beforeRead = () => {
      throw new Error('IAM is away')
    }
    for (let minute = 0; minute < 4; minute += 1) await look()
    expect(await stateOf(id)).toBe('ending')
    await look()
    expect(await stateOf(id)).toBe('ended')
    expect((await h.ledger.listLeases(id)).map(({ end }) => end)).toEqual(['expired'])
  })

  test('without a look for it, by every look that a write of another deny begins with', async () => {
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    for (let n = 0; n < 15; n += 1) {
      await revoke(`key-1000000${n.toString(36)}`)
      await look(2_000)
    }
    expect(await stateOf(id)).toBe('ended')
  })
})

describe("the cloud's clock", () => {
  for (const { name, stepMs } of [
    { name: 'two hours ahead', stepMs: 7_200_000 },
    { name: 'an hour behind', stepMs: -3_600_000 },
  ])
    test(`decides when an entry leaves, not ours that is ${name}`, async () => {
      let cloudMs = h.clock.now().getTime()
      h.provider.cloudNow = () => new Date(cloudMs)
      const pass = async (ms: number) => {
        cloudMs += ms
        h.parts.clockGuard.heard(new Date(cloudMs))
        await look(ms)
      }
      const id = await revoke('key-00000001')
      await pass(1_000)
      h.clock.jump(stepMs)
      for (let n = 0; n < 5; n += 1) {
        await pass(60_000)
        expect(denied(), `minute ${n}`).toEqual([id])
      }
      // What is revoked meanwhile is written at once, and its time is the cloud's.
      const second = await h.ledger.listGrants({ state: 'active' }, { limit: 10 })
      expect(second.items).toEqual([])
      await pass(30_000)
      expect(denied()).toEqual([id])
      await pass(60_000)
      expect(denied()).toEqual([])
      expect(await h.ledger.findDenyEntry(id)).toBeUndefined()
    })

  test('a write that was put off by a clock that has stepped back since is made', async () => {
    h.provider.beforeWrite = () => {
      throw new Error('IAM is away')
    }
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    h.provider.beforeWrite = () => {}
    h.clock.jump(-3_600_000)
    await look(1)
    expect(denied()).toEqual([id])
  })

  test('lets nothing go by one answer whose time is ahead, and ends no grant by it', async () => {
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    const kept = (await h.request('key-00000002')).grant.id
    const wrong = new Date(h.clock.now().getTime() + 7_200_000)
    h.provider.cloudNow = () => wrong
    h.parts.clockGuard.heard(h.clock.now())
    h.parts.clockGuard.heard(wrong)
    await look()
    await h.sweeper.sweep()
    expect(denied()).toEqual([id])
    expect(await h.ledger.getGrant(kept)).toMatchObject({ state: 'active' })
  })

  test('that steps back does not put off the deny of what was revoked before', async () => {
    h.parts.clockGuard.heard(h.clock.now())
    const id = await revoke('key-00000001')
    // Less than what is taken for an instant that a wrong clock wrote.
    h.clock.jump(-90_000)
    await look(1)
    expect(denied()).toEqual([id])
  })

  test('that is ahead while a grant is revoked does not keep it from ending once it is right again', async () => {
    h.parts.clockGuard.heard(h.clock.now())
    const { grant } = await h.request('key-00000001', task(READ))
    await h.grants.completeGrant(caller(), grant.id, '')
    h.clock.jump(7_200_000)
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    h.clock.jump(-7_200_000)
    for (let n = 0; n < 6; n += 1) {
      await look(60_000)
      await h.sweeper.sweep()
    }
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended' })
  })

  test('without a time in its answers nothing leaves, which is a problem until they have one', async () => {
    const id = await revoke('key-00000001')
    const read = h.provider.readDenyList.bind(h.provider)
    h.provider.readDenyList = async (key) => {
      const { at: _, ...live } = await read(key)
      return live as Awaited<ReturnType<typeof read>>
    }
    await h.sweeper.reconcile()
    await look(3_600_000)
    expect(denied()).toEqual([id])
    const component = `deny:${KEY}:time`
    expect(h.problems.at(-1)).toMatchObject({ component, error: { code: 'PROVIDER_ANSWER_INVALID' } })
    h.provider.readDenyList = read
    await look()
    expect(denied()).toEqual([])
    expect(h.well).toContain(component)
  })
})

describe('a document of another writer', () => {
  const isWithheld = { component: `deny:${KEY}`, error: { code: 'LEDGER_OUTDATED' } }

  test('that a later state of this ledger wrote quarantines a restored backup, and whoever it denied stays denied', async () => {
    await revoke('key-00000001')
    await h.sweeper.reconcile()
    const { provider, folder, clock } = h
    await h.close()
    copyFileSync(join(folder, 'ledger.db'), join(folder, 'backup.db'))
    h = await openHarness({ provider, folder, clock })
    await revoke('key-00000002')
    await h.sweeper.reconcile()
    const document = provider.document
    await h.close()
    copyFileSync(join(folder, 'backup.db'), join(folder, 'ledger.db'))

    h = await openHarness({ provider, folder, clock })
    await look()
    expect(provider.document).toBe(document)
    expect(await h.ledger.quarantine()).toMatchObject({ number: 1, reason: 'outdated', by: 'stint' })
    await look(1_000)
    const { epoch } = h.ledger.identity
    expect(provider.document.mark).toMatchObject({ epoch })
    expect(deniesAllUntil(h.clock.now().getTime())).toBe(true)
    expect(h.problems[0]).toMatchObject(isWithheld)
    expect((await h.events()).filter((type) => type === 'deny.withheld')).toHaveLength(1)
  })

  test('is found once the cloud answers, also by a copy that does not know the list', async () => {
    const { provider, folder, clock } = h
    await h.close()
    copyFileSync(join(folder, 'ledger.db'), join(folder, 'backup.db'))
    h = await openHarness({ provider, folder, clock })
    await revoke('key-00000001')
    await h.sweeper.reconcile()
    await h.close()
    copyFileSync(join(folder, 'backup.db'), join(folder, 'ledger.db'))

    h = await openHarness({ provider, folder, clock })
    provider.beforeRead = () => {
      throw new Error('the cloud is away')
    }
    await h.sweeper.lookForLaterState()
    expect(await h.ledger.quarantine()).toBeUndefined()
    provider.beforeRead = () => undefined
    await h.sweeper.lookForLaterState()
    expect(await h.ledger.quarantine()).toMatchObject({ number: 1, reason: 'outdated', by: 'stint' })
  })

  for (const { name, find } of [
    { name: 'by the look at the start', find: () => h.sweeper.lookForLaterState() },
    { name: 'by the writer of the list', find: () => look() },
  ])
    test(`quarantines a machine that was set back whole by the cloud's time, ${name}`, async () => {
      await revoke('key-00000001')
      await h.sweeper.reconcile()
      const { provider, folder, clock } = h
      await h.close()
      copyFileSync(join(folder, 'ledger.db'), join(folder, 'backup.db'))
      h = await openHarness({ provider, folder, clock })
      await revoke('key-00000002')
      await h.sweeper.reconcile()
      await h.close()
      copyFileSync(join(folder, 'backup.db'), join(folder, 'ledger.db'))

      h = await openHarness({ provider, folder, clock })
      // A snapshot of a machine goes on with the time that it was made at.
      provider.cloudNow = () => new Date(clock.now().getTime() + 2 * 3_600_000)
      await find()
      const { since } = (await h.ledger.quarantine()) ?? {}
      expect(since?.getTime()).toBeGreaterThan(clock.now().getTime() + 7_000_000)
    })

  for (const { name, isAway } of [
    { name: 'that found it withheld', isAway: false },
    { name: 'that the cloud did not answer', isAway: true },
  ])
    test(`quarantines a copy that was made while its writer ran, however often it is started after looks ${name}`, async () => {
      await revoke('key-00000001')
      await h.sweeper.reconcile()
      const { provider, folder, clock } = h
      const running = new DatabaseSync(join(folder, 'ledger.db'), { readOnly: true })
      await backup(running, join(folder, 'backup.db'))
      running.close()
      const after = await revoke('key-00000002')
      const lastMs = clock.now().getTime()
      await h.sweeper.reconcile()
      await h.close()
      for (const name of ['ledger.db', 'ledger.db-wal', 'ledger.db-shm']) rmSync(join(folder, name), { force: true })
      copyFileSync(join(folder, 'backup.db'), join(folder, 'ledger.db'))
      for (let start = 0; start < 3; start += 1) {
        h = await openHarness({ provider, folder, clock })
        provider.beforeRead = () => {
          if (isAway && start < 2) throw new Error('the cloud is away')
        }
        // A copy counts its looks on; it must not reach the number of the lost writes.
        for (let minute = 0; minute < 5; minute += 1) await look()
        expect(denied().includes(after) || deniesAllUntil(lastMs)).toBe(true)
        if (start === 2) expect(await h.ledger.quarantine()).toMatchObject({ number: 1, reason: 'outdated' })
        await h.close()
      }
      h = await openHarness({ provider, folder, clock })
      await h.sweeper.keepQuarantine()
      await expect(h.request('key-00000003')).rejects.toMatchObject({ code: 'LEDGER_QUARANTINED' })
    })

  test('is taken over once all that it can deny is over by the cloud’s time, and on record', async () => {
    const mark = { ledgerId: 'ABCDEFGHJKMN', epoch: 9, sequence: 9 }
    h.provider.document = { digest: 'theirs', exists: true, mark }
    await revoke('key-00000001')
    await look()
    for (let minute = 0; minute < 79; minute += 1) await look()
    expect(h.provider.document.digest).toBe('theirs')
    for (let minute = 0; minute < 3; minute += 1) await look()
    expect(h.provider.document.mark?.ledgerId).toBe(h.ledger.identity.ledgerId)
    expect(await h.events()).toContain('deny.changed')
    expect(h.well).toContain(`deny:${KEY}`)
  })

  test('is left alone for longer when that writer goes on', async () => {
    const theirs = (sequence: number) => ({ ledgerId: 'ABCDEFGHJKMN', epoch: 9, sequence })
    await revoke('key-00000001')
    for (let minute = 0; minute < 200; minute += 1) {
      h.provider.document = { digest: 'theirs', exists: true, mark: theirs(Math.floor(minute / 60)) }
      await look()
      expect(h.provider.document.digest).toBe('theirs')
    }
  })

  test('that denies nobody is taken over at once: a fresh install finds what the old one left', async () => {
    const mark = { ledgerId: 'ABCDEFGHJKMN', epoch: 9, sequence: 9 }
    h.provider.document = { digest: h.provider.digestDenyList(KEY, { grants: [] }), exists: true, mark }
    const id = await revoke('key-00000001')
    await h.sweeper.reconcile()
    expect(denied()).toEqual([id])
    expect(h.problems).toEqual([])
  })

  test('carries the ledger, its epoch and the number of the write', async () => {
    await revoke('key-00000001')
    await h.sweeper.reconcile()
    const { ledgerId, epoch } = h.ledger.identity
    expect(h.provider.document.mark).toEqual({ ledgerId, epoch, sequence: 1 })
    expect(ledgerId).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/)
  })
})
