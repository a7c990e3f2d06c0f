import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Grant } from '../../src/contract/gen/stint/v1/Grant.ts'
import type { Task } from '../../src/contract/gen/stint/v1/Task.ts'
import { ERROR_CATALOG, type ErrorCode, StintError } from '../../src/core/errors.ts'
import { inputError } from '../../src/core/input-error.ts'
import { stint } from '../support/cli.ts'
import { FakeBroker, GRANT_ID } from '../support/fake-broker.ts'
import { ManualClock } from '../support/manual-clock.ts'

const TASK_YAML = `
purpose: read the invoices of May
roleArn: arn:aws:iam::123456789012:role/agent-data
ttl: 15m
access:
  - actions: [s3:GetObject]
    resources: ['arn:aws:s3:::invoices/*']
`
let broker: FakeBroker
let env: Record<string, string>
let task: string

beforeEach(async () => {
  broker = await FakeBroker.start(new ManualClock('2099-01-01T00:00:00.000Z'))
  env = broker.env
  task = join(broker.directory, 'task.yaml')
  await writeFile(task, TASK_YAML)
})

afterEach(() => broker.stop())

// docs/cli.md, "Exit codes"
const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  POLICY_DENIED: 3,
  KILLED: 3,
  AGENT_SUSPENDED: 3,
  AGENT_OFFBOARDED: 3,
  APPROVAL_PENDING: 4,
  APPROVAL_REJECTED: 4,
  REQUEST_WITHDRAWN: 4,
  APPROVAL_EXPIRED: 4,
  BROKER_UNAVAILABLE: 5,
  SHUTTING_DOWN: 5,
  DEADLINE_EXCEEDED: 5,
}

for (const code of Object.keys(ERROR_CATALOG) as ErrorCode[]) {
  // A retryable one is tried again until the deadline, which is another test's matter.
  if (ERROR_CATALOG[code].retryable && !['APPROVAL_PENDING', 'DEADLINE_EXCEEDED', 'CANCELLED'].includes(code)) continue
  test(`${code} exits with ${EXIT_CODES[code] ?? 1}, says so on stderr and prints no data`, async () => {
    broker.scripts.CompleteGrant = () => {
      throw new StintError(code, { explanation: 'because \u001b[2K' })
    }
    const run = await stint(['complete', GRANT_ID], { env })
    expect(run.exitCode).toBe(EXIT_CODES[code] ?? 1)
    expect(run.stdout).toBe('')
    expect(run.stderr).toBe(`stint: ${code}: because \\u{1b}[2K\n`)
  })
}

for (const { name, argv } of [
  { name: 'no command', argv: [] },
  { name: 'an unknown command', argv: ['frobnicate'] },
  { name: 'an unknown flag', argv: ['request', '--frobnicate'] },
  { name: 'a missing argument', argv: ['complete'] },
  { name: 'an unknown format', argv: ['complete', GRANT_ID, '-o', 'xml'] },
  {
    name: 'a malformed --allow',
    argv: ['plan', '--role', 'r', '--purpose', 'p', '--ttl', '1m', '--allow', 's3:GetObject'],
  },
  {
    name: 'a --condition before any --allow',
    argv: ['plan', '--role', 'r', '--purpose', 'p', '--ttl', '1m', '--condition', 'a=b', '--allow', 'a=b'],
  },
  {
    name: 'a malformed --condition',
    argv: ['plan', '--role', 'r', '--purpose', 'p', '--ttl', '1m', '--allow', 'a=b', '--condition', 'aws:TagKeys'],
  },
  { name: 'a malformed --ttl', argv: ['plan', '--role', 'r', '--purpose', 'p', '--allow', 'a=b', '--ttl', '15'] },
  { name: 'a task file that is not there', argv: ['plan', '--task', '/no/such/file'] },
]) {
  test(`${name} is exit code 2 with a sentence`, async () => {
    const run = await stint(argv, { env })
    expect([run.exitCode, run.stdout]).toEqual([2, ''])
    expect(run.stderr).not.toBe('')
  })
}

test('a bare number for the ttl of a task file is told how it is written', async () => {
  await writeFile(task, TASK_YAML.replace('15m', '900'))
  const run = await stint(['plan', '--task', task], { env })
  expect(run.exitCode).toBe(2)
  expect(run.stderr).toContain('ttl must be a duration with its unit, such as 90s or 15m; for 900 seconds write 900s')
})

test('a task file that is broken on each of 5,000 lines is told of a hundred problems and how many more there are', async () => {
  await writeFile(task, 'a: [\n'.repeat(5_000))
  const { exitCode, stderr } = await stint(['plan', '--task', task], { env })
  expect([exitCode, stderr.split('; ').length]).toEqual([2, 101])
  expect(stderr).toMatch(/; and \d{4} more problems\.\n$/)
})

for (const { name, yaml } of [
  { name: 'an unknown key', yaml: `${TASK_YAML}\nroles: x` },
  { name: 'an alias', yaml: 'purpose: &a x\nroleArn: *a' },
  { name: 'no mapping', yaml: '- 1' },
]) {
  test(`a task file with ${name} is a usage error`, async () => {
    await writeFile(task, yaml)
    expect((await stint(['plan', '--task', task], { env })).exitCode).toBe(2)
  })
}

for (const { name, argv, yaml, lines } of [
  {
    name: 'the keys of the task file',
    yaml: TASK_YAML,
    argv: [],
    lines: [
      'roleArn must be a role',
      'ttl must be between 60 and 3600 seconds (got 5)',
      'access[0].actions[1] is refused: no',
    ],
  },
  {
    name: 'ttlSeconds where the file has that',
    yaml: TASK_YAML.replace('ttl: 15m', 'ttlSeconds: 900'),
    argv: [],
    lines: ['roleArn must be', 'ttlSeconds must be between', 'access[0].actions[1] is refused'],
  },
  {
    name: 'flags where flags said it',
    yaml: TASK_YAML,
    argv: ['--role', 'r', '--ttl', '5s', '--allow', 's3:GetObject,s3:X=arn:aws:s3:::b/*'],
    lines: ['--role must be', '--ttl must be', '--allow s3:GetObject,s3:X=arn:aws:s3:::b/* is refused'],
  },
]) {
  for (const command of ['plan', 'request', 'exec'])
    test(`stint ${command} tells the mistakes of a task by ${name}, a line each`, async () => {
      await writeFile(task, yaml)
      const refuse = () => {
        throw inputError(
          [
            { field: 'task.roleArn', code: 'ROLE_UNKNOWN', message: 'must be a role' },
            {
              field: 'task.ttlSeconds',
              code: 'TTL_OUT_OF_RANGE',
              message: 'must be between 60 and 3600 seconds (got 5)',
            },
            { field: 'task.access[0].actions[1]', code: 'ACTION_UNKNOWN', message: 'is refused: no' },
          ],
          'TASK_INVALID',
        )
      }
      broker.scripts.PlanTask = refuse
      broker.scripts.RequestGrant = refuse
      const run = await stint([command, '--task', task, ...argv, ...(command === 'exec' ? ['--', 'true'] : [])], {
        env,
      })
      const [first, ...more] = run.stderr.trimEnd().split('\n')
      expect([run.exitCode, first]).toEqual([1, 'stint: TASK_INVALID: The task is malformed:'])
      expect(more).toEqual(lines.map((line) => expect.stringContaining(`  ${line}`)))
    })
}

for (const missing of ['STINT_ADDRESS', 'STINT_SERVER_ID', 'STINT_BUNDLE']) {
  test(`without ${missing} a command says so`, async () => {
    const run = await stint(['complete', GRANT_ID], { env: { ...env, [missing]: undefined } })
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toContain(missing)
  })
}

test('a flag wins over the environment', async () => {
  const run = await stint(['complete', GRANT_ID, '--address', broker.address], {
    env: { ...env, STINT_ADDRESS: 'x:1' },
  })
  expect(run.exitCode).toBe(0)
})

test('request prints the grant, and no secret unless it was asked for', async () => {
  for (const output of ['table', 'json', 'yaml']) {
    const run = await stint(['request', '--task', task, '-o', output], { env })
    expect(run.exitCode).toBe(0)
    expect(run.stdout).toContain(GRANT_ID)
    expect(run.stdout + run.stderr).not.toMatch(/secret-|token-/)
  }
  const shown = await stint(['request', '--task', task, '-o', 'json', '--show-credentials'], { env })
  expect(JSON.parse(shown.stdout).credentials.secretAccessKey).toBe('secret-4')
})

test('the JSON of request is stable', async () => {
  const run = await stint(['request', '--task', task, '-o', 'json'], { env })
  expect(JSON.parse(run.stdout)).toEqual({
    grant: {
      id: GRANT_ID,
      state: 'active',
      subject: 'spiffe://example.org/agent',
      roleArn: 'arn:aws:iam::123456789012:role/agent-data',
      purpose: 'read the invoices',
      planHash: 'ab'.repeat(32),
      requestedAt: '2099-01-01T00:00:00.000Z',
      deadline: '2099-01-01T01:00:00.000Z',
      leaseCount: 1,
    },
    idempotencyKey: expect.stringMatching(/^cli-/),
    lease: {
      id: 'lse_00000000000000000000000001',
      number: 1,
      notAfter: '2099-01-01T00:05:00.000Z',
      usableUntil: '2099-01-01T00:04:30.000Z',
      accessKeyId: 'ASIAEXAMPLE1',
    },
  })
})

test('a credential_process with a fixed key outlives its grant', async () => {
  const given = new Map<unknown, Grant>()
  broker.scripts.RequestGrant = ({ idempotencyKey }) => {
    const grant = given.get(idempotencyKey) ?? { ...broker.grant, id: `grt_01K0000000000000000000000${given.size}` }
    given.set(idempotencyKey, grant)
    return { grant, ...(grant.state === 'GRANT_STATE_ACTIVE' && { lease: broker.nextLease() }) }
  }
  broker.scripts.GetGrant = ({ grantId }) => ({ grant: [...given.values()].find(({ id }) => id === grantId) })
  const call = () =>
    stint(['request', '--task', task, '-o', 'credential-process', '--idempotency-key', 'reports-of-may'], { env })
  for (let grants = 1; grants <= 3; grants += 1) {
    expect(await call()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"Version":1') })
    expect(await call()).toMatchObject({ exitCode: 0 })
    expect(given.size).toBe(grants)
    for (const [key, grant] of given) given.set(key, { ...grant, state: 'GRANT_STATE_ENDED', reason: 'deadline' })
  }
})

test('an idempotency key is one grant for ever where it is no credential_process', async () => {
  broker.grant = { ...broker.grant, state: 'GRANT_STATE_ENDED', reason: 'deadline' }
  const run = await stint(['request', '--task', task, '--idempotency-key', 'reports-of-may'], { env })
  expect(run.exitCode).toBe(1)
  expect(run.stderr).toContain('GRANT_NOT_ACTIVE')
  expect(broker.calls.map(({ request }) => request.idempotencyKey)).toEqual(['reports-of-may'])
})

test('request speaks credential_process', async () => {
  const run = await stint(['request', '--task', task, '-o', 'credential-process'], { env })
  expect(JSON.parse(run.stdout)).toEqual({
    Version: 1,
    AccessKeyId: 'ASIAEXAMPLE1',
    SecretAccessKey: 'secret-1',
    SessionToken: 'token-1',
    Expiration: '2099-01-01T00:04:30Z',
  })
})

test('a task is told of all the fields that it has not', async () => {
  const run = await stint(['plan', '--allow', 's3:GetObject=arn:aws:s3:::a/*'], { env })
  const stderr =
    'stint: The task has no purpose, roleArn, ttl: set --purpose, --role, --ttl, or purpose, roleArn, ttl in the --task file.\n'
  expect(run).toMatchObject({ exitCode: 2, stderr })
})

test('an idempotency key that is refused is told by its flag', async () => {
  broker.scripts.RequestGrant = () => {
    throw inputError([{ field: 'idempotencyKey', code: 'IDEMPOTENCY_KEY_INVALID', message: 'must be longer' }])
  }
  const run = await stint(['request', '--task', task, '--idempotency-key', 'k'], { env })
  expect(run.stderr).toMatch(/^stint: IDEMPOTENCY_KEY_INVALID: --idempotency-key must be longer\.$/m)
})

test('request --no-wait at the gate is exit code 4 with the approval', async () => {
  broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
  const run = await stint(['request', '--task', task, '--no-wait', '-o', 'json'], { env })
  expect(run.exitCode).toBe(4)
  expect(JSON.parse(run.stdout).grant.approvalId).toBe('apr_1')
  const { idempotencyKey } = JSON.parse(run.stdout)
  expect(idempotencyKey).toMatch(/^cli-/)
  expect(run.stderr).toContain(`--idempotency-key ${idempotencyKey}`)
  const keyed = await stint(['request', '--task', task, '--no-wait', '--idempotency-key', 'tidy-november'], { env })
  expect([keyed.exitCode, keyed.stderr]).toEqual([4, ''])
})

test('request --no-wait for a grant that is active at once makes one lease', async () => {
  const run = await stint(['request', '--task', task, '--no-wait', '--idempotency-key', 'tidy-november'], { env })
  expect(run).toMatchObject({ exitCode: 0, stderr: '' })
  expect(run.stdout).toContain('ASIAEXAMPLE1')
  expect(broker.calls.map(({ method }) => method)).toEqual(['RequestGrant'])
})

const KEY = ['--idempotency-key', 'tidy-november']
for (const { argv, withdraws } of [
  { argv: ['request', ...KEY], withdraws: false },
  { argv: ['request', ...KEY, '--on-give-up', 'withdraw'], withdraws: true },
  { argv: ['request'], withdraws: true },
  { argv: ['request', '--on-give-up', 'keep'], withdraws: false },
  { argv: ['exec'], withdraws: true },
  { argv: ['exec', ...KEY], withdraws: true },
  { argv: ['exec', '--on-give-up', 'keep'], withdraws: false },
])
  test(`${argv.join(' ')} --wait-for gives up with exit code 4, and says what becomes of the question`, async () => {
    broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
    const command = argv[0] === 'exec' ? ['--', 'true'] : []
    const run = await stint([...argv, '--task', task, '--wait-for', '1ms', ...command], { env })
    expect([run.exitCode, run.stdout]).toEqual([4, ''])
    expect(run.stderr).toContain('stint approvals show apr_1')
    expect(broker.countOf('CompleteGrant')).toBe(withdraws ? 1 : 0)
    const [, key = ''] = /--idempotency-key (\S+)/.exec(run.stderr) ?? []
    expect(key).toMatch(argv.includes('--idempotency-key') ? /^tidy-november$/ : /^cli-/)
    expect(run.stderr).toContain(withdraws ? 'REQUEST_WITHDRAWN' : `repeat the request with the idempotency key ${key}`)
    expect(run.stderr).toContain(`idempotencyKey: ${key}`)
  })

test('plan shows what a task comes to, and exits with 3 when policy would deny', async () => {
  expect((await stint(['plan', '--task', task], { env })).exitCode).toBe(0)
  expect(broker.calls.at(-1)?.request.task).toMatchObject({ ttlSeconds: 900, access: [{ actions: ['s3:GetObject'] }] })
  broker.scripts.PlanTask = ({ task: asked }) => ({ plan: { task: asked }, decision: { outcome: 'deny' } })
  const run = await stint(['plan', '--task', task, '-o', 'json'], { env })
  expect(run.exitCode).toBe(3)
  expect(JSON.parse(run.stdout).decision.outcome).toBe('deny')
})

for (const { name, argv, yaml } of [
  {
    name: 'a task file',
    argv: [],
    yaml: `${TASK_YAML}    conditions:
      - { key: 'aws:ResourceTag/env', values: [dev, test] }
      - { key: 's3:prefix', operator: StringLike, values: ['in/*'] }
`,
  },
  {
    name: 'flags',
    argv: [
      ...['--allow', 's3:GetObject=arn:aws:s3:::invoices/*', '--condition', 'aws:ResourceTag/env=dev,test'],
      ...['--condition', 'StringLike:s3:prefix=in/*', '--allow', 's3:ListAllMyBuckets=*'],
    ],
    yaml: TASK_YAML,
  },
]) {
  test(`conditions of ${name} reach the broker, and the plan says them`, async () => {
    await writeFile(task, yaml)
    const pair = { action: 's3:GetObject', resource: 'arn:aws:s3:::invoices/*', actionClass: 'read' }
    broker.scripts.PlanTask = ({ task: asked }) => {
      const { access } = asked as Task
      const pairs = [{ ...pair, conditions: access?.[0]?.conditions ?? [] }]
      return { plan: { task: asked, pairs }, decision: { outcome: 'permit' } }
    }
    const run = await stint(['plan', '--task', task, ...argv], { env })
    expect((broker.calls.at(-1)?.request.task as Task | undefined)?.access?.[0]).toMatchObject({
      actions: ['s3:GetObject'],
      conditions: [
        { key: 'aws:ResourceTag/env', values: ['dev', 'test'] },
        { key: 's3:prefix', operator: 'StringLike', values: ['in/*'] },
      ],
    })
    expect(run.stdout).toContain('only if aws:ResourceTag/env')
    expect(run.stdout).toContain('and s3:prefix StringLike in/*')
  })
}

test('a mistake in a condition is told by its flag', async () => {
  broker.scripts.PlanTask = () => {
    const field = 'task.access[1].conditions[0].values[0]'
    throw inputError([{ field, code: 'CONDITION_INVALID', message: 'must not be empty' }])
  }
  const allow = ['--allow', 's3:GetObject=arn:aws:s3:::b/*', '--allow', 's3:ListBucket=arn:aws:s3:::b']
  const run = await stint(['plan', '--task', task, ...allow, '--condition', 's3:prefix=,a'], { env })
  expect(run.stderr).toContain('--condition s3:prefix=,a must not be empty')
})

test('watch prints each state until the last', async () => {
  const watched = broker.watched()
  const running = stint(['watch', GRANT_ID, '-o', 'json'], { env })
  await watched
  broker.publish({ state: 'GRANT_STATE_ENDED', reason: 'completed' })
  const lines = (await running).stdout.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).state)).toEqual(['active', 'ended'])
})

test('grants mine lists the grants of the agent', async () => {
  expect((await stint(['grants', 'mine'], { env })).stdout).toContain(`${GRANT_ID}\tactive`)
})
