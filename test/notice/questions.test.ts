import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { caller, DECISIONS, type Harness, OLGA, openHarness, task } from '../support/grant-harness.ts'
import { SECRETS, secretFile, startNotices, startReceiver, webhook } from './notice-stage.ts'

const MINUTE = 60_000
const CLOSING = ['approval.asked', 'approval.lapsing', 'approval.decided']
const PURPOSE = 'to look at the data of the week, '.repeat(12).trim()

let h: Harness
let receiver: Awaited<ReturnType<typeof startReceiver>>
let file: string
beforeEach(async () => {
  h = await openHarness()
  h.rules.decision = DECISIONS.approval
  receiver = await startReceiver()
  file = secretFile(SECRETS[0])
})
afterEach(async () => {
  await h.close()
  h.remove()
  await receiver.close()
})

const ops = (more: object = {}) => webhook('ops', { url: receiver.url, file, ...more }, h.clock)
const begun = async (...receivers: Parameters<typeof startNotices>[2]) => {
  const stage = startNotices(h.ledger, h.clock, receivers)
  await stage.tick()
  return stage
}
const pass = async (stage: { tick(): Promise<void> }, ms: number, stepMs = MINUTE / 2) => {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await h.clock.advance(stepMs)
    await stage.tick()
  }
}
const types = () => receiver.received.map(({ event }) => event.type.replace('stint.', ''))
const decide = async (grantId: string, verdict: 'approve' | 'reject', note = 'looked at') => {
  const approval = await h.ledger.findApproval(grantId)
  if (!approval) throw new Error('no approval')
  return h.operators.decideApproval(OLGA, approval.id, { verdict, planHash: approval.planHash, note })
}

describe('a question', () => {
  test('is told with what the approver needs, facts apart from what the agent says', async () => {
    const stage = await begun(ops())
    const { grant } = await h.request('key-number-1', task(undefined, { purpose: PURPOSE }))
    await stage.tick()
    const approval = await h.ledger.findApproval(grant.id)
    expect(receiver.received[0]?.event).toMatchObject({
      type: 'stint.approval.asked',
      subject: grant.id,
      data: {
        summary: `spiffe://example.org/bot waits for an approval until ${approval?.expiresAt.toISOString()}.`,
        grant: {
          ...{ id: grant.id, agent: 'spiffe://example.org/bot', owner: 'ann', team: 'data', classes: ['read'] },
          ...{ account: '123456789012', planHash: grant.planHash },
        },
        approval: { id: approval?.id, expiresAt: approval?.expiresAt.toISOString() },
        links: { approval: `https://stint.example.org/v1/approvals/${approval?.id}` },
        agentSays: { purpose: `${PURPOSE.slice(0, 300)}…` },
      },
    })
  })

  for (const { outcome, act } of [
    { outcome: 'approved', act: (id: string) => decide(id, 'approve') },
    { outcome: 'rejected', act: (id: string) => decide(id, 'reject') },
    { outcome: 'withdrawn', act: (id: string) => h.grants.completeGrant(caller(), id, 'no longer needed') },
  ] as const) {
    test(`that is ${outcome} is told as closed, and nobody is reminded of it`, async () => {
      const stage = await begun(ops({ events: CLOSING, escalations: [{ afterMs: 2 * MINUTE, filter: {} }] }))
      const { grant } = await h.request('key-number-1')
      await stage.tick()
      await act(grant.id)
      await pass(stage, 12 * MINUTE)
      expect(types()).toEqual(['approval.asked', 'approval.decided'])
      const approval = await h.ledger.findApproval(grant.id)
      expect(receiver.received[1]?.event.data.approval).toEqual({ id: approval?.id, outcome })
      expect(JSON.stringify(receiver.received[1]?.body)).not.toContain('no longer needed')
    })
  }

  test('that nobody answers is reminded of at half and four fifths of its time, then told as expired', async () => {
    const stage = await begun(ops({ events: ['approval.*'] }))
    await h.request('key-number-1')
    await stage.tick()
    await pass(stage, 4.5 * MINUTE)
    expect(types()).toEqual(['approval.asked'])
    await pass(stage, MINUTE)
    expect(types()).toEqual(['approval.asked', 'approval.lapsing'])
    await pass(stage, 3 * MINUTE)
    expect(receiver.received.slice(1).map(({ event }) => event.data.facts.elapsed)).toEqual([0.5, 0.8])
    await h.clock.advance(2 * MINUTE)
    await h.sweeper.sweep()
    await stage.tick()
    expect(types()).toEqual(['approval.asked', 'approval.lapsing', 'approval.lapsing', 'approval.decided'])
    expect(receiver.received[3]?.event.data.approval.outcome).toBe('expired')
  })

  test('that nobody answers in time is told to another receiver, once, and that is on record', async () => {
    const onCall = await startReceiver()
    const escalations = [{ afterMs: 3 * MINUTE, filter: { teams: ['data'] } }]
    const stage = await begun(
      ops({ events: ['approval.asked'] }),
      webhook('on-call', { url: onCall.url, file, events: [], escalations }, h.clock),
      webhook(
        'others',
        { url: onCall.url, file, events: [], escalations: [{ afterMs: 1, filter: { teams: ['x'] } }] },
        h.clock,
      ),
    )
    const { grant } = await h.request('key-number-1')
    await stage.tick()
    await pass(stage, 2.5 * MINUTE)
    expect(onCall.received).toEqual([])
    await pass(stage, 5 * MINUTE)
    expect(onCall.received.map(({ event }) => [event.type, event.data.facts.afterSeconds])).toEqual([
      ['stint.approval.escalated', 180],
    ])
    const trail = await h.ledger.trail(grant.id)
    expect(trail.filter(({ type }) => type === 'approval.escalated').map(({ data }) => data)).toMatchObject([
      { endpoint: 'on-call' },
    ])
    await onCall.close()
  })
})

describe('a filter', () => {
  for (const { filter, passes } of [
    { filter: { teams: ['data'] }, passes: true },
    { filter: { teams: ['web'] }, passes: false },
    { filter: { classes: ['destructive', 'read'] }, passes: true },
    { filter: { classes: ['write'], teams: ['data'] }, passes: false },
    { filter: { accounts: ['123456789012'] }, passes: true },
    { filter: { accounts: ['210987654321'] }, passes: false },
    { filter: { agents: ['spiffe://example.org/*'] }, passes: true },
    { filter: { agents: ['spiffe://example.org/bo'] }, passes: false },
    { filter: { labels: ['env:prod'] }, passes: false },
    { filter: { owners: ['ann'] }, passes: true },
  ])
    test(`${JSON.stringify(filter)} ${passes ? 'lets a question through' : 'keeps it back'}`, async () => {
      const stage = await begun(ops({ events: ['approval.asked'], filter }))
      await h.request('key-number-1')
      await stage.tick()
      expect(types()).toEqual(passes ? ['approval.asked'] : [])
    })
})

describe('what one agent causes', () => {
  test('is told one by one up to a bound, and then as one notice a minute', async () => {
    const stage = await begun(ops({ events: ['approval.asked'] }))
    for (let index = 0; index < 40; index += 1) await h.request(`key-number-${index}`)
    await h.request('key-of-other', task(), caller({ subject: 'spiffe://example.org/other' }))
    for (let index = 0; index < 8; index += 1) await stage.tick()
    expect(receiver.received).toHaveLength(31)
    await pass(stage, 1.5 * MINUTE)
    expect(receiver.received.slice(31).map(({ event }) => [event.type, event.data.count, event.data.agent])).toEqual([
      ['stint.approval.asked', 10, 'spiffe://example.org/bot'],
    ])
  })

  test('by being refused is one notice, and one for the rest of the minute', async () => {
    h.rules.decision = DECISIONS.deny
    const stage = await begun(ops({ events: ['grant.refused'] }))
    for (let index = 0; index < 25; index += 1) await h.request(`key-number-${index}`).catch(() => {})
    await stage.tick()
    expect(receiver.received).toHaveLength(1)
    await pass(stage, 1.5 * MINUTE)
    expect(receiver.received.map(({ event }) => event.data.count)).toEqual([1, 24])
  })

  test('under ever new names is bounded too', async () => {
    h.rules.registered = false
    const stage = await begun(ops({ events: ['agent.unregistered'] }))
    for (let index = 0; index < 80; index += 1)
      await h.request('key-number-1', task(), caller({ subject: `spiffe://example.org/n${index}` })).catch(() => {})
    for (let index = 0; index < 12; index += 1) await stage.tick()
    expect(receiver.received).toHaveLength(50)
    await pass(stage, 1.5 * MINUTE)
    expect(receiver.received.slice(50).map(({ event }) => event.data.count)).toEqual([30])
  })
})
