import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { approvalViewSchema } from '../../../src/admin/schemas/approvals/approval-view-schemas.ts'
import { wire } from '../../../src/admin/wire.ts'
import { printApproval } from '../../../src/cli/approval-output.ts'
import { viewApproval } from '../../../src/grants/approvals/view/approval-view.ts'
import { describeBlastRadius } from '../../../src/grants/approvals/view/blast-radius-words.ts'
import { loadApprovalDetails } from '../../../src/grants/operators/read-as-operator.ts'
import type { HoldScope } from '../../../src/ledger/holds/hold-records.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import type { Registration } from '../../../src/registry/registration.ts'
import { DECISIONS, DELETE, type Harness, OLGA, openHarness, READ, task } from '../../support/grant-harness.ts'

const AGENT = 'spiffe://example.org/bot'
const OTTO = { ...OLGA, name: 'otto' }
const DAY = 86_400_000

let h: Harness
let registrations: Registration[]

beforeEach(async () => {
  h = await openHarness()
  h.rules.decision = DECISIONS.approval
  h.people.push(OLGA, OTTO)
  registrations = [registration()]
})
afterEach(async () => {
  await h.close()
  h.remove()
})

function registration(over: Partial<Registration> = {}): Registration {
  return {
    name: 'bot',
    match: AGENT,
    owner: 'ann',
    team: 'data',
    purpose: 'keeps the data tidy',
    expiresAt: new Date('2099-01-01T00:00:00Z'),
    ...over,
  }
}

async function ask(key: string, wanted: object = task(DELETE)) {
  const { grant } = await h.request(key, wanted)
  const approval = await h.ledger.findApproval(grant.id)
  if (!approval) throw new Error('the grant waits for nobody')
  return { grant, approval }
}

async function view(approvalId: string, operator = OLGA) {
  const parts = { ...h.parts, registrations: { list: () => registrations } }
  return (await loadApprovalDetails(parts, operator, approvalId)).view
}

async function approve({ id, planHash }: { id: string; planHash: string }) {
  await h.operators.decideApproval(OLGA, id, { verdict: 'approve', planHash, note: 'seen it' })
}

/** As a disk or a person would: past the broker, without its checks. */
function damage(sql: string): void {
  const db = new DatabaseSync(join(h.folder, 'ledger.db'), { enableForeignKeyConstraints: false })
  db.exec(`PRAGMA ignore_check_constraints = ON; ${sql}`)
  db.close()
}

/** What a person at a terminal reads. */
async function printed(approvalId: string): Promise<string> {
  const parts = { ...h.parts, registrations: { list: () => registrations } }
  const { approval, grant, view } = wire(await loadApprovalDetails(parts, OLGA, approvalId))
  let text = ''
  const write = (chunk: string) => {
    text += chunk
  }
  printApproval({ stdout: { write }, env: {} } as never, { approval, grant, view } as never)
  return text
}

test('the view is as the API describes it, in the order in which it is read', async () => {
  const { approval } = await ask('key-00000001')
  const seen = await view(approval.id)
  expect(Object.keys(seen)).toEqual([
    'verdict',
    'agent',
    'agentSays',
    'roleArn',
    'duration',
    'access',
    'notIncluded',
    'blastRadius',
    'outlives',
    'flags',
    'warnings',
    'deciders',
    'lastApproved',
    'history',
    'sessionPolicy',
    'planHash',
    'timeLeft',
  ])
  expect(approvalViewSchema.safeParse(wire(seen)).error).toBeUndefined()
})

test('the question stands first: the riskiest access, who asks, until when, and what it waits for', async () => {
  const { approval } = await ask('key-00000001', task(DELETE, { access: [READ, DELETE] }))
  await h.clock.advance(60_000)
  const { verdict, duration, timeLeft } = await view(approval.id)
  expect(verdict).toEqual({
    what: 'delete, stop or overwrite for good: s3:DeleteObject on arn:aws:s3:::data/*, and 1 other pair',
    agent: AGENT,
    owner: 'ann (team data)',
    expiresAt: approval.expiresAt,
    state: 'pending',
    sentence: 'waiting for a member of owners (asked for by p)',
  })
  expect([duration, timeLeft]).toEqual(['30 min', { seconds: 540, words: '9 min' }])
})

test('classes come riskiest first, each in words, with every pair', async () => {
  const { approval } = await ask('key-00000001', task(DELETE, { access: [READ, DELETE] }))
  const { access, blastRadius } = await view(approval.id)
  expect(access.map(({ class: name, pairs, lines }) => [name, pairs, lines])).toEqual([
    ['destructive', 1, ['s3:DeleteObject on arn:aws:s3:::data/*']],
    ['read', 1, ['s3:GetObject on arn:aws:s3:::data/*']],
  ])
  expect(blastRadius.sentences[0]).toBe(
    'Declares 2 actions on 1 resource pattern: 1 pair to delete, stop or overwrite for good; 1 pair to read contents.',
  )
  expect(blastRadius.unknown).toContain('role policies')
})

test('what outlives a revocation and what is flagged is said in words, with its actions', async () => {
  const keys = { actions: ['iam:CreateAccessKey'], resources: ['arn:aws:iam::123456789012:user/ci'] }
  const { approval } = await ask('key-00000001', task(keys))
  const { outlives, flags } = await view(approval.id)
  expect(outlives).toEqual([expect.stringMatching(/^iam:CreateAccessKey: /)])
  expect(flags).toContainEqual({
    flag: 'outlives',
    means: 'makes something that works on after the grant is revoked',
    actions: ['iam:CreateAccessKey'],
  })
})

describe('the registration', () => {
  for (const { name, now, state, notes } of [
    { name: 'as it was', now: () => [registration()], state: 'current', notes: [] },
    {
      name: 'of another owner by now',
      now: () => [registration({ owner: 'mara' })],
      state: 'changed',
      notes: ['Its owner is mara now, and was ann when the agent asked.'],
    },
    {
      name: 'that has expired',
      now: () => [registration({ expiresAt: new Date(h.clock.now().getTime() - 1) })],
      state: 'expired',
      notes: [expect.stringContaining('nobody can approve')],
    },
    {
      name: 'whose review is overdue',
      now: () => [registration({ reviewAt: new Date(h.clock.now().getTime() - DAY) })],
      state: 'current',
      notes: [expect.stringContaining('review was due')],
    },
    {
      name: 'that is gone, so that another one covers the agent',
      now: () => [registration({ name: 'all', match: 'spiffe://example.org/*' })],
      state: 'other',
      notes: ['The agent is covered by all of ann by now.'],
    },
    { name: 'that is gone', now: () => [], state: 'gone', notes: [expect.stringContaining('nobody can approve')] },
  ])
    test(`${name} is ${state}`, async () => {
      const { approval } = await ask('key-00000001')
      registrations = now()
      const { agent } = await view(approval.id)
      expect(agent.registration).toMatchObject({ state, notes })
    })
})

test('how the identity was proven is said', async () => {
  const { approval } = await ask('key-00000001')
  expect((await view(approval.id)).agent.proof).toBe('X.509-SVID of its mTLS connection')
})

test('how long the ledger knows the agent is said', async () => {
  const first = await ask('key-00000001')
  expect((await view(first.approval.id)).agent.known).toBe('this is its first grant on record')
  await h.clock.advance(3 * 3_600_000)
  const second = await ask('key-00000002')
  const { agent } = await view(second.approval.id)
  expect(agent).toMatchObject({
    firstRequestedAt: first.grant.requestedAt,
    known: 'its first grant on record is 3 h older than this one',
  })
})

describe('who decides', () => {
  test('are the others by name, besides whoever looks', async () => {
    const { approval } = await ask('key-00000001')
    const { deciders } = await view(approval.id)
    expect(deciders).toMatchObject({ canDecide: true, others: ['otto'], votes: [] })
    expect(deciders.alarm).toBeUndefined()
  })

  test('is nobody, which is an alarm in words', async () => {
    const { approval } = await ask('key-00000001')
    h.people.length = 0
    const { deciders } = await view(approval.id)
    expect(deciders.alarm).toMatch(/^Nobody can decide this: .*\(owners/)
  })

  test('is not an operator of another group, who reads why', async () => {
    const { approval } = await ask('key-00000001')
    const { deciders } = await view(approval.id, { ...OLGA, name: 'una', groups: ['others'] })
    expect(deciders).toMatchObject({ canDecide: false, others: ['olga', 'otto'] })
    expect(deciders.whyNot).toMatch(/owners/)
  })

  test('is nobody once it is decided, and the vote is there with its note', async () => {
    const { approval } = await ask('key-00000001')
    await approve(approval)
    const { deciders, verdict, timeLeft } = await view(approval.id, OTTO)
    expect(deciders).toMatchObject({
      canDecide: false,
      others: [],
      votes: [{ by: 'operator:olga', verdict: 'approve', note: 'seen it' }],
    })
    expect(deciders.alarm).toBeUndefined()
    expect([verdict.state, timeLeft.seconds]).toEqual(['approved', 0])
  })

  test('is nobody once its time is over, also before the sweeper has come', async () => {
    const { approval } = await ask('key-00000001')
    await h.clock.advance(600_000)
    const { verdict, deciders } = await view(approval.id)
    expect([verdict.state, verdict.sentence]).toEqual(['expired', 'expired: nobody decided in time'])
    expect(deciders).toMatchObject({ canDecide: false, whyNot: 'Nobody decided in time; the agent must ask again.' })
  })
})

describe('a question for several people', () => {
  beforeEach(() => {
    h.rules.decision = { ...DECISIONS.approval, approval: [{ anyOf: ['owners'], count: 2, because: ['p'] }] }
  })

  test('says how far the votes have come, and who is missing', async () => {
    const { approval } = await ask('key-00000001')
    await approve(approval)
    const { verdict, deciders } = await view(approval.id, OTTO)
    expect(verdict.sentence).toBe('waiting for 2 members of owners (asked for by p); approved by olga, 1 missing')
    expect(deciders).toMatchObject({
      requirements: [{ count: 2, approvedBy: ['olga'], missing: 1 }],
      votes: [{ by: 'operator:olga', verdict: 'approve', assurance: 'no_step_up', note: 'seen it' }],
      canDecide: true,
    })
  })

  test('is an alarm when one of them is left', async () => {
    const { approval } = await ask('key-00000001')
    h.people.splice(0, 1)
    expect((await view(approval.id, OTTO)).deciders.alarm).toMatch(
      /^Too few people can decide this: it needs 2 more of owners/,
    )
  })

  test('says of a vote that it counts no more', async () => {
    const { approval } = await ask('key-00000001')
    await approve(approval)
    h.people[0] = { ...OLGA, groups: [] }
    const text = await printed(approval.id)
    expect(text).toMatch(
      /^Votes: +approve by operator:olga at .* \(\w+, no_step_up\): seen it; it does not count any more: /m,
    )
  })
})

describe('what stops the agent', () => {
  const stop = (scope: HoldScope) =>
    h.ledger.putHold({
      hold: {
        ...{ id: 'kil_01K00000000000000000000000', kind: 'kill', scope },
        ...{ since: h.clock.now(), by: 'operator:ada', why: 'it runs wild' },
      },
      events: [],
    })

  test('is said where the question stands, with who did it and why', async () => {
    const { approval } = await ask('key-00000001')
    await stop({ kind: 'agent', value: AGENT })
    expect((await view(approval.id)).verdict.stopped).toMatch(
      /^The kill switch stops agent spiffe:\/\/example\.org\/bot since .* \(kil_\w+ by operator:ada: it runs wild\)/,
    )
    expect(await printed(approval.id)).toMatch(/^Stopped: +The kill switch/m)
  })

  test('is not said of another agent', async () => {
    const { approval } = await ask('key-00000001')
    await stop({ kind: 'agent', value: `${AGENT}-2` })
    expect((await view(approval.id)).verdict).not.toHaveProperty('stopped')
  })
})

test("what the role's own policies leave is told in words, with what they refuse and what decides", () => {
  const pair = (action: string) =>
    ({ action, resource: 'arn:aws:s3:::a/*', class: 'destructive', flags: [], within: [], touches: [] }) as const
  const plan = {
    pairs: [pair('s3:DeleteObject'), pair('s3:DeleteBucket'), pair('s3:PutObject')],
    blastRadius: {
      ...{ actions: 3, resourcePatterns: 1, byClass: { destructive: 3 }, byLabel: {}, flags: [], outlives: [] },
      unknown: ['role policies', 'service control policies'],
    },
    reach: {
      ...{ policiesDigest: 'ab'.repeat(32), yes: 1, no: 1, yesIf: 1, byClass: { destructive: 2 }, byLabel: {} },
      limited: [
        { pair: 1, verdict: 'no', reason: 'boundary' },
        { pair: 2, verdict: 'yes-if', within: ['arn:aws:s3:::a/in/*'], except: ['arn:aws:s3:::a/in/b'] },
      ],
      unknown: ['service control policies'],
    },
  } as unknown as Plan
  expect(describeBlastRadius(plan)).toEqual({
    sentences: [
      'Declares 3 actions on 1 resource pattern: 3 pairs to delete, stop or overwrite for good.',
      'Touches no label.',
      "The role's own policies allow 1 of 3 pairs, 1 in part or on conditions, and refuse 1. That leaves 2 pairs to delete, stop or overwrite for good.",
    ],
    narrowed: [
      "s3:DeleteBucket on arn:aws:s3:::a/*: refused, the role's permissions boundary does not allow it",
      's3:PutObject on arn:aws:s3:::a/*: within arn:aws:s3:::a/in/*; not on arn:aws:s3:::a/in/b',
    ],
    unknown: ['service control policies'],
  })
})

describe('compared with the last approved plan', () => {
  test('there may be none', async () => {
    const { approval } = await ask('key-00000001')
    expect((await view(approval.id)).lastApproved.kind).toBe('none')
  })

  test('the same access for another purpose is the same access', async () => {
    const first = await ask('key-00000001')
    await approve(first.approval)
    const { approval } = await ask('key-00000002', task(DELETE, { purpose: 'to tidy up again' }))
    const { lastApproved } = await view(approval.id)
    expect(lastApproved).toMatchObject({ kind: 'same', grantId: first.grant.id, decidedBy: 'operator:olga' })
    expect(lastApproved.sentence).toMatch(/another purpose\.$/)
  })

  test('more, fewer and longer are told, riskiest first', async () => {
    await approve((await ask('key-00000001', task(DELETE, { access: [DELETE, READ] }))).approval)
    const other = { actions: ['s3:DeleteObject', 's3:GetObject'], resources: ['arn:aws:s3:::other/*'] }
    const wanted = task(DELETE, { access: [DELETE, other], ttlSeconds: 3_600 })
    const { approval } = await ask('key-00000002', wanted)
    const { lastApproved } = await view(approval.id)
    expect(lastApproved).toMatchObject({
      kind: 'differs',
      added: ['destructive: s3:DeleteObject on arn:aws:s3:::other/*', 'read: s3:GetObject on arn:aws:s3:::other/*'],
      removed: ['read: s3:GetObject on arn:aws:s3:::data/*'],
      changed: [],
    })
    expect(lastApproved.sentence).toMatch(/: 2 pairs more, 1 fewer, 1 h instead of 30 min\.$/)
  })

  for (const { name, sql } of [
    { name: 'plan is damaged', sql: "UPDATE plans SET body = '{' WHERE n = (SELECT min(n) FROM plans)" },
    { name: 'grant is damaged', sql: 'UPDATE grants SET owner_n = 9999 WHERE n = (SELECT min(n) FROM grants)' },
  ])
    test(`a last one whose ${name} is said, and keeps nobody from deciding`, async () => {
      await approve((await ask('key-00000001')).approval)
      const { approval } = await ask('key-00000002', task(DELETE, { purpose: 'to tidy up again' }))
      damage(sql)
      const { lastApproved, deciders } = await view(approval.id)
      expect([lastApproved.kind, deciders.canDecide]).toEqual(['unreadable', true])
    })
})

describe('a change that the agent attaches', () => {
  const change = (over: object = {}) => ({
    ...{ kind: 'terraform_plan', sha256: 'ab'.repeat(32), counts: { delete: 1, replace: 1 } },
    resources: [
      { action: 'replace', type: 'aws_db_instance', address: 'aws_db_instance.main' },
      { action: 'delete', type: 'aws_dynamodb_table', address: 'aws_dynamodb_table.sessions["eu"]' },
    ],
    ...over,
  })

  test('is shown with its deletes and replacements first, after the words of the agent', async () => {
    const { approval } = await ask('key-00000001', task(DELETE, { change: change() }))
    expect((await view(approval.id)).change).toEqual({
      sentence: 'a Terraform plan: 1 resource deleted, 1 resource replaced',
      lines: [
        'delete: aws_dynamodb_table aws_dynamodb_table.sessions["eu"]',
        'replace: aws_db_instance aws_db_instance.main',
      ],
      file: `SHA-256 ${'ab'.repeat(32)}`,
    })
    expect(await printed(approval.id)).toMatch(
      /^The agent says: .*\nChange, it says: +a Terraform plan: .*\n +delete: .*\n +replace: .*\n +SHA-256 abab/m,
    )
  })

  test('says how many resources it does not list', async () => {
    const resources = Array.from({ length: 50 }, (_, n) => ({ action: 'delete', type: 't', address: `t.n${n}` }))
    const counts = { delete: 60, create: 7 }
    const { approval } = await ask('key-00000001', task(DELETE, { change: change({ counts, resources }) }))
    expect((await view(approval.id)).change?.leftOut).toBe('not listed: 10 deleted, 7 created')
  })

  test('makes another plan of another file, which is said', async () => {
    await approve((await ask('key-00000001', task(DELETE, { change: change() }))).approval)
    const other = change({ sha256: 'cd'.repeat(32) })
    const { approval } = await ask('key-00000002', task(DELETE, { change: other }))
    expect((await view(approval.id)).lastApproved).toMatchObject({
      kind: 'same',
      sentence: expect.stringMatching(/, with another change\.$/),
    })
    const again = h.request('key-00000001', task(DELETE, { change: other }))
    await expect(again).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })
})

test('the history has the ten newest other grants, with what came of them', async () => {
  for (let n = 1; n <= 12; n += 1) {
    await ask(`key-0000000${n}`.slice(0, 14), task(DELETE, { purpose: `to tidy up, round ${n}` }))
    await h.clock.advance(1_000)
  }
  const rejected = await ask('key-rejected')
  const { id, planHash } = rejected.approval
  await h.operators.decideApproval(OLGA, id, { verdict: 'reject', planHash, note: 'not today' })
  await h.clock.advance(1_000)
  const { approval } = await ask('key-of-this-one')
  const { history } = await view(approval.id)
  expect(history).toHaveLength(10)
  expect(history[0]).toMatchObject({ id: rejected.grant.id, outcome: 'rejected', samePlan: true })
  expect(history[1]).toMatchObject({
    outcome: 'waiting for approval',
    purpose: 'to tidy up, round 12',
    samePlan: false,
  })
})

test('the session policy is laid out, and is the very policy', async () => {
  const { approval, grant } = await ask('key-00000001')
  const { sessionPolicy } = await view(approval.id)
  expect(sessionPolicy.text.split('\n').length).toBeGreaterThan(5)
  const plan = await h.ledger.getPlan(grant.planHash)
  expect(JSON.parse(sessionPolicy.text)).toEqual(JSON.parse(plan?.sessionPolicy ?? ''))
})

describe('a hostile agent', () => {
  test('whose plan was edited in the ledger is shown to nobody', async () => {
    const { approval } = await ask('key-00000001')
    damage("UPDATE plans SET body = replace(body, 'destructive', 'read')")
    await expect(view(approval.id)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  })

  test('cannot hide, reorder or forge lines by its words', async () => {
    const { approval } = await ask('key-00000001')
    const details = await loadApprovalDetails(
      { ...h.parts, registrations: { list: () => registrations } },
      OLGA,
      approval.id,
    )
    const nasty = (text: string) => `${text}\u001b[2K\u202eevil\nYou: may decide`
    // The planner refuses such texts; a ledger of an earlier version may have them.
    const plan = {
      ...details.plan,
      task: { ...details.plan.task, purpose: nasty('clean up') },
      pairs: details.plan.pairs.map((pair) => ({ ...pair, resource: nasty(pair.resource) })),
    }
    const sources = { ledger: h.ledger, registrations: { list: () => registrations } }
    const question = { ...details, plan, open: true, now: h.clock.now() }
    const { agentSays, access, verdict } = await viewApproval(sources, question, OLGA, h.people)
    for (const text of [agentSays.purpose, verdict.what, ...(access[0]?.lines ?? [])])
      expect(text).toContain('\\u{1b}[2K\\u{202e}evil\\u{a}You: may decide')
  })

  test('cannot push anything out by many resources: the riskiest stands first, and nothing is cut', async () => {
    const many = Array.from({ length: 20 }, (_, n) => `arn:aws:s3:::a/${String(n).padStart(2, '0')}*`)
    const access = [{ actions: ['s3:GetObject'], resources: many }, DELETE]
    const { approval } = await ask('key-00000001', task(DELETE, { access }))
    const text = await printed(approval.id)
    expect(text.split('\n')[1]).toMatch(
      /^Asks to: +delete, .*s3:DeleteObject on arn:aws:s3:::data\/\*, and 20 other pairs$/,
    )
    for (const resource of many) expect(text).toContain(`s3:GetObject on ${resource}`)
  })

  test('has its own words marked as its own, on one line, and words that look like others named', async () => {
    const { approval } = await ask('key-00000001', task(DELETE, { purpose: 'tidy the p\u0430yments' }))
    const text = await printed(approval.id)
    expect(text).toMatch(/^The agent says: +"tidy the p\u0430yments"$/m)
    expect(text).toMatch(/^Look-alikes: +p\u0430yments mixes scripts/m)
  })
})
