import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { timeFlag } from '../../src/cli/flags/time-flag.ts'
import { stint } from '../support/cli.ts'
import { FakeAdmin } from '../support/fake-admin.ts'

const HASH = 'ab'.repeat(32)
const GRANT = {
  id: 'grt_1',
  state: 'awaiting_approval',
  subject: 'spiffe://example.org/agent',
  owner: 'ana',
  team: 'data',
  requestedAt: '2026-11-21T12:00:00.000Z',
  decision: {
    outcome: 'approval',
    determiningPolicies: ['p'],
    failedPairs: [],
    approval: [{ anyOf: ['owners'], because: ['p'] }],
  },
}
const PLAN = {
  hash: HASH,
  task: {
    purpose: 'clean up\u001b[2K\u202e',
    roleArn: 'arn:aws:iam::123456789012:role/r',
    access: [],
    ttlSeconds: 900,
  },
  pairs: [
    {
      action: 's3:DeleteObject',
      resource: 'arn:aws:s3:::b/*',
      class: 'destructive',
      flags: ['audit'],
      within: ['env:staging'],
      touches: ['env:staging'],
    },
  ],
  sessionPolicy: '{"Version":"2012-10-17"}',
  sessionPolicyCharacters: 24,
  blastRadius: {
    actions: 1,
    resourcePatterns: 1,
    byClass: { destructive: 1 },
    byLabel: { 'env:staging': 1 },
    outlives: [],
    unknown: ['role policies'],
  },
}
const APPROVAL = {
  id: 'apr_1',
  grantId: 'grt_1',
  planHash: HASH,
  state: 'pending',
  expiresAt: '2026-11-21T13:00:00.000Z',
}

let admin: FakeAdmin
let directory: string
let env: Record<string, string>

beforeEach(async () => {
  admin = await FakeAdmin.start()
  directory = await mkdtemp(join(tmpdir(), 'stint-test-'))
  await writeFile(join(directory, 'token'), 'stint_example\n')
  env = { STINT_ADMIN_URL: admin.url, STINT_ADMIN_TOKEN_FILE: join(directory, 'token') }
  admin.routes['GET /v1/approvals/apr_1'] = { body: { approval: APPROVAL, grant: GRANT, plan: PLAN, eligible: true } }
  admin.routes['POST /v1/approvals/apr_1/approve'] = {
    body: { approval: { ...APPROVAL, state: 'approved', decidedBy: 'ben' }, grant: { ...GRANT, state: 'active' } },
  }
})

afterEach(async () => {
  await admin.stop()
  await rm(directory, { recursive: true, force: true })
})

// The sentences of the admin API name fields of the request; a person gave flags.
for (const { argv, route, detail, says } of [
  {
    argv: ['grants', 'list', '--state', 'open'],
    route: 'GET /v1/grants',
    detail: '/query/state must be one of active, ended.',
    says: '--state must be one of active, ended.',
  },
  {
    argv: ['approvals', 'approve', 'apr_1', '--plan-hash', 'abc', '--note', 'seen it'],
    route: 'POST /v1/approvals/apr_1/approve',
    detail: '/body/planHash must be 64 hex digits.',
    says: '--plan-hash must be 64 hex digits.',
  },
  {
    argv: ['kill', 'role', 'nope', '--drill'],
    route: 'POST /v1/kills/drill',
    detail: '/body/value must be the ARN of a role.',
    says: 'The value must be the ARN of a role.',
  },
  {
    argv: ['grants', 'show', 'grt_1'],
    route: 'GET /v1/grants/grt_1',
    detail: '/path/id must be grt_ and 26 characters.',
    says: 'A grant id is grt_ followed by 26 characters, as in stint grants list; got grt_1.',
  },
])
  test(`${argv.slice(0, 2).join(' ')} tells a mistake in the words of its flags and arguments`, async () => {
    const [pointer = ''] = detail.split(' ')
    const body = { code: 'REQUEST_INVALID', detail, errors: [{ pointer, message: 'must be' }] }
    admin.routes[route] = { status: 400, body }
    const { exitCode, stderr } = await stint(argv, { env })
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: `stint: REQUEST_INVALID: ${says}\n` })
  })

test('whoami sends the token of the file', async () => {
  admin.routes['GET /v1/whoami'] = { body: { name: 'ben', role: 'approver', groups: ['owners'] } }
  const run = await stint(['whoami', '-o', 'json'], { env })
  expect(JSON.parse(run.stdout)).toEqual({ name: 'ben', role: 'approver', groups: ['owners'] })
  expect(admin.calls[0]?.authorization).toBe('Bearer stint_example')
})

const NOT_READY = {
  part: 'credentials',
  code: 'PROVIDER_UNAVAILABLE',
  explanation: 'No answer.',
  since: '2026-11-21T12:00:00.000Z',
}
const REASON = 'Ready:      no: credentials PROVIDER_UNAVAILABLE since 2026-11-21T12:00:00.000Z: No answer.\n'

for (const [ready, notReady, says, exitCode] of [
  [true, [], 'Ready:      yes\n', 0],
  [false, [NOT_READY], REASON, 1],
  [false, undefined, 'Ready:      no\n', 1],
] as const)
  test(`status of a broker that is ${ready ? '' : 'not '}ready, ${notReady ? 'with' : 'without'} its reasons, names its problems and exits with ${exitCode}`, async () => {
    admin.routes['GET /v1/status'] = {
      body: {
        ready,
        notReady,
        problems: [
          {
            component: 'aws:sts',
            code: 'PROVIDER_UNAVAILABLE',
            explanation: 'No answer.\u001b[2K\nNor later.',
            since: '2026-11-21T12:00:00.000Z',
          },
        ],
        identity: {
          spiffeId: 'spiffe://example.org/stint',
          notAfter: '2026-11-21T13:00:00.000Z',
          bundles: [{ trustDomain: 'example.org', source: 'file', x509Authorities: 1, jwtAuthorities: 2 }],
        },
        grants: { active: 3 },
        replicas: [
          {
            ...{ id: 'rpl_1', self: true, since: '2026-11-21T12:00:00.000Z', seenAt: '2026-11-21T12:00:09.000Z' },
            ...{ version: '0.1.0', clockOffsetMs: -12 },
          },
          { id: 'rpl_2', self: false, since: '2026-11-21T12:00:01.000Z', seenAt: '2026-11-21T12:00:09.000Z' },
        ],
        version: '0.1.0',
      },
    }
    const run = await stint(['status'], { env })
    expect(run.exitCode).toBe(exitCode)
    for (const part of [
      says,
      'aws:sts PROVIDER_UNAVAILABLE since 2026-11-21T12:00:00.000Z: No answer.\\u{1b}[2K; Nor later.\n',
      'example.org (file): 1 X.509 and 2 JWT authorities',
      'active 3',
      "rpl_1 (this one): since 2026-11-21T12:00:00.000Z, seen 2026-11-21T12:00:09.000Z, 0.1.0, clock -12 ms from the database's",
      'rpl_2: since 2026-11-21T12:00:01.000Z, seen 2026-11-21T12:00:09.000Z, unknown version\n',
    ])
      expect(run.stdout).toContain(part)
    expect((await stint(['status', '-o', 'json'], { env })).exitCode).toBe(exitCode)
  })

const ROW = {
  ...APPROVAL,
  ...{ requestedAt: '2026-11-21T12:00:00.000Z', ageSeconds: 30, secondsLeft: 3_570, canDecide: true },
  asks: {
    ...{ agent: 'spiffe://example.org/agent', owner: 'ana', team: 'data', roleArn: 'arn', purpose: 'clean up\u202e' },
    ...{ class: 'destructive', access: 's3:DeleteObject on arn:aws:s3:::b/*', pairs: 3 },
  },
}

for (const { name, waiting, says } of [
  { name: 'all that wait', waiting: 2, says: '' },
  { name: 'fewer than wait', waiting: 3, says: 'stint: 3 grants wait for approval and 2 are listed: ' },
])
  test(`approvals list of ${name} ${says ? 'says so' : 'says no more'}; each row tells what is asked, or what is damaged`, async () => {
    const { asks, ...rest } = ROW
    const items = [ROW, { ...rest, canDecide: false, problem: 'The row of the grant grt_1 is damaged.' }]
    admin.routes['GET /v1/approvals'] = { body: { items } }
    admin.routes['GET /v1/status'] = { body: { grants: { awaiting_approval: waiting } } }
    const { stdout, stderr } = await stint(['approvals', 'list'], { env })
    expect(stdout.split('\n').slice(1, 3)).toEqual([
      `apr_1\t30s\t59m\tcan decide\t${asks.agent}\tana\tdestructive\t${asks.access} +2\tclean up\\u{202e}`,
      'apr_1\t30s\t59m\tcannot\t\t\t\tThe row of the grant grt_1 is damaged.\t',
    ])
    expect(stderr.startsWith(says) && (says !== '' || stderr === '')).toBe(true)
  })

test('approvals list of a broker of the version before shows what that has', async () => {
  admin.routes['GET /v1/approvals'] = { body: { items: [APPROVAL] } }
  admin.routes['GET /v1/status'] = { body: { grants: { awaiting_approval: 1 } } }
  const { stdout } = await stint(['approvals', 'list'], { env })
  expect(stdout.split('\n')[1]).toBe('apr_1\t\t\t\t\t\t\t\t')
})

// A broker of the version before: its answer has no `view`.
test('approvals show tells who, why, what, classes, labels, blast radius and the exact policy, with nothing hidden', async () => {
  const { stdout } = await stint(['approvals', 'show', 'apr_1'], { env, isTTY: true })
  for (const part of [
    'spiffe://example.org/agent',
    'ana (team data)',
    'clean up\\u{1b}[2K\\u{202e}',
    's3:DeleteObject on arn:aws:s3:::b/* [destructive, audit, within env:staging, touches env:staging]',
    '1 action on 1 resource pattern',
    'destructive 1',
    'role policies',
    '{"Version":"2012-10-17"}',
    'owners (p)',
    HASH,
  ])
    expect(stdout).toContain(part)
  expect(stdout).not.toContain('\u001b[2K')
})

test('approvals show has warnings of now beside those of the plan', async () => {
  const plan = {
    ...PLAN,
    warnings: [{ kind: 'cannot_revoke', explanation: 'Sessions of this role cannot be revoked.' }],
  }
  const warnings = [{ kind: 'session_nearly_full', explanation: 'A session of this plan will take about 95%.' }]
  const body = { approval: APPROVAL, grant: GRANT, plan, eligible: true, couldDecide: 1, warnings }
  admin.routes['GET /v1/approvals/apr_1'] = { body }
  const { stdout } = await stint(['approvals', 'show', 'apr_1'], { env })
  expect(stdout).toMatch(
    /^Warnings: +Sessions of this role cannot be revoked\.\n +A session of this plan will take about 95%\.$/m,
  )
})

test('approve sends the hash that was given and the note', async () => {
  const run = await stint(['approvals', 'approve', 'apr_1', '--plan-hash', HASH, '--note', 'agreed'], { env })
  expect(run.exitCode).toBe(0)
  expect(admin.calls.map(({ route, body }) => [route, body])).toEqual([
    ['POST /v1/approvals/apr_1/approve', { planHash: HASH, note: 'agreed' }],
  ])
})

test('approve on a terminal shows the plan and asks', async () => {
  const argv = ['approvals', 'approve', 'apr_1', '--note', 'agreed']
  const yes = await stint(argv, { env, isTTY: true, input: 'approve\n' })
  expect(yes.exitCode).toBe(0)
  expect(yes.stderr).toContain('s3:DeleteObject')
  const no = await stint(argv, { env, isTTY: true, input: 'y\n' })
  expect(no.exitCode).toBe(1)
  expect(admin.calls.filter(({ route }) => route.startsWith('POST'))).toHaveLength(1)
})

test('a question that ends without an answer, as by Ctrl-C or Ctrl-D, decides nothing and says so', async () => {
  const run = await stint(['approvals', 'approve', 'apr_1', '--note', 'agreed'], { env, isTTY: true, input: '' })
  expect(run.exitCode).toBe(1)
  expect(run.stderr).toMatch(/\nstint: nothing was decided\n$/)
  expect(admin.calls.filter(({ route }) => route.startsWith('POST'))).toEqual([])
})

for (const { name, argv } of [
  { name: 'approve without a terminal or a hash', argv: ['approvals', 'approve', 'apr_1', '--note', 'x'] },
  { name: 'approve without a note', argv: ['approvals', 'approve', 'apr_1', '--plan-hash', HASH] },
  { name: 'revoke without a note', argv: ['grants', 'revoke', 'grt_1'] },
  { name: 'plain HTTP to another machine', argv: ['whoami', '--admin-url', 'http://192.0.2.1:1'] },
  { name: 'a token file that holds a text', argv: ['whoami', '--admin-token-file', fileURLToPath(import.meta.url)] },
  { name: 'a token file that is not there', argv: ['whoami', '--admin-token-file', '/no/such/file'] },
]) {
  test(`${name} is a usage error and decides nothing`, async () => {
    expect((await stint(argv, { env })).exitCode).toBe(2)
    expect(admin.calls.filter(({ route }) => route.startsWith('POST'))).toEqual([])
  })
}

for (const { name, body, status, exitCode, code } of [
  {
    name: 'a problem document',
    status: 403,
    body: { code: 'OPERATOR_FORBIDDEN', detail: 'viewer' },
    exitCode: 1,
    code: 'OPERATOR_FORBIDDEN',
  },
  {
    name: 'a stale approval',
    status: 409,
    body: { code: 'APPROVAL_STALE', detail: 'x' },
    exitCode: 1,
    code: 'APPROVAL_STALE',
  },
  {
    name: 'an expired approval',
    status: 409,
    body: { code: 'APPROVAL_EXPIRED', detail: 'x' },
    exitCode: 4,
    code: 'APPROVAL_EXPIRED',
  },
  { name: 'an unknown code', status: 418, body: { code: 'constructor' }, exitCode: 1, code: 'INTERNAL' },
  { name: 'no JSON', status: 502, body: '<html>', exitCode: 1, code: 'INTERNAL' },
]) {
  test(`${name} of the admin API is ${code} and exit code ${exitCode}`, async () => {
    admin.routes['GET /v1/whoami'] = { status, body }
    const run = await stint(['whoami'], { env })
    expect([run.exitCode, run.stdout]).toEqual([exitCode, ''])
    expect(run.stderr).toContain(`stint: ${code}:`)
  })
}

for (const argv of [
  ['kill', 'agnet', 'bot', '--why', 'it deletes buckets'],
  ['kill', 'agent', 'bot'],
]) {
  test(`stint ${argv.join(' ')} is wrong use, and kills nothing`, async () => {
    expect(await stint(argv, { env })).toMatchObject({ exitCode: 2 })
    expect(admin.calls).toEqual([])
  })
}

test('an admin API that is not there is exit code 5', async () => {
  await admin.stop()
  expect((await stint(['whoami'], { env })).exitCode).toBe(5)
})

test('grants list follows the pages up to its limit and passes the filters on', async () => {
  admin.routes['GET /v1/grants'] = { body: { items: [GRANT, GRANT], nextCursor: 'c2' } }
  admin.routes['GET /v1/grants?cursor=c2'] = { body: { items: [GRANT], nextCursor: 'c3' } }
  const run = await stint(['grants', 'list', '--limit', '3', '--owner', 'ana', '-o', 'json'], { env })
  expect(JSON.parse(run.stdout)).toHaveLength(3)
  expect(admin.calls.map(({ query }) => query)).toEqual([
    { owner: 'ana', limit: '3' },
    { owner: 'ana', limit: '1', cursor: 'c2' },
  ])
})

for (const list of ['grants', 'approvals'])
  test(`${list} list passes an agent on, and says what the broker says of a name that nobody has`, async () => {
    admin.routes[`GET /v1/${list}`] = { body: { items: [] } }
    expect(await stint([list, 'list', '--agent', 'ci', '--limit', '1'], { env })).toMatchObject({
      exitCode: 0,
      stderr: '',
    })
    expect(admin.calls[0]?.query).toMatchObject({ agent: 'ci', limit: '1' })
    const detail = 'No registration is named cy.'
    admin.routes[`GET /v1/${list}`] = { status: 404, body: { code: 'REGISTRATION_NOT_FOUND', detail } }
    expect(await stint([list, 'list', '--agent', 'cy'], { env })).toMatchObject({
      exitCode: 1,
      stderr: `stint: REGISTRATION_NOT_FOUND: ${detail}\n`,
    })
  })

for (const { since, sent } of [
  { since: '2026-11-21', sent: /^2026-11-21T00:00:00\.000Z$/ },
  { since: '2026-11-21T13:00:00+01:00', sent: /^2026-11-21T12:00:00\.000Z$/ },
  { since: '2h', sent: /^20\d\d-\d\d-\d\dT[\d:.]+Z$/ },
])
  test(`grants list takes --since and --until ${since}`, async () => {
    admin.routes['GET /v1/grants'] = { body: { items: [] } }
    const run = await stint(['grants', 'list', '--since', since, '--until', since], { env })
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    const { requestedAfter, requestedBefore } = admin.calls[0]?.query ?? {}
    expect([requestedAfter, requestedBefore]).toEqual([expect.stringMatching(sent), expect.stringMatching(sent)])
  })

test('2h is two hours ago', () => {
  const agoMs = Date.now() - Date.parse(timeFlag('2h'))
  expect(Math.round(agoMs / 3_600_000)).toBe(2)
})

test('a time that is none is wrong use, and the message shows one', async () => {
  const run = await stint(['grants', 'list', '--since', 'yesterday'], { env })
  expect(run.exitCode).toBe(2)
  expect(run.stderr).toContain('2h')
})

for (const { kind, outcome, says } of [
  { kind: 'ended', outcome: { kind: 'ended', at: 'T' }, says: 'all of its credentials stopped working at T' },
  { kind: 'ending', outcome: { kind: 'ending', effectiveBy: 'T' }, says: 'all of its credentials stop working by T' },
  { kind: 'not revocable', outcome: { kind: 'not-revocable', usableUntil: 'T' }, says: 'works until T' },
]) {
  test(`a revocation that is ${kind} is said to be so`, async () => {
    admin.routes['POST /v1/grants/grt_1/revoke'] = { body: { grant: GRANT, outcome } }
    const run = await stint(['grants', 'revoke', 'grt_1', '--note', 'x'], { env })
    expect(run.stdout).toContain(says)
  })
}

for (const id of ['../whoami', '..%2Fwhoami', 'apr_…', ''])
  test(`the id ${JSON.stringify(id)} cannot lead to another path of the API`, async () => {
    for (const command of ['grants', 'approvals'])
      expect(await stint([command, 'show', id], { env })).toMatchObject({ exitCode: 2 })
    expect(admin.calls).toEqual([])
  })

test('lists of agents, strangers and deny lists print', async () => {
  admin.routes['GET /v1/agents'] = {
    body: { items: [{ name: 'ci', match: 'spiffe://example.org/ci/*' }], problem: 'bad' },
  }
  admin.routes['GET /v1/agents/unregistered'] = { body: { items: [{ subject: 'spiffe://example.org/x', count: 2 }] } }
  admin.routes['GET /v1/deny-lists'] = { body: { items: [{ key: 'inline:arn', attempts: 3, lastError: 'E' }] } }
  const agents = await stint(['agents', 'list'], { env })
  expect(agents.stdout).toContain('ci\tspiffe://example.org/ci/*')
  expect(agents.stderr).toContain('problem')
  expect((await stint(['agents', 'unregistered'], { env })).stdout).toContain('spiffe://example.org/x')
  expect((await stint(['deny-lists'], { env })).stdout).toContain('inline:arn')
})

test('an export of the record verifies offline, and not after one byte was changed', async () => {
  const { sealEvents } = await import('../support/sealed-events.ts')
  const { events, head } = sealEvents(3)
  admin.routes['GET /v1/audit/heads'] = { body: { position: 3, heads: [head] } }
  admin.routes['GET /v1/audit/events'] = { body: { items: events } }
  expect((await stint(['audit', 'heads'], { env })).stdout).toBe(`rpl_1:3:${head.hash}\n`)
  const file = join(directory, 'audit.jsonl')
  expect((await stint(['audit', 'export', '--out', file], { env })).exitCode).toBe(0)
  expect((await stint(['audit', 'verify', file, '--expect-head', `rpl_1:3:${head.hash}`], { env: {} })).exitCode).toBe(
    0,
  )
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('"n":2', '"n":3'))
  const run = await stint(['audit', 'verify', file], { env: {} })
  expect(run.exitCode).toBe(1)
  expect(run.stdout).toContain('BROKEN')
})

for (const { name, out, says } of [
  { name: 'a file that is there already', out: (folder: string) => join(folder, 'token'), says: 'already exists' },
  { name: 'a folder that is not there', out: (folder: string) => join(folder, 'none', 'audit.jsonl'), says: 'ENOENT' },
])
  test(`an export onto ${name} is wrong use, and changes nothing`, async () => {
    const { sealEvents } = await import('../support/sealed-events.ts')
    const { events, head } = sealEvents(3)
    admin.routes['GET /v1/audit/heads'] = { body: { position: 3, heads: [head] } }
    admin.routes['GET /v1/audit/events'] = { body: { items: events } }
    const before = await readdir(directory)
    const run = await stint(['audit', 'export', '--out', out(directory)], { env })
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toContain(out(directory))
    expect(run.stderr).toContain(says)
    expect(await readdir(directory)).toEqual(before)
    expect(await readFile(join(directory, 'token'), 'utf8')).toBe('stint_example\n')
  })

test('an export that breaks off leaves no file', async () => {
  admin.routes['GET /v1/audit/heads'] = { body: { position: 2, heads: [{ chain: '', seq: 2, hash: 'a'.repeat(64) }] } }
  const before = await readdir(directory)
  const run = await stint(['audit', 'export', '--out', join(directory, 'audit.jsonl')], { env })
  expect(run.exitCode).toBe(1)
  expect(await readdir(directory)).toEqual(before)
})

test('a policy directory is checked and tested', async () => {
  await writeFile(
    join(directory, 'a.cedar'),
    '@id("a")\npermit (principal, action in Stint::Action::"read", resource);\n',
  )
  expect((await stint(['policy', 'check', directory], {})).exitCode).toBe(0)
  expect(await stint(['policy', 'test', directory], {}), 'no case proves nothing').toMatchObject({ exitCode: 1 })
  await writeFile(join(directory, 'b.cedar'), 'permit (')
  expect((await stint(['policy', 'check', directory], {})).exitCode).toBe(1)
})

for (const { name, deny, says } of [
  {
    name: 'cannot be written',
    deny: { failing: { since: '2026-11-21T12:00:01Z', attempts: 3, error: 'AccessDenied' } },
    says: 'no: failing since 2026-11-21T12:00:01Z, 3 times in a row: AccessDenied',
  },
  { name: 'waits to be written', deny: {}, says: 'not yet' },
  { name: 'is written by name', deny: { writtenAt: '2026-11-21T12:00:02Z' }, says: '2026-11-21T12:00:02Z' },
  {
    name: 'is under a watermark',
    deny: { writtenAt: '2026-11-21T12:00:02Z', byWatermark: true, chains: true },
    says: '2026-11-21T12:00:02Z, under a watermark that does not reach sessions made by its leases',
  },
])
  test(`a deny that ${name} is shown so with its grant, and on its trail`, async () => {
    const body = {
      grant: GRANT,
      leases: [],
      deny: { listKey: 'inline:arn', wantedAt: '2026-11-21T12:00:00Z', ...deny },
    }
    admin.routes[`GET /v1/grants/${GRANT.id}`] = { body }
    admin.routes[`GET /v1/grants/${GRANT.id}/trail`] = { body: { events: [], deny: body.deny } }
    for (const command of ['show', 'trail']) {
      const { stdout } = await stint(['grants', command, GRANT.id, '-o', 'table'], { env })
      expect(stdout).toContain(says)
      expect(stdout).toContain('inline:arn')
    }
    const json = await stint(['grants', 'trail', GRANT.id, '-o', 'json'], { env })
    expect(JSON.parse(json.stdout)).toEqual([])
  })

test('deny-lists names the documents of a list that fail while the others hold', async () => {
  const failing = { attempts: 2, failingSince: '2026-11-21T12:00:00.000Z', lastError: 'AccessDenied' }
  const documents = [
    { key: 'boundary:a', attempts: 0 },
    { key: 'attached:b', ...failing },
  ]
  const list = { key: 'boundary:a', attempts: 0, claimVersion: 1 }
  admin.routes['GET /v1/deny-lists'] = {
    body: {
      items: [
        { ...list, documents },
        { ...list, key: 'boundary:c' },
      ],
    },
  }
  const { stdout } = await stint(['deny-lists', '-o', 'table'], { env })
  const [, first = '', second = ''] = stdout.split('\n')
  expect(first).toContain('1 of 2 hold; attached:b failing since 2026-11-21T12:00:00.000Z: AccessDenied')
  expect(second).not.toContain('hold')
})
