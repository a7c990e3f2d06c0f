import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canonicalJson, type Json, sha256Hex } from '../../src/core/canonical-json.ts'
import { StintError } from '../../src/core/errors.ts'
import { createJudge, type JudgeParts } from '../../src/grants/judge.ts'
import { createGrantService, createOperatorService } from '../../src/grants/services.ts'
import { SqliteDatabase } from '../../src/ledger/sqlite/database/sqlite-database.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Decision } from '../../src/policy/decision.ts'
import { recordOf } from '../support/audit-record.ts'
import { caller, DECISIONS, type Harness, OSCAR, openHarness, task } from '../support/grant-harness.ts'

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const registration = {
  name: 'bot',
  match: 'spiffe://example.org/bot',
  owner: 'ann',
  team: 'data',
  purpose: 'to test',
  expiresAt: new Date('2099-01-01'),
}
const request = { task: task(), idempotencyKey: 'key-00000001' }

/** A broker on the harness's ledger whose planner and policy are the test's. */
function serviceWith(parts: Pick<JudgeParts, 'planner' | 'policy'>) {
  const judge = createJudge({ ...parts, registry: { lookup: () => registration }, approvalsRequiredFor: [] })
  return createGrantService({ ...h.parts, judge })
}

describe('callers with other proofs that race on one key', () => {
  const strong = caller()
  const weak = caller({ authMethod: 'jwt-svid', evidence: { tokenId: 'stolen' } })

  // context.authMethod: policies may demand a certificate.
  test('a token does not get the lease that policy gives to a certificate only', async () => {
    const grants = serviceWith({
      planner: plannerOf(h),
      policy: { decide: ({ context }) => (context.authMethod === 'x509-svid' ? DECISIONS.permit : DECISIONS.deny) },
    })
    const [, second] = await Promise.allSettled([
      grants.requestGrant(strong, request, h.signal),
      grants.requestGrant(weak, request, h.signal),
    ])
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'POLICY_DENIED' } })
  })

  test('whoever holds a lease is on record with the proof that got it', async () => {
    await Promise.all([h.request('key-00000001', task(), strong), h.request('key-00000001', task(), weak)])
    const events = await recordOf(h.ledger)
    expect(JSON.stringify(events)).toContain('stolen')
  })
})

test('a repeat of the last grant that the quota had room for is that grant', async () => {
  const parts = { ...h.parts, quotas: { openGrantsPerAgent: 1, budgets: [] } }
  const grants = createGrantService(parts)
  const first = await grants.requestGrant(caller(), request, h.signal)
  const again = await grants.requestGrant(caller(), request, h.signal)
  expect(again.grant.id).toBe(first.grant.id)
  const other = grants.requestGrant(caller(), { ...request, idempotencyKey: 'key-00000002' }, h.signal)
  await expect(other).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
})

test('calls at the same time do not open more grants than the quota allows', async () => {
  const grants = createGrantService({ ...h.parts, quotas: { openGrantsPerAgent: 2, budgets: [] } })
  const calls = Array.from({ length: 20 }, (_, at) =>
    grants.requestGrant(caller(), { ...request, idempotencyKey: `key-0000${100 + at}` }, h.signal),
  )
  const answers = await Promise.allSettled(calls)
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  expect(h.provider.sessions).toHaveLength(2)
  const events = await recordOf(h.ledger)
  expect(events.filter(({ type }) => type === 'grant.refused')).toHaveLength(18)
})

describe('a renewal after an upgrade that reads the task otherwise', () => {
  const narrow = task({ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::data/*'] })
  const wide = task({ actions: ['s3:GetObject', 's3:GetObjectAcl'], resources: ['arn:aws:s3:::data/*'] })

  async function renewedAs(next: object, first: object = narrow) {
    const { grant } = await h.request('key-00000001', first)
    const planner = plannerOf(h)
    const upgraded = serviceWith({
      planner: { plan: (subject) => planner.plan(subject, next) },
      policy: { decide: () => DECISIONS.permit },
    })
    return { grant, renewal: upgraded.renewLease(caller(), grant.id, h.signal) }
  }

  test('mints what is on record and not what the task would come to now', async () => {
    const { grant, renewal } = await renewedAs(wide)
    const { lease } = await renewal
    const minted = h.provider.sessions.at(-1)
    expect(minted?.plan).toEqual(await h.ledger.getPlan(grant.planHash))
    expect(minted?.lease.notAfter).toEqual(lease?.lease.notAfter)
  })

  test('ends the grant when less was judged than is on record', async () => {
    const { grant, renewal } = await renewedAs(narrow, wide)
    await expect(renewal).rejects.toBeInstanceOf(StintError)
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ reason: 'policy_changed' })
    expect(h.provider.sessions).toHaveLength(1)
  })
})

function plannerOf({ parts }: Harness): JudgeParts['planner'] {
  return { plan: (_subject, wanted) => parts.judge.judge(caller(), wanted, parts.clock.now()).plan }
}

describe('an agent whose requests are all denied', () => {
  /** As large as the wire takes: 64 KiB of resources that nobody may touch. */
  const wideTask = (n: number) => {
    const resources = Array.from({ length: 90 }, (_, k) => `arn:aws:s3:::bucket-${n}-${k}/${'x'.repeat(600)}/*`)
    return task({ actions: ['s3:GetObject'], resources })
  }
  const denyAll = (): Decision => ({
    ...DECISIONS.deny,
    failedPairs: Array.from({ length: 90 }, (_, k) => ({
      action: 's3:GetObject',
      resource: `arn:aws:s3:::bucket-${k}/${'x'.repeat(600)}/*`,
      reason: 'no_permit' as const,
      policies: [],
    })),
  })

  test('leaves a few kilobytes a request in the ledger, with what failed first and how much more', async () => {
    const grants = serviceWith({ planner: widePlanner(), policy: { decide: denyAll } })
    const before = await ledgerBytes()
    for (let n = 0; n < 20; n += 1) {
      const asked = grants.requestGrant(caller(), { task: wideTask(n), idempotencyKey: `denied-${n}00000` }, h.signal)
      await expect(asked).rejects.toMatchObject({ code: 'POLICY_DENIED' })
    }
    expect(((await ledgerBytes()) - before) / 20).toBeLessThan(8_192)
    const [grant] = (await h.ledger.listGrants({}, { limit: 1 })).items
    expect(grant?.decision.failedPairs.length).toBeGreaterThan(0)
    expect(grant?.decision.failedPairsLeftOut).toBe(90 - (grant?.decision.failedPairs.length ?? 0))
  })

  test('waits before it is judged again, on record once a minute, and costs no other agent anything', async () => {
    await h.close()
    h.remove()
    h = await openHarness({ recordRates: { refusalsPerMinute: 3 } })
    h.rules.decision = DECISIONS.deny
    const ask = (n: number) => h.request(`denied-${n}00000`)
    for (let n = 0; n < 3; n += 1) await expect(ask(n)).rejects.toMatchObject({ code: 'POLICY_DENIED' })
    for (let n = 3; n < 9; n += 1) {
      await expect(ask(n)).rejects.toMatchObject({
        code: 'RATE_LIMITED',
        details: { check: 'refusals', retryAfterMs: 20_000 },
      })
    }
    const events = await recordOf(h.ledger)
    expect(events.filter(({ type }) => type === 'grant.refused')).toMatchObject([
      { data: { code: 'RATE_LIMITED', check: 'refusals', refusalsPerMinute: 3 } },
    ])
    h.rules.decision = DECISIONS.permit
    const other = caller({ subject: 'spiffe://example.org/other' })
    await expect(h.request('key-00000001', task(), other)).resolves.toBeDefined()
    await h.clock.advance(20_000)
    await expect(ask(10)).resolves.toBeDefined()
  })

  // A thief's refused requests must not end the work that the agent has in hand.
  test('renews all the same: a renewal that is refused ends its grant, so it needs no other bound', async () => {
    await h.close()
    h.remove()
    h = await openHarness({ recordRates: { refusalsPerMinute: 1 } })
    const { grant } = await h.request('key-00000001')
    const hopeless = { ...task(), purpose: '' }
    await expect(h.request('key-00000002', hopeless)).rejects.toMatchObject({ code: 'PURPOSE_MISSING' })
    await expect(h.request('key-00000003')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect((await h.grants.renewLease(caller(), grant.id, h.signal)).lease).toBeDefined()
  })

  test('is not held up by what is no refusal', async () => {
    await h.close()
    h.remove()
    h = await openHarness({ recordRates: { refusalsPerMinute: 1 } })
    h.rules.policyError = new StintError('POLICY_UNAVAILABLE')
    for (let n = 0; n < 3; n += 1) {
      await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'POLICY_UNAVAILABLE' })
    }
    h.rules.policyError = undefined
    await expect(h.request('key-00000001')).resolves.toBeDefined()
  })

  async function ledgerBytes(): Promise<number> {
    const db = new SqliteDatabase(join(h.folder, 'ledger.db'), { readOnly: true })
    try {
      const { page_count: pages = 0 } = db.get<{ page_count: number }>('PRAGMA page_count') ?? {}
      const { page_size: pageBytes = 0 } = db.get<{ page_size: number }>('PRAGMA page_size') ?? {}
      return pages * pageBytes
    } finally {
      db.close()
    }
  }
})

/** Takes every task as it is: how large a plan may be is not what is tried here. */
function widePlanner(): JudgeParts['planner'] {
  const planner = plannerOf(h)
  return {
    plan(subject, asked) {
      const { task: _, hash: __, ...rest } = planner.plan(subject, task())
      const plan = { ...rest, subject, task: asked as Plan['task'] }
      return { ...plan, hash: sha256Hex(canonicalJson(plan as unknown as Json)) }
    },
  }
}

test('an agent reports at a bounded rate, and none of a call that goes beyond it counts', async () => {
  const { grant } = await h.request('key-00000001')
  const report = (count: number) =>
    h.grants.reportActivity(
      caller(),
      grant.id,
      Array.from({ length: count }, () => ({ at: h.clock.now(), action: 's3:GetObject', resource: '', note: '' })),
    )
  await report(100)
  await expect(report(10)).rejects.toMatchObject({ code: 'RATE_LIMITED', details: { check: 'reports' } })
  await h.clock.advance(2_000)
  await report(10)
  const reports = (await h.ledger.trail(grant.id)).filter(({ type }) => type === 'agent.reported')
  expect(reports).toHaveLength(110)
})

test('P6: an agent that renews again and again, at every broker, does not keep an operator from revoking', async () => {
  const { grant } = await h.request('key-00000001')
  let renewals = 0
  // A renewal comes between each look at the grant and the write that rests on it.
  const getGrant = async (id: string) => {
    const found = await h.ledger.getGrant(id)
    if (renewals++ < 40) await h.grants.renewLease(caller(), grant.id, h.signal)
    return found
  }
  const operators = createOperatorService({ ...h.parts, ledger: { ...h.ledger, getGrant } })
  const revoked = await operators.revokeGrant(OSCAR, grant.id, 'it does what it should not')
  expect(revoked.grant).toMatchObject({ state: 'ending', reason: 'revoked' })
  await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
})
