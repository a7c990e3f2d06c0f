import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import type { Grant } from '../../src/ledger/records.ts'
import { recordOf } from '../support/audit-record.ts'
import { ROLE } from '../support/fake-provider.ts'
import {
  caller,
  DECISIONS,
  DELETE,
  type Harness,
  OLGA,
  OSCAR,
  openHarness,
  READ,
  task,
  WRITE,
} from '../support/grant-harness.ts'

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const approvalIdOf = async (grantId: string) => (await h.ledger.findApproval(grantId))?.id ?? ''

describe('P1: recorded before revealed', () => {
  test('when the mint is asked for, grant, lease and events are in the ledger', async () => {
    let seen: unknown
    h.provider.beforeMint = async (request) => {
      const [grant] = (await h.ledger.listGrants({}, { limit: 1 })).items
      const [lease] = await h.ledger.listLeases(grant?.id ?? '')
      seen = {
        state: grant?.state,
        lease: lease?.state,
        session: lease?.sessionName === request.lease.sessionName,
        events: await h.events(),
      }
    }
    await h.request('key-00000001')
    expect(seen).toEqual({
      state: 'active',
      lease: 'intended',
      session: true,
      events: ['grant.requested', 'grant.active', 'lease.intended'],
    })
  })

  test('when the answer is out, the lease is on record as issued, with its key id and without its secret', async () => {
    const { lease } = await h.request('key-00000001')
    const stored = await h.ledger.listLeases(lease?.lease.grantId ?? '')
    expect(stored[0]).toMatchObject({ state: 'issued', accessKeyId: lease?.credentials.accessKeyId })
    expect(JSON.stringify([stored, await recordOf(h.ledger)])).not.toContain('canary')
  })

  test('a grant that was revoked while its credentials were being minted does not reveal them', async () => {
    h.provider.beforeMint = async () => {
      const [grant] = (await h.ledger.listGrants({}, { limit: 1 })).items
      await h.operators.revokeGrant(OSCAR, grant?.id ?? '', 'stop it')
    }
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
  })
})

describe('P2: no orphans', () => {
  test('the session carries the names that were on record before', async () => {
    const { grant } = await h.request('key-00000001')
    const [recorded] = await h.ledger.listLeases(grant.id)
    expect(h.provider.sessions[0]).toMatchObject({
      grant: { id: grant.id },
      lease: { id: recorded?.id, sessionName: recorded?.sessionName },
    })
  })

  for (const { name, outcome, lease } of [
    {
      name: 'a mint that certainly failed ends its lease',
      outcome: 'not_minted',
      lease: { state: 'ended', end: 'not_minted' },
    },
    {
      name: 'a mint of unknown outcome counts as minted',
      outcome: 'unknown',
      lease: { state: 'intended', outcomeUnknown: true },
    },
    {
      name: 'an error that says nothing counts as minted',
      outcome: undefined,
      lease: { state: 'intended', outcomeUnknown: true },
    },
  ]) {
    test(name, async () => {
      h.provider.beforeMint = () => {
        throw outcome ? new StintError('PROVIDER_UNAVAILABLE', { outcome }) : new Error('socket hang up')
      }
      await expect(h.request('key-00000001')).rejects.toBeInstanceOf(StintError)
      const [grant] = (await h.ledger.listGrants({}, { limit: 1 })).items
      expect((await h.ledger.listLeases(grant?.id ?? ''))[0]).toMatchObject(lease)
      expect(grant?.state).toBe('active')
    })
  }

  test('a process that was held up past the time to mint mints nothing, and says so', async () => {
    const { grant } = await h.request('key-00000001')
    const intend = h.ledger.intendLease.bind(h.ledger)
    const held = vi.spyOn(h.ledger, 'intendLease').mockImplementation(async (input) => {
      const intended = await intend(input)
      await h.clock.advance(h.provider.mintTimeoutMs)
      return intended
    })
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    held.mockRestore()
    expect((await h.ledger.listLeases(grant.id)).at(-1)).toMatchObject({ number: 2, state: 'ended', end: 'not_minted' })
    expect(h.provider.sessions).toHaveLength(1)
    expect((await h.request('key-00000001')).lease?.lease.number).toBe(3)
  })

  test('a mint that can never succeed ends the grant', async () => {
    h.provider.beforeMint = () => {
      throw new StintError('PROVIDER_REFUSED', { outcome: 'not_minted' })
    }
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'PROVIDER_REFUSED' })
    const [grant] = (await h.ledger.listGrants({}, { limit: 1 })).items
    expect(grant).toMatchObject({ state: 'ended', reason: 'mint_failed' })
  })
})

describe('P3: one grant per idempotency key', () => {
  test('a repeat is the same grant with a new lease', async () => {
    const first = await h.request('key-00000001')
    const again = await h.request('key-00000001')
    expect(again.grant.id).toBe(first.grant.id)
    expect(again.lease?.lease.number).toBe(2)
  })

  test('the same key with another task is an error and mints nothing', async () => {
    await h.request('key-00000001')
    await expect(h.request('key-00000001', task(WRITE))).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(h.provider.sessions).toHaveLength(1)
  })

  test('fifty calls that race on one key share one grant and one mint', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => h.request('key-00000001')))
    expect(new Set(answers.map((answer) => answer.grant.id)).size).toBe(1)
    expect(h.provider.sessions).toHaveLength(1)
  })

  test('a call that joined another one is let go when it is cancelled, and the other gets its lease', async () => {
    const minting = Promise.withResolvers<void>()
    const minted = Promise.withResolvers<void>()
    h.provider.beforeMint = () => {
      minting.resolve()
      return minted.promise
    }
    const first = h.request('key-00000001')
    await minting.promise
    const giveUp = new AbortController()
    const wanted = { task: task(), idempotencyKey: 'key-00000001' }
    const joined = h.grants.requestGrant(caller(), wanted, giveUp.signal)
    giveUp.abort()
    await expect(joined).rejects.toMatchObject({ code: 'CANCELLED' })
    minted.resolve()
    expect((await first).lease).toBeDefined()
    expect(h.provider.sessions).toHaveLength(1)
  })

  test('the key of another agent is another grant', async () => {
    const first = await h.request('key-00000001')
    const other = await h.request('key-00000001', task(), caller({ subject: 'spiffe://example.org/other' }))
    expect(other.grant.id).not.toBe(first.grant.id)
  })

  test('a repeat after completion is the ended grant, without a lease', async () => {
    const { grant } = await h.request('key-00000001')
    await h.grants.completeGrant(caller(), grant.id, '')
    const again = await h.request('key-00000001')
    expect(again).toMatchObject({ grant: { id: grant.id, state: 'ending' } })
    expect(again.lease).toBeUndefined()
  })

  for (const key of ['', 'short', 'has blank in it', 'x'.repeat(129), undefined, 7]) {
    test(`refuses ${JSON.stringify(key)?.slice(0, 20)} as a key`, async () => {
      const call = h.grants.requestGrant(caller(), { task: task(), idempotencyKey: key }, h.signal)
      await expect(call).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_INVALID' })
    })
  }
})

describe('P5: fail closed', () => {
  for (const { name, change, code } of [
    { name: 'policy denies', change: () => (h.rules.decision = DECISIONS.deny), code: 'POLICY_DENIED' },
    {
      name: 'no policy set is loaded',
      change: () => (h.rules.policyError = new StintError('POLICY_UNAVAILABLE')),
      code: 'POLICY_UNAVAILABLE',
    },
    { name: 'the agent is not registered', change: () => (h.rules.registered = false), code: 'AGENT_UNREGISTERED' },
    { name: 'the clock has jumped', change: () => h.clock.jump(3_600_000), code: 'CLOCK_UNSTABLE' },
  ]) {
    test(`${name}: no credentials, and the refusal is on record`, async () => {
      change()
      await expect(h.request('key-00000001')).rejects.toMatchObject({ code })
      expect(h.provider.sessions).toHaveLength(0)
      expect((await h.events()).length).toBeGreaterThan(0)
    })
  }

  test('a ledger that cannot be written: no mint', async () => {
    await h.ledger.close()
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(h.provider.sessions).toHaveLength(0)
    h.remove()
    h = await openHarness()
  })

  test('a clock that runs steadily again is trusted again', async () => {
    h.clock.jump(3_600_000)
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'CLOCK_UNSTABLE' })
    await h.clock.advance(10_000)
    await expect(h.request('key-00000001')).resolves.toMatchObject({ grant: { state: 'active' } })
  })

  for (const { name, steps } of [
    { name: 'a step of two hours', steps: [7_200_000] },
    { name: 'a step of a day', steps: [86_400_000] },
    { name: 'an hour back and two ahead', steps: [-3_600_000, 7_200_000] },
    { name: 'creeping by 2 s every 0.4 s', steps: Array.from({ length: 100 }, () => 2_000) },
  ])
    test(`${name} ends no grant whose lease still works, and nothing is lost when the clock returns`, async () => {
      let cloudMs = h.clock.now().getTime()
      const pass = async (ms: number) => {
        cloudMs += ms
        await h.clock.advance(ms)
        h.parts.clockGuard.heard(new Date(Math.floor(cloudMs / 1_000) * 1_000))
      }
      const running = await h.request('key-00000001')
      const revoked = await h.request('key-00000002')
      await pass(1)
      for (const step of steps) {
        h.clock.jump(step)
        await pass(400)
        await h.sweeper.sweep()
        await h.sweeper.prune()
      }
      await expect(h.request('key-00000003')).rejects.toMatchObject({ code: 'CLOCK_UNSTABLE' })
      expect(await h.ledger.getGrant(running.grant.id)).toMatchObject({ state: 'active' })
      // What is ended meanwhile is denied, since its lease works, and is not called ended before that is enforced.
      await h.operators.revokeGrant(OSCAR, revoked.grant.id, 'stop it')
      expect(await h.ledger.getGrant(revoked.grant.id)).toMatchObject({ state: 'ending' })
      expect(await h.ledger.findDenyEntry(revoked.grant.id)).toBeDefined()
      await h.sweeper.sweep()
      expect(await h.ledger.getGrant(revoked.grant.id)).toMatchObject({ state: 'ending' })
      h.clock.jump(-steps.reduce((sum, step) => sum + step, 0))
      for (let n = 0; n < 12; n += 1) {
        await pass(1_000)
        await h.sweeper.sweep()
      }
      expect(await h.ledger.getGrant(running.grant.id)).toMatchObject({ state: 'active' })
      await h.grants.renewLease(caller(), running.grant.id, h.signal)
    })

  test('an unregistered agent shows up for operators', async () => {
    h.rules.registered = false
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'AGENT_UNREGISTERED' })
    await expect(h.request('key-00000002')).rejects.toMatchObject({ code: 'AGENT_UNREGISTERED' })
    const { items } = await h.ledger.listUnregistered({ limit: 10 })
    expect(items).toMatchObject([{ subject: 'spiffe://example.org/bot', count: 2 }])
  })
})

describe('renewal is a fresh decision', () => {
  const renew = (grantId: string, who = caller()) => h.grants.renewLease(who, grantId, h.signal)

  test('a new lease with the next number, no later than the deadline', async () => {
    const { grant } = await h.request('key-00000001')
    await h.clock.advance(1_700_000)
    const { lease } = await renew(grant.id)
    expect(lease?.lease).toMatchObject({ number: 2, notAfter: grant.deadline })
  })

  test('not beyond the deadline', async () => {
    const { grant } = await h.request('key-00000001')
    await h.clock.advance(1_800_000)
    await expect(renew(grant.id)).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
  })

  for (const { name, change, code, reason } of [
    {
      name: 'a policy that now denies',
      change: () => (h.rules.decision = DECISIONS.deny),
      code: 'POLICY_DENIED',
      reason: 'policy_changed',
    },
    {
      name: 'a policy that now wants a person',
      change: () => (h.rules.decision = DECISIONS.approval),
      code: 'APPROVAL_STALE',
      reason: 'policy_changed',
    },
    {
      name: 'a registration that is gone',
      change: () => (h.rules.registered = false),
      code: 'AGENT_UNREGISTERED',
      reason: 'identity_lost',
    },
  ]) {
    test(`${name} ends the grant`, async () => {
      const { grant } = await h.request('key-00000001')
      change()
      await expect(renew(grant.id)).rejects.toMatchObject({ code })
      expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ending', reason })
    })
  }

  test('a policy set that cannot be read ends nothing, and gives nothing', async () => {
    const { grant } = await h.request('key-00000001')
    h.rules.policyError = new StintError('POLICY_UNAVAILABLE')
    await expect(renew(grant.id)).rejects.toMatchObject({ code: 'POLICY_UNAVAILABLE' })
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'active' })
    expect(h.provider.sessions).toHaveLength(1)
  })

  test('the grant of somebody else does not exist', async () => {
    const { grant } = await h.request('key-00000001')
    const other = caller({ subject: 'spiffe://example.org/other' })
    for (const call of [
      () => renew(grant.id, other),
      () => h.grants.getGrant(other, grant.id),
      () => h.grants.completeGrant(other, grant.id, ''),
      () => h.grants.reportActivity(other, grant.id, []),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'GRANT_NOT_FOUND' })
    }
  })
})

describe('the end of a task', () => {
  test('a plan that only reads runs out; one that writes goes on the deny list at once', async () => {
    const read = await h.request('key-00000001')
    const write = await h.request('key-00000002', task(WRITE))
    await h.grants.completeGrant(caller(), read.grant.id, '')
    await h.grants.completeGrant(caller(), write.grant.id, '')
    expect(await h.ledger.findDenyEntry(read.grant.id)).toBeUndefined()
    expect(await h.ledger.findDenyEntry(write.grant.id)).toMatchObject({ listKey: expect.stringContaining('inline:') })
  })

  test('the operator says which classes are cut at once, and which run out', async () => {
    Object.assign(h.parts.settings, { cutOnCompletion: ['list', 'read'] })
    const read = await h.request('key-00000001', task())
    const write = await h.request('key-00000002', task(WRITE))
    await h.grants.completeGrant(caller(), read.grant.id, '')
    await h.grants.completeGrant(caller(), write.grant.id, '')
    expect(await h.ledger.findDenyEntry(read.grant.id)).toBeDefined()
    expect(await h.ledger.findDenyEntry(write.grant.id)).toBeUndefined()
  })

  test('completing twice is harmless', async () => {
    const { grant } = await h.request('key-00000001')
    const first = await h.grants.completeGrant(caller(), grant.id, 'done')
    const second = await h.grants.completeGrant(caller(), grant.id, 'done')
    expect(second.grant.version).toBe(first.grant.version)
  })

  test('no lease after completion', async () => {
    const { grant } = await h.request('key-00000001')
    await h.grants.completeGrant(caller(), grant.id, '')
    await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
  })

  test('P7: the deadline ends it, to the sweep', async () => {
    const { grant } = await h.request('key-00000001')
    await h.clock.advance(1_799_999)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'active' })
    await h.clock.advance(1)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended', reason: 'deadline' })
  })
})

describe('P6: honest revocation', () => {
  test('ending until the deny is enforced, ended then and not before', async () => {
    const { grant } = await h.request('key-00000001')
    const { outcome } = await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    expect(outcome).toEqual({ kind: 'ending', effectiveBy: new Date(h.clock.now().getTime() + 300_000) })
    await h.sweeper.reconcile()
    expect(h.provider.written.at(-1)?.grants).toEqual([grant.id])
    await h.clock.advance(29_999)
    await h.sweeper.reconcile()
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ending' })
    await h.clock.advance(5_000)
    await h.sweeper.reconcile()
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended', reason: 'revoked' })
    expect(await h.ledger.findDenyEntry(grant.id)).toMatchObject({ enforcedAt: expect.any(Date) })
  })

  test('a deny that IAM does not take is tried again, is visible, and the lease end holds meanwhile', async () => {
    const { grant } = await h.request('key-00000001')
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    h.provider.beforeWrite = () => {
      throw new StintError('PROVIDER_THROTTLED')
    }
    await h.sweeper.reconcile()
    expect(await h.ledger.listDenyLists()).toMatchObject([{ attempts: 1, lastError: expect.any(String) }])
    expect(h.problems).toMatchObject([{ component: expect.stringMatching(/^deny:inline:/) }])
    await h.clock.advance(60_000)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ending' })
    h.provider.beforeWrite = () => {}
    await h.sweeper.reconcile()
    expect(h.provider.written).toHaveLength(1)
    await h.clock.advance(240_000)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended' })
  })

  test('a deny that the ledger does not take is a problem of its list until a write of it is on record', async () => {
    const { grant } = await h.request('key-00000001')
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    const denyWritten = h.ledger.denyWritten.bind(h.ledger)
    h.ledger.denyWritten = async () => {
      throw new StintError('LEDGER_UNAVAILABLE')
    }
    await h.sweeper.reconcile()
    h.ledger.denyWritten = denyWritten
    await h.sweeper.reconcile()
    const component = expect.stringMatching(/^deny:inline:/)
    expect([h.problems, h.well]).toMatchObject([[{ component, error: { code: 'LEDGER_UNAVAILABLE' } }], []])
    await h.clock.advance(45_000)
    await h.sweeper.reconcile()
    expect([h.problems.length, h.well]).toEqual([1, [component]])
  })

  test('a role that no deny reaches is said to be so', async () => {
    h.provider.revocable = false
    const { grant, lease } = await h.request('key-00000001')
    const { outcome } = await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    expect(outcome).toEqual({ kind: 'not-revocable', usableUntil: lease?.lease.notAfter })
  })

  test('the entry leaves the document only after the last lease under it has ended', async () => {
    const { grant } = await h.request('key-00000001')
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    await h.sweeper.reconcile()
    await h.clock.advance(301_000)
    await h.sweeper.sweep()
    await h.sweeper.reconcile()
    expect(h.provider.written.at(-1)?.grants).toEqual([grant.id])
    await h.clock.advance(120_000)
    await h.sweeper.reconcile()
    expect(h.provider.written.at(-1)?.grants).toEqual([])
  })

  test('an ending grant can still be revoked: it goes on the deny list', async () => {
    const { grant } = await h.request('key-00000001')
    await h.grants.completeGrant(caller(), grant.id, '')
    await h.operators.revokeGrant(OSCAR, grant.id, 'now')
    expect(await h.ledger.findDenyEntry(grant.id)).toBeDefined()
  })

  test('a completed grant that a watermark covers gets a place by name when an operator revokes it', async () => {
    h.provider.namesAgent = true
    h.provider.capacity = 1
    const completed = []
    for (const key of ['key-00000001', 'key-00000002', 'key-00000003']) {
      const { grant } = await h.request(key, task(WRITE))
      await h.clock.advance(5_000)
      await h.grants.completeGrant(caller(), grant.id, '')
      completed.push(grant.id)
    }
    await h.sweeper.reconcile()
    const [oldest = ''] = completed
    expect(h.provider.written.at(-1)?.grants).not.toContain(oldest)
    const { until } = (await h.ledger.findDenyEntry(oldest)) ?? {}
    const { grant } = await h.operators.revokeGrant(OSCAR, oldest, 'now')
    await h.sweeper.reconcile()
    expect(grant).toMatchObject({ state: 'ending', reason: 'revoked' })
    expect(h.provider.written.at(-1)?.grants).toEqual([oldest])
    expect(await h.ledger.findDenyEntry(oldest)).toMatchObject({ until, urgent: true })
    // A second time it stays as it is.
    await h.operators.revokeGrant(OSCAR, oldest, 'now')
    expect((await h.events()).filter((type) => type === 'grant.ending')).toHaveLength(4)
  })

  /** Two grants are revoked of a document that holds one. */
  const overfill = async () => {
    h.provider.capacity = 1
    const first = await h.request('key-00000001')
    await h.clock.advance(5_000)
    const second = await h.request('key-00000002')
    for (const { grant } of [first, second]) await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    await h.clock.advance(5_000)
    await h.sweeper.reconcile()
  }

  test('a full document gives way to a watermark, and the survivors are told to renew', async () => {
    const survivor = await h.request('key-survivor')
    await overfill()
    const list = h.provider.written.at(-1)
    expect(list?.watermark).toBeInstanceOf(Date)
    const view = await h.grants.getGrant(caller(), survivor.grant.id)
    expect(view.renewAfter).toEqual(list?.watermark)
    await h.grants.renewLease(caller(), survivor.grant.id, h.signal)
    expect((await h.grants.getGrant(caller(), survivor.grant.id)).renewAfter).toBeUndefined()
  })

  test('an agent beyond its share has a watermark of its own, and only its survivors are told to renew', async () => {
    h.provider.namesAgent = true
    const other = caller({ subject: 'spiffe://example.org/other' })
    const [survivor, spared] = [await h.request('key-survivor'), await h.request('key-survivor', task(), other)]
    await overfill()
    const list = h.provider.written.at(-1)
    expect(list).toEqual({
      grants: [expect.any(String)],
      agents: [{ agent: caller().subject, before: expect.any(Date) }],
    })
    const renewAfter = list?.agents?.[0]?.before
    expect(await h.grants.getGrant(caller(), survivor.grant.id)).toMatchObject({ renewAfter })
    expect(await h.grants.getGrant(other, spared.grant.id)).not.toHaveProperty('renewAfter')
    expect(h.problems).toEqual([])
  })

  test('the common watermark is a problem for as long as it stands', async () => {
    await overfill()
    expect(h.problems).toMatchObject([{ component: `deny:inline:${ROLE}:full`, error: { code: 'DENY_LIST_FULL' } }])
    await h.clock.advance(600_000)
    await h.sweeper.reconcile()
    expect(h.well).toContain(`deny:inline:${ROLE}:full`)
  })

  test('a grant whose sessions may have made others is not called ended by a watermark', async () => {
    h.provider.namesAgent = true
    h.provider.capacity = 0
    const { grant } = await h.request('key-00000001', task({ ...READ, actions: ['sts:AssumeRole'], resources: [ROLE] }))
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    await h.sweeper.reconcile()
    expect(await h.ledger.findDenyEntry(grant.id)).toMatchObject({ chains: true, byWatermark: true })
    await h.clock.advance(100_000)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ending' })
    await h.clock.advance(200_000)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended' })
    expect(await h.ledger.findDenyEntry(grant.id)).toBeDefined()
  })

  test('a watermark that another process wrote cuts survivors, in a list too, until they renew', async () => {
    const { grant } = await h.request('key-survivor')
    await overfill()
    const watermark = h.provider.written.at(-1)?.watermark
    await h.close()
    h = await openHarness({ folder: h.folder, clock: h.clock, provider: h.provider })
    expect((await h.grants.getGrant(caller(), grant.id)).renewAfter).toEqual(watermark)
    const { items } = await h.grants.listGrants(caller(), { state: 'active' }, { limit: 10 })
    expect(items).toMatchObject([{ grant: { id: grant.id }, renewAfter: watermark }])
    expect(await h.request('key-survivor')).not.toHaveProperty('renewAfter')
  })

  test('who watches a survivor is told of the watermark at once', async () => {
    const { grant } = await h.request('key-survivor')
    const views = h.grants.watchGrant(caller(), grant.id, h.signal)
    await views[Symbol.asyncIterator]().next()
    const told = views[Symbol.asyncIterator]().next()
    await overfill()
    expect((await told).value).toMatchObject({ renewAfter: h.provider.written.at(-1)?.watermark })
  })

  test('a watermark that is lost from the ledger becomes one of now, and whom it cuts is told to renew', async () => {
    const survivor = await h.request('key-survivor')
    const revoked = await h.request('key-00000001')
    await h.operators.revokeGrant(OSCAR, revoked.grant.id, 'stop it')
    const db = new DatabaseSync(join(h.folder, 'ledger.db'))
    db.exec('UPDATE deny_lists SET watermark = 8640000000000001')
    db.close()
    await h.clock.advance(5_000)
    await h.sweeper.reconcile()
    const watermark = new Date(Math.ceil(h.clock.now().getTime() / 1_000) * 1_000)
    expect(h.provider.written.at(-1)).toMatchObject({ watermark })
    expect((await h.grants.getGrant(caller(), survivor.grant.id)).renewAfter).toEqual(watermark)
  })
})

describe('P15: a person decides what cannot be undone', () => {
  const wait = async () => {
    h.rules.decision = DECISIONS.approval
    return h.request('key-00000001', task(DELETE))
  }
  const answer = async (grantId: string, over: object = {}, who = OLGA) => {
    const grant = await h.ledger.getGrant(grantId)
    const given = { verdict: 'approve' as const, planHash: grant?.planHash ?? '', note: 'fine', ...over }
    return h.operators.decideApproval(who, await approvalIdOf(grantId), given)
  }

  test('nothing is minted before the yes, and the clock of the task starts with the first lease', async () => {
    const { grant, lease } = await wait()
    expect({ state: grant.state, lease }).toEqual({ state: 'awaiting_approval', lease: undefined })
    await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject({ code: 'APPROVAL_PENDING' })
    await h.clock.advance(60_000)
    const approved = await answer(grant.id)
    expect(approved.grant).toMatchObject({ state: 'active', claimBy: new Date(h.clock.now().getTime() + 900_000) })
    expect(approved.grant).not.toHaveProperty('deadline')
    await h.clock.advance(899_000)
    const deadline = new Date(h.clock.now().getTime() + 1_800_000)
    const collected = await h.request('key-00000001', task(DELETE))
    expect(collected).toMatchObject({ grant: { state: 'active', deadline }, lease: {} })
    await h.clock.advance(60_000)
    const renewed = await h.grants.renewLease(caller(), grant.id, h.signal)
    expect(renewed.grant.deadline).toEqual(deadline)
    await h.clock.advance(1_740_000)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended', reason: 'deadline' })
  })

  describe('an approved grant that its agent does not collect', () => {
    const approved = async () => {
      const { grant } = await wait()
      await answer(grant.id)
      return grant.id
    }

    for (const { name, collect } of [
      { name: 'by its request', collect: () => h.request('key-00000001', task(DELETE)) },
      { name: 'by a renewal', collect: (id: string) => h.grants.renewLease(caller(), id, h.signal) },
    ]) {
      test(`is not given out ${name} from its time on, even before the sweeper has ended it`, async () => {
        const id = await approved()
        await h.clock.advance(900_000)
        const refused = { code: 'GRANT_NOT_ACTIVE', details: { reason: 'claim_expired' } }
        await expect(collect(id)).rejects.toMatchObject(refused)
        expect(await h.ledger.listLeases(id)).toEqual([])
      })
    }

    test('ends with a reason of its own, which its agent is told', async () => {
      const id = await approved()
      await h.clock.advance(900_000)
      await h.sweeper.sweep()
      expect(await h.ledger.getGrant(id)).toMatchObject({ state: 'ended', reason: 'claim_expired', leaseCount: 0 })
      const { grant } = await h.request('key-00000001', task(DELETE))
      expect(grant).toMatchObject({ id, state: 'ended', reason: 'claim_expired' })
      expect(await h.ledger.countOpenGrants(grant.subject)).toBe(0)
    })

    test('is judged again when it is collected', async () => {
      const id = await approved()
      h.rules.decision = DECISIONS.deny
      await expect(h.request('key-00000001', task(DELETE))).rejects.toMatchObject({ code: 'POLICY_DENIED' })
      expect(await h.ledger.getGrant(id)).toMatchObject({ state: 'ended', reason: 'policy_changed' })
    })

    test('is collected once by two processes at the last instant, and each has a lease of the one deadline', async () => {
      const id = await approved()
      await h.clock.advance(899_999)
      const deadline = new Date(h.clock.now().getTime() + 1_800_000)
      const answers = await Promise.all([1, 2].map(() => h.grants.renewLease(caller(), id, h.signal)))
      expect(answers.map(({ lease }) => lease?.lease.number).sort()).toEqual([1, 2])
      expect(await h.ledger.getGrant(id)).toMatchObject({ deadline, leaseCount: 2 })
      expect((await h.events()).filter((type) => type === 'grant.collected')).toHaveLength(1)
    })

    test('is collected from the broker that comes after the one that took the yes', async () => {
      const id = await approved()
      await h.close()
      h = await openHarness({ folder: h.folder, clock: h.clock, provider: h.provider })
      h.rules.decision = DECISIONS.approval
      const { grant, lease } = await h.request('key-00000001', task(DELETE))
      expect({ id: grant.id, number: lease?.lease.number }).toEqual({ id, number: 1 })
    })

    test('is neither ended nor given out while the clock has jumped past its time', async () => {
      const id = await approved()
      h.clock.jump(3_600_000)
      await h.sweeper.sweep()
      await expect(h.grants.renewLease(caller(), id, h.signal)).rejects.toMatchObject({ code: 'CLOCK_UNSTABLE' })
      expect(await h.ledger.getGrant(id)).toMatchObject({ state: 'active', leaseCount: 0 })
      h.clock.jump(-3_600_000)
      await expect(h.grants.renewLease(caller(), id, h.signal)).rejects.toMatchObject({ code: 'CLOCK_UNSTABLE' })
      await h.clock.advance(10_000)
      expect((await h.grants.renewLease(caller(), id, h.signal)).lease).toBeDefined()
    })

    test('ends at once when its agent completes it', async () => {
      const id = await approved()
      await h.grants.completeGrant(caller(), id, '')
      expect(await h.ledger.getGrant(id)).toMatchObject({ state: 'ended', reason: 'completed' })
    })
  })

  for (const { name, act, code } of [
    {
      name: 'another plan hash',
      act: (id: string) => answer(id, { planHash: '0'.repeat(64) }),
      code: 'APPROVAL_STALE',
    },
    {
      name: 'a person outside the group',
      act: (id: string) => answer(id, {}, { ...OLGA, groups: [] }),
      code: 'APPROVAL_NOT_ELIGIBLE',
    },
    {
      name: 'a viewer',
      act: (id: string) => answer(id, {}, { ...OLGA, role: 'viewer' }),
      code: 'APPROVAL_NOT_ELIGIBLE',
    },
    {
      name: 'whoever runs all agents below a path',
      act: (id: string) => answer(id, {}, { ...OLGA, subjects: ['spiffe://example.org/*'] }),
      code: 'APPROVAL_NOT_ELIGIBLE',
    },
    {
      name: 'whoever runs the agent',
      act: (id: string) => answer(id, {}, { ...OLGA, subjects: ['spiffe://example.org/bot'] }),
      code: 'APPROVAL_NOT_ELIGIBLE',
    },
    {
      name: 'a yes after its time',
      act: async (id: string) => {
        await h.clock.advance(600_000)
        return answer(id)
      },
      code: 'APPROVAL_EXPIRED',
    },
    {
      name: 'a yes that policy no longer allows',
      act: (id: string) => {
        h.rules.decision = DECISIONS.deny
        return answer(id)
      },
      code: 'POLICY_DENIED',
    },
    {
      name: 'a yes for an agent that is no longer registered',
      act: (id: string) => {
        h.rules.registered = false
        return answer(id)
      },
      code: 'AGENT_UNREGISTERED',
    },
    {
      name: 'a yes for a trust domain that is no longer trusted',
      act: (id: string) => {
        h.rules.trusted = false
        return answer(id)
      },
      code: 'TRUST_DOMAIN_UNKNOWN',
    },
    {
      name: 'a yes of somebody else once it is approved',
      act: async (id: string) => {
        await answer(id)
        return answer(id, {}, { ...OLGA, name: 'otto' })
      },
      code: 'APPROVAL_DECIDED',
    },
    {
      name: 'a yes after the agent withdrew',
      act: async (id: string) => {
        await h.grants.completeGrant(caller(), id, '')
        return answer(id)
      },
      code: 'APPROVAL_DECIDED',
    },
  ]) {
    test(`refuses ${name}`, async () => {
      const { grant } = await wait()
      await expect(act(grant.id)).rejects.toMatchObject({ code })
    })
  }

  test('of two answers at once, one wins', async () => {
    const { grant } = await wait()
    const results = await Promise.allSettled([answer(grant.id), answer(grant.id, { verdict: 'reject' })])
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
  })

  test('a no is final', async () => {
    const { grant } = await wait()
    await answer(grant.id, { verdict: 'reject' })
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'rejected' })
    expect((await h.request('key-00000001', task(DELETE))).grant.state).toBe('rejected')
  })

  test('a withdrawal and a yes at once have one outcome, and either way no credential can be had', async () => {
    const { grant } = await wait()
    const [withdrawn, approved] = await Promise.allSettled([
      h.grants.completeGrant(caller(), grant.id, 'no longer needed'),
      answer(grant.id),
    ])
    expect(withdrawn).toMatchObject({ status: 'fulfilled' })
    const { state, reason } = (await h.ledger.getGrant(grant.id)) as Grant
    const approval = await h.ledger.findApproval(grant.id)
    if (approved.status === 'fulfilled')
      expect({ state, reason, approval }).toMatchObject({
        state: 'ended',
        reason: 'completed',
        approval: { state: 'approved' },
      })
    else expect({ state, approval }).toMatchObject({ state: 'withdrawn', approval: { state: 'withdrawn' } })
    await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
  })

  test('a yes that is on record before the withdrawal holds: the grant ends, and its approval stays approved', async () => {
    const { grant } = await wait()
    await answer(grant.id)
    const { grant: ended } = await h.grants.completeGrant(caller(), grant.id, '')
    expect(ended).toMatchObject({ state: 'ended', reason: 'completed' })
    expect(await h.ledger.findApproval(grant.id)).toMatchObject({ state: 'approved' })
  })

  test('a withdrawn grant is final, also for its idempotency key', async () => {
    const { grant } = await wait()
    await h.grants.completeGrant(caller(), grant.id, 'no longer needed')
    const again = await h.request('key-00000001', task(DELETE))
    expect(again).toEqual({ grant: await h.ledger.getGrant(grant.id) })
    expect(again.grant.state).toBe('withdrawn')
    expect(await h.ledger.countOpenGrants(grant.subject)).toBe(0)
  })

  test('no answer in time is on record', async () => {
    const { grant } = await wait()
    await h.clock.advance(600_000)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'approval_expired' })
    expect(await h.events()).toContain('approval.expired')
  })
})

describe('watching', () => {
  test('shows the grant, each change, and ends with the final state', async () => {
    const { grant } = await h.request('key-00000001')
    const seen: string[] = []
    const watching = (async () => {
      for await (const view of h.grants.watchGrant(caller(), grant.id, h.signal)) seen.push(view.grant.state)
    })()
    await h.clock.advance(0)
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    await h.clock.advance(300_000)
    await h.sweeper.sweep()
    await watching
    expect(seen).toEqual(['active', 'ending', 'ended'])
  })

  test('stops when the watcher goes', async () => {
    const { grant } = await h.request('key-00000001')
    const gone = new AbortController()
    const views = h.grants.watchGrant(caller(), grant.id, gone.signal)[Symbol.asyncIterator]()
    await views.next()
    const next = views.next()
    gone.abort()
    expect(await next).toMatchObject({ done: true })
  })
})

test('P10: an agent over its limit is refused, and another is not', async () => {
  await h.close()
  h.remove()
  h = await openHarness({ limits: { callsPerSecond: 1, burst: 2 } })
  await h.request('key-00000001')
  await h.request('key-00000002')
  await expect(h.request('key-00000003')).rejects.toMatchObject({ code: 'RATE_LIMITED', retryable: true })
  await expect(
    h.request('key-00000001', task(), caller({ subject: 'spiffe://example.org/other' })),
  ).resolves.toBeDefined()
})

for (const found of ['at_start', 'replica_gone'] as const)
  test(`recovery: a lease left intended by a crash (${found}) counts as minted until its end, and the agent gets another`, async () => {
    h.provider.beforeMint = () => new Promise(() => {})
    void h.request('key-00000001').catch(() => {})
    await h.clock.advance(0)
    await h.close()
    h.provider.beforeMint = () => {}
    h = await openHarness({ folder: h.folder, clock: h.clock, provider: h.provider })
    await h.clock.advance(1)
    await h.sweeper.recover(found)
    const [grant] = (await h.ledger.listGrants({}, { limit: 1 })).items
    expect(await h.ledger.listLeases(grant?.id ?? '')).toMatchObject([{ state: 'intended', outcomeUnknown: true }])
    const unknown = (await h.ledger.trail(grant?.id ?? '')).find(({ type }) => type === 'lease.unknown')
    expect(unknown?.data).toMatchObject({ found })
    const again = await h.request('key-00000001')
    expect(again).toMatchObject({ grant: { id: grant?.id }, lease: { lease: { number: 2 } } })
  })

test('two repeats of a request at the same time, by two certificates, both get a lease', async () => {
  await h.request('key-00000001')
  const evidence = { certificateFingerprint: 'e'.repeat(64) }
  const again = [caller(), caller({ evidence })].map((who) => h.request('key-00000001', task(), who))
  const numbers = (await Promise.all(again)).map(({ lease }) => lease?.lease.number)
  expect(numbers.sort()).toEqual([2, 3])
})
