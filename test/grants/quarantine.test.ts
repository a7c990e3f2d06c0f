import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Quarantine } from '../../src/ledger/records.ts'
import { ROLE } from '../support/fake-provider.ts'
import { ADA, caller, DECISIONS, type Harness, OLGA, openHarness } from '../support/grant-harness.ts'

const KEY = `inline:${ROLE}`
const SETTLE_MS = 30_000

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

/** As `stint restore` leaves a ledger. */
function quarantine(): Promise<Quarantine> {
  const at = h.clock.now()
  return h.ledger.beginQuarantine({
    quarantine: { reason: 'restored', since: at, by: 'operator:ada', found: '/backup/ledger.db' },
  })
}
const pass = async (ms = 1_000) => {
  await h.clock.advance(ms)
  await h.sweeper.keepQuarantine()
  await h.sweeper.reconcile()
  await h.sweeper.sweep()
}
/** Everything is cut by then. */
const untilCut = async () => {
  for (let n = 0; n < 5; n += 1) await pass(15_000)
}
const watermark = () => new Date(JSON.parse(h.provider.document.digest).watermark ?? 0)
const open = () => h.quarantine.open(ADA, { note: 'the old disk is gone' })
const kinds = async () => (await h.quarantine.show()).unfinished.map(({ kind }) => kind)

describe('while the ledger is quarantined', () => {
  test('no grant is opened, approved or renewed, and an agent is told why', async () => {
    const { grant } = await h.request('key-00000001')
    h.rules.decision = DECISIONS.approval
    const waiting = await h.request('key-00000002')
    await quarantine()
    const refused = { code: 'LEDGER_QUARANTINED' }
    await expect(h.request('key-00000003')).rejects.toMatchObject(refused)
    const answer = { verdict: 'approve', planHash: waiting.grant.planHash, note: 'seen' } as const
    await expect(h.operators.decideApproval(OLGA, waiting.approval?.id ?? '', answer)).rejects.toMatchObject(refused)
    h.rules.decision = DECISIONS.permit
    await expect(h.request('key-00000003')).rejects.toMatchObject(refused)
    await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject(refused)
  })

  test('a mint that was under way reveals nothing', async () => {
    h.provider.beforeMint = async () => {
      await quarantine()
    }
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'LEDGER_QUARANTINED' })
    expect(h.provider.sessions).toHaveLength(1)
  })

  test('grants end as restored, and what waits for an approval expires, since somebody may have answered it', async () => {
    const { grant } = await h.request('key-00000001')
    h.rules.decision = DECISIONS.approval
    const waiting = await h.request('key-00000002')
    await quarantine()
    await untilCut()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended', reason: 'restored' })
    expect(await h.ledger.getGrant(waiting.grant.id)).toMatchObject({ state: 'approval_expired' })
    expect(await h.ledger.findApproval(waiting.grant.id)).toMatchObject({ state: 'expired' })
  })

  test('agents complete their grants, and reads go on', async () => {
    const { grant } = await h.request('key-00000001')
    await quarantine()
    await h.grants.completeGrant(caller(), grant.id, '')
    expect((await h.grants.getGrant(caller(), grant.id)).grant.state).not.toBe('active')
  })

  test('it is on the status until it is opened', async () => {
    await quarantine()
    await pass()
    expect(h.problems).toContainEqual({
      component: 'quarantine',
      error: expect.objectContaining({ code: 'LEDGER_QUARANTINED' }),
    })
    await untilCut()
    await open()
    await pass()
    expect(h.well.at(-1)).toBe('quarantine')
  })

  test('a second wish for one changes nothing', async () => {
    await quarantine()
    await quarantine()
    expect((await h.events()).filter((type) => type === 'ledger.quarantined')).toHaveLength(1)
  })
})

describe('the cut', () => {
  test('reaches sessions that the ledger does not know, also those that are made before it is in force', async () => {
    await quarantine()
    await pass()
    const writtenMs = h.clock.now().getTime()
    expect(watermark().getTime()).toBeGreaterThan(writtenMs + SETTLE_MS)
    expect(await h.ledger.getDenyList(KEY)).toMatchObject({ cut: { quarantine: 1, before: watermark() } })
  })

  test('stands for as long as anything from before can live, and then leaves', async () => {
    await quarantine()
    await untilCut()
    await open()
    const before = watermark()
    for (let minute = 0; minute < 76; minute += 1) await pass(60_000)
    expect(watermark()).toEqual(before)
    for (let minute = 0; minute < 6; minute += 1) await pass(60_000)
    expect(h.provider.document.digest).toBe('{"grants":[]}')
    expect((await h.events()).filter((type) => type === 'common_watermark.lifted')).toHaveLength(1)
    expect(h.problems.filter(({ component }) => component === `deny:${KEY}:full`)).toEqual([])
  })

  test('is written anew where somebody has taken it away, and the ledger waits for that', async () => {
    await quarantine()
    await pass()
    await h.clock.advance(20_000)
    h.provider.document = { digest: 'an edit', exists: true }
    await pass(20_000)
    expect(watermark().getTime()).toBeGreaterThan(h.clock.now().getTime())
    await expect(open()).rejects.toMatchObject({ code: 'QUARANTINE_UNFINISHED' })
  })

  test('survives a restart', async () => {
    await quarantine()
    await untilCut()
    const before = watermark()
    const { provider, folder, clock } = h
    await h.close()
    h = await openHarness({ provider, folder, clock })
    await pass(60_000)
    expect(watermark()).toEqual(before)
    expect(await kinds()).toEqual([])
  })
})

describe('opening', () => {
  test('is refused until every deny list is cut, with what there is to wait for, and is on record', async () => {
    await h.request('key-00000001')
    await quarantine()
    await expect(open()).rejects.toMatchObject({
      code: 'QUARANTINE_UNFINISHED',
      details: {
        unfinished: [
          { kind: 'grants', what: '1' },
          { kind: 'deny_list', what: KEY },
        ],
      },
    })
    await pass()
    expect(await kinds()).toEqual(['deny_list'])
    await untilCut()
    expect(await kinds()).toEqual([])
    await open()
    expect(await h.ledger.quarantine()).toMatchObject({ opened: { by: 'operator:ada', note: 'the old disk is gone' } })
    expect(await h.events()).toEqual(expect.arrayContaining(['ledger.opening_refused', 'ledger.opened']))
    const { lease } = await h.request('key-00000002')
    expect(lease?.lease.issuedAt?.getTime()).toBeGreaterThanOrEqual(watermark().getTime())
  })

  test('waits for the longest session of a role that no deny list reaches', async () => {
    h.provider.revocable = false
    await quarantine()
    await pass(75 * 60_000)
    expect(await h.quarantine.show()).toMatchObject({ unfinished: [{ kind: 'role', what: ROLE }] })
    await pass(6 * 60_000)
    expect(await kinds()).toEqual([])
    await open()
  })

  test('takes an explicit word instead, which is on record', async () => {
    await quarantine()
    await h.quarantine.open(ADA, { note: 'a drill', acceptedRisk: 'nothing ran since the backup' })
    expect(await h.ledger.quarantine()).toMatchObject({ opened: { acceptedRisk: 'nothing ran since the backup' } })
    // A list that is cut only now is cut up to the opening: what was given out since stays.
    const openedMs = h.clock.now().getTime()
    await pass()
    expect(watermark().getTime() - openedMs).toBeLessThan(1_000)
  })

  test('does nothing to a ledger that is open', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_NOT_QUARANTINED' })
  })
})
