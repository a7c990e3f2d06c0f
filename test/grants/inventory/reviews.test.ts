import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'vitest'
import { createReminder, findDueRegistrations } from '../../../src/grants/inventory/remind.ts'
import { type ReviewParts, showReview, signReview } from '../../../src/grants/inventory/review-agents.ts'
import type { Operator } from '../../../src/grants/operators/operator.ts'
import { combineRegistrations } from '../../../src/registry/combine-registrations.ts'
import type { Registration } from '../../../src/registry/registration.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { caller, DECISIONS, type Harness, OLGA, openHarness, READ, task, WRITE } from '../../support/grant-harness.ts'

const SUBJECT = caller().subject
const DAY_MS = 86_400_000
const signal = new AbortController().signal

let harness: Harness
let file: Registry
let current: Registry
let parts: ReviewParts

const later = (days: number) => new Date(harness.clock.now().getTime() + days * DAY_MS)
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

function useFile(...registrations: Registration[]): void {
  file = new Registry({ registrations, hash: 'aa' })
  current = file
}

beforeEach(async () => {
  harness = await openHarness()
  const bot = { name: 'bot', match: SUBJECT, owner: 'ann', team: 'data', purpose: 'to test' }
  useFile({ ...bot, expiresAt: later(300), reviewAt: later(5) })
  const refresh = async () => {
    const { reviews } = await harness.ledger.registrations()
    current = combineRegistrations({ file, api: [], reviews, writableByApi: [] })
  }
  const registry = {
    current: () => current,
    refresh,
    get status() {
      return { value: current }
    },
  }
  const inventorySettings = () => ({ writableByApi: [], reviewPeriodMs: 90 * DAY_MS })
  parts = { ...harness.parts, registry, inventorySettings }
})
afterEach(async () => {
  await harness.close()
  harness.remove()
})

test('a review tells what was used, what was only asked for, and when', async () => {
  await harness.request('request-1', task(READ))
  harness.rules.decision = DECISIONS.deny
  await codeOf(harness.request('request-2', task(WRITE)))
  const { usage, last } = await showReview(parts, OLGA, 'bot')
  assert.deepEqual(usage.used.actions, ['s3:GetObject'])
  assert.deepEqual(usage.neverUsed.actions, ['s3:PutObject'])
  assert.deepEqual([usage.grants.active, usage.grants.denied], [1, 1])
  assert.deepEqual(usage.lastSeenAt, harness.clock.now())
  assert.equal(last, undefined)
})

test('agents that never asked were never seen', async () => {
  const { usage } = await showReview(parts, OLGA, 'bot')
  assert.equal(usage.lastSeenAt, undefined)
  assert.deepEqual(usage.agents, [])
})

test('a signed review moves the date on by one period, also of a registration in the file', async () => {
  const { shown } = await showReview(parts, OLGA, 'bot')
  const signed = await signReview(parts, OLGA, 'bot', { shown, note: 'all in use' })
  assert.deepEqual(signed.reviewAt, later(90))
  await harness.clock.advance(6 * DAY_MS)
  assert.equal(current.lookup(SUBJECT, harness.clock.now()).name, 'bot')
  assert.equal((await showReview(parts, OLGA, 'bot')).last?.by, 'operator:olga')
  assert.ok((await harness.events()).includes('agent.reviewed'))
})

test('a review that was shown before something new was used is signed by nobody', async () => {
  const { shown } = await showReview(parts, OLGA, 'bot')
  await harness.request('request-1', task(READ))
  assert.equal(await codeOf(signReview(parts, OLGA, 'bot', { shown, note: '' })), 'REVIEW_STALE')
})

test('one more request for what was used before does not make a review stale', async () => {
  await harness.request('request-1', task(READ))
  const { shown } = await showReview(parts, OLGA, 'bot')
  await harness.request('request-2', task(READ))
  assert.equal(await codeOf(signReview(parts, OLGA, 'bot', { shown, note: '' })), 'done')
})

for (const { what, subjects } of [
  { what: 'the agent', subjects: [SUBJECT] },
  { what: 'a prefix that holds the agent', subjects: ['spiffe://example.org/*'] },
])
  test(`an operator who runs ${what} does not sign its review`, async () => {
    const runner: Operator = { ...OLGA, role: 'admin', subjects }
    const { shown, maySign } = await showReview(parts, runner, 'bot')
    assert.equal(maySign, false)
    assert.equal(await codeOf(signReview(parts, runner, 'bot', { shown, note: '' })), 'REVIEW_NOT_ELIGIBLE')
    assert.deepEqual((await harness.ledger.registrations()).reviews, [])
  })

test('operators are told 30, 7 and 1 days before, each once, whichever replica comes first', async () => {
  const bot = { name: 'bot', match: SUBJECT, owner: 'ann', team: 'data', purpose: 'to test' }
  useFile({ ...bot, expiresAt: later(31) })
  const registry = { status: { value: current } }
  const replicas = [1, 2].map(() => createReminder({ ...harness.parts, registry }))
  const told: number[] = []
  for (let day = 0; day < 32; day += 1) {
    for (const remind of replicas) await remind(signal)
    const events = await harness.ledger.auditEvents({ afterPosition: 0, limit: 1_000 })
    told.push(events.filter(({ type }) => type === 'agent.due').length)
    await harness.clock.advance(DAY_MS)
  }
  const firstDayOf = (count: number) => told.indexOf(count)
  assert.deepEqual([firstDayOf(1), firstDayOf(2), firstDayOf(3)], [1, 24, 30])
  assert.equal(told.at(-1), 3)
})

test('the status names registrations that end within a week, and those that have no owner', () => {
  const now = harness.clock.now()
  const near = findDueRegistrations(current, now)
  assert.deepEqual(
    near.map(({ finding, code }) => [finding, code]),
    [['due-review-bot', 'REGISTRATION_DUE']],
  )
  const ownerless = new Registry({
    registrations: current.registrations.map(({ reviewAt: _, ...one }) => one),
    hash: 'aa',
    owners: new Set(['ada']),
  })
  assert.match(findDueRegistrations(ownerless, now)[0]?.explanation ?? '', /The owner ann of bot is not an operator/)
})
