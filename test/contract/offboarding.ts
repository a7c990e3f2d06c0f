import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { type AgentHoldParts, holdAgents, releaseAgents } from '../../src/grants/inventory/agent-holds.ts'
import { runOffboards } from '../../src/grants/inventory/run-offboards.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { Registry } from '../../src/registry/registry.ts'
import {
  ADA,
  caller,
  DECISIONS,
  type Harness,
  OSCAR,
  openHarness,
  READ,
  task,
  WRITE,
} from '../support/grant-harness.ts'
import type { ManualClock } from '../support/manual-clock.ts'

const SUBJECT = caller().subject
/** As the harness registers every agent. */
const REGISTRY = new Registry({
  hash: 'aa',
  registrations: [
    {
      ...{ name: 'bot', match: SUBJECT, owner: 'ann', team: 'data', purpose: 'to test' },
      expiresAt: new Date('2099-01-01'),
    },
  ],
})
const OTHER = caller({ subject: 'spiffe://example.org/other' })

/** What suspending and offboarding come to on every ledger. `open` makes an empty one, and joins it as another replica. */
export function offboardingContract(
  name: string,
  open: () => Promise<{ ledger: Ledger; clock: ManualClock; dispose(): Promise<void> }>,
): void {
  describe(name, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let harness: Harness
    let holds: AgentHoldParts
    const run = (owner = 'one', ledger = harness.ledger) =>
      runOffboards({ ...harness.parts, ledger, owner }, harness.signal)
    const offboard = () => holdAgents(holds, OSCAR, { kind: 'offboarded', name: 'bot', note: 'left the team' })
    const codeOf = (work: Promise<unknown>) =>
      work.then(
        () => 'done',
        (error: { code: string }) => error.code,
      )
    const openGrants = (count: number, access: object = WRITE) =>
      Promise.all(
        Array.from({ length: count }, async (_, n) => (await harness.request(`request-${n}`, task(access))).grant.id),
      )

    beforeEach(async () => {
      opened = await open()
      const { ledger, clock } = opened
      harness = await openHarness({ ledger, clock })
      holds = { ...harness.parts, registry: { current: () => REGISTRY } }
    })
    afterEach(async () => {
      harness.remove()
      await opened.dispose()
    })

    test('suspended agents get nothing and renew nothing, and go on once they are resumed', async () => {
      const [grantId = ''] = await openGrants(1)
      await holdAgents(holds, OSCAR, { kind: 'suspended', name: 'bot', note: 'odd calls' })
      assert.equal(await codeOf(harness.request('new-request', task())), 'AGENT_SUSPENDED')
      assert.equal(await codeOf(harness.grants.renewLease(caller(), grantId, harness.signal)), 'AGENT_SUSPENDED')
      assert.equal(
        await codeOf(
          harness.grants.requestGrant(OTHER, { task: task(), idempotencyKey: 'other-request' }, harness.signal),
        ),
        'done',
      )
      assert.equal((await harness.ledger.getGrant(grantId))?.state, 'active')
      await releaseAgents(holds, OSCAR, { kind: 'suspended', name: 'bot', note: 'it was a test' })
      assert.equal(await codeOf(harness.grants.renewLease(caller(), grantId, harness.signal)), 'done')
      assert.deepEqual(
        (await harness.events()).filter((type) => type.startsWith('agent.')),
        ['agent.suspended', 'agent.resumed'],
      )
    })

    test('offboarding ends and denies every grant while the agents renew, and nothing is issued after it', async () => {
      const ids = await openGrants(40)
      const renewals = ids.map((id) => harness.grants.renewLease(caller(), id, harness.signal).catch(() => undefined))
      const held = await offboard()
      await run()
      await Promise.all(renewals)
      await run()
      for (const id of ids) {
        const grant = await harness.ledger.getGrant(id)
        assert.deepEqual([grant?.state, grant?.reason], ['ending', 'offboarded'])
        assert.ok(await harness.ledger.findDenyEntry(id))
        const late = (await harness.ledger.listLeases(id)).filter(({ intendedAt }) => intendedAt > held.hold.since)
        assert.deepEqual(late, [])
        assert.notEqual(await codeOf(harness.grants.renewLease(caller(), id, harness.signal)), 'done')
      }
      assert.equal(await codeOf(harness.request('new-request', task())), 'AGENT_OFFBOARDED')
      const cleared = await harness.ledger.auditEvents({ afterPosition: 0, limit: 1_000 })
      assert.deepEqual(
        cleared.filter(({ type }) => type === 'agent.cleared').map(({ data }) => (data as { grants: number }).grants),
        [40],
      )
      assert.deepEqual(await harness.ledger.runningHolds(), [])
    })

    test('an offboarded agent loses what waits for approval and what only runs out, and others keep theirs', async () => {
      harness.rules.decision = DECISIONS.approval
      const waiting = (await harness.request('waiting-request', task())).grant.id
      harness.rules.decision = DECISIONS.permit
      const completed = (await harness.request('completed-request', task(READ))).grant.id
      await harness.grants.completeGrant(caller(), completed, '')
      const kept = await harness.grants.requestGrant(
        OTHER,
        { task: task(), idempotencyKey: 'other-request' },
        harness.signal,
      )
      await offboard()
      await run()
      assert.equal((await harness.ledger.getGrant(waiting))?.state, 'rejected')
      assert.ok((await harness.ledger.findDenyEntry(completed))?.urgent)
      assert.equal((await harness.ledger.getGrant(kept.grant.id))?.state, 'active')
    })

    test('a replica that dies midway: another goes on once the claim is over, and counts on', async () => {
      const ids = await openGrants(5)
      await offboard()
      let calls = 0
      const dying: Ledger = {
        ...harness.ledger,
        moveGrant: async (move) => {
          calls += 1
          if (calls > 2) throw new StintError('LEDGER_UNAVAILABLE', { explanation: 'the process is gone' })
          return harness.ledger.moveGrant(move)
        },
      }
      assert.equal(await codeOf(run('one', dying)), 'LEDGER_UNAVAILABLE')
      await run('two')
      const states = async () => Promise.all(ids.map(async (id) => (await harness.ledger.getGrant(id))?.state))
      assert.ok((await states()).filter((state) => state === 'active').length >= 3)
      await opened.clock.advance(20_001)
      await run('two')
      assert.deepEqual(new Set(await states()), new Set(['ending']))
    })

    test('offboarded agents are taken in again by reinstate, not by resume', async () => {
      await offboard()
      await run()
      const order = { name: 'bot', note: 'came back' }
      assert.equal(await codeOf(releaseAgents(holds, OSCAR, { ...order, kind: 'suspended' })), 'REGISTRATION_HELD')
      await releaseAgents(holds, ADA, { ...order, kind: 'offboarded' })
      assert.equal(await codeOf(harness.request('new-request', task())), 'done')
      assert.equal(await codeOf(releaseAgents(holds, ADA, { ...order, kind: 'offboarded' })), 'REGISTRATION_NOT_HELD')
    })

    test('agents that no registration names cannot be held by name', async () => {
      const order = { name: 'none', note: '' }
      assert.equal(await codeOf(holdAgents(holds, OSCAR, { ...order, kind: 'suspended' })), 'REGISTRATION_NOT_FOUND')
    })
  })
}
