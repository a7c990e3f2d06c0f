import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadReach } from '../../../src/grants/reach/load-reach.ts'
import type { PlanReach } from '../../../src/plan/reach/reach-record.ts'
import { caller, DELETE, type Harness, openHarness, READ, task, WRITE } from '../../support/grant-harness.ts'

const signal = new AbortController().signal
let harness: Harness
let key = 0
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(async () => {
  await harness.close()
  harness.remove()
})

async function request(access: object, over: Parameters<typeof caller>[0] = {}) {
  key += 1
  return harness.grants.requestGrant(caller(over), { task: task(access), idempotencyKey: `reach-key-${key}` }, signal)
}
const load = (
  kind: 'grant' | 'agent' | 'owner' | 'team' | 'account',
  name: string,
  more: { since?: Date; reach?: PlanReach } = {},
) =>
  loadReach(
    { ledger: harness.ledger, reachOf: () => more.reach },
    { kind, name },
    { now: harness.clock.now(), since: more.since },
  )

test('grants that can act now are added up, each access once', async () => {
  const { grant } = await request(READ)
  await request({ ...READ, actions: ['s3:GetObject', 's3:GetObjectTagging'] })
  await request(WRITE)
  const { subject } = caller()
  for (const [kind, name] of [
    ['agent', subject],
    ['agent', 'bot'],
    ['owner', 'ann'],
    ['team', 'data'],
    ['account', grant.roleArn.split(':')[4] ?? ''],
  ] as const)
    expect(await load(kind, name), kind).toMatchObject({
      ...{ grants: 3, agents: [subject], pairs: 3, refused: 0, byClass: { read: 2, write: 1 }, complete: true },
      entries: [
        { class: 'write', actions: ['s3:PutObject'], verdict: 'unknown' },
        { class: 'read', actions: ['s3:GetObject', 's3:GetObjectTagging'], resource: 'arn:aws:s3:::data/*' },
      ],
    })
  expect(await load('grant', grant.id)).toMatchObject({ grants: 1, pairs: 1 })
  expect(await load('team', 'other')).toMatchObject({ grants: 0, pairs: 0, entries: [] })
})

test('what is over counts only where a time is asked for', async () => {
  const { grant } = await request(DELETE)
  await harness.grants.completeGrant(caller(), grant.id, '')
  await harness.clock.advance(3_600_000)
  await harness.sweeper.sweep()
  await harness.clock.advance(3_600_000)
  expect(await load('owner', 'ann')).toMatchObject({ grants: 0 })
  const dayAgo = new Date(harness.clock.now().getTime() - 86_400_000)
  expect(await load('owner', 'ann', { since: dayAgo })).toMatchObject({ grants: 1, byClass: { destructive: 1 } })
  const justNow = new Date(harness.clock.now().getTime() - 1_000)
  expect(await load('owner', 'ann', { since: justNow })).toMatchObject({ grants: 0 })
})

test("the role's own policies cut it", async () => {
  await request(READ)
  const cut = { policiesDigest: '', byClass: {}, byLabel: {}, unknown: ['service control policies'] }
  const refused = {
    ...cut,
    yes: 0,
    no: 1,
    yesIf: 0,
    limited: [{ pair: 0, verdict: 'no', reason: 'not_allowed' }],
  } as const
  expect(await load('owner', 'ann', { reach: refused })).toMatchObject({ pairs: 0, refused: 1, entries: [] })
  const part = {
    ...cut,
    yes: 0,
    no: 0,
    yesIf: 1,
    limited: [{ pair: 0, verdict: 'yes-if', within: ['arn:aws:s3:::data/1/*'] }],
  } as const
  expect(await load('owner', 'ann', { reach: part })).toMatchObject({
    pairs: 1,
    unknown: ['service control policies'],
    entries: [{ verdict: 'yes-if', limits: { within: ['arn:aws:s3:::data/1/*'] } }],
  })
})

test('a grant that is not there is refused', async () => {
  await expect(load('grant', 'grt_01JD7Z0000EXAMP1E0GRANT000')).rejects.toMatchObject({ code: 'GRANT_NOT_FOUND' })
})
