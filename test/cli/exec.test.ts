import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { childEnvironment } from '../../src/cli/exec/child-environment.ts'
import { toTimestamp } from '../../src/contract/timestamp.ts'
import { systemClock } from '../../src/core/clock.ts'
import { StintError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { Signals, stint } from '../support/cli.ts'
import { FakeBroker, GRANT_ID } from '../support/fake-broker.ts'
import { until } from '../support/settle.ts'

const node = process.execPath
const printer = fileURLToPath(new URL('../support/print-credentials.ts', import.meta.url))
const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const TASK = [
  ...['--role', 'arn:aws:iam::123456789012:role/agent-data', '--purpose', 'read the invoices of May'],
  ...['--allow', 's3:GetObject=arn:aws:s3:::invoices/*', '--ttl', '15m'],
]

let broker: FakeBroker
let env: Record<string, string>

beforeEach(async () => {
  broker = await FakeBroker.start(systemClock)
  env = { ...broker.env, PATH: process.env.PATH ?? '', TMPDIR: broker.directory }
})

afterEach(() => broker.stop())

async function leftovers(): Promise<string[]> {
  return (await readdir(broker.directory)).filter((name) => name.startsWith('stint-exec-'))
}

test('the child finds the credentials of the task, and no others', async () => {
  const foreign = {
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_SESSION_TOKEN: 'x',
    AWS_PROFILE: 'person',
    AWS_DEFAULT_PROFILE: 'person',
    AWS_ROLE_ARN: 'x',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/x',
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x',
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'x',
    STINT_ADMIN_TOKEN_FILE: '/x',
  }
  const run = await stint(['exec', ...TASK, '--region', 'eu-west-1', '--', node, printer], {
    env: { ...env, ...foreign },
  })
  expect(run.stderr).toBe('')
  expect(run.exitCode).toBe(0)
  const { status, body, names } = JSON.parse(run.stdout)
  expect(status).toBe(200)
  expect(body).toMatchObject({ AccessKeyId: 'ASIAEXAMPLE1', SecretAccessKey: 'secret-1', Token: 'token-1' })
  expect(names.filter((name: string) => !Object.hasOwn(broker.env, name))).toEqual([
    'AWS_CONFIG_FILE',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CREDENTIAL_PROFILES_FILE',
    'AWS_DEFAULT_REGION',
    'AWS_EC2_METADATA_DISABLED',
    'AWS_EC2_METADATA_SERVICE_ENDPOINT',
    'AWS_REGION',
    'AWS_SDK_LOAD_CONFIG',
    'AWS_SHARED_CREDENTIALS_FILE',
    'BOTO_CONFIG',
    'STINT_GRANT_ID',
  ])
  expect(broker.countOf('CompleteGrant')).toBe(1)
  expect(await leftovers()).toEqual([])
})

// botocore reads AWS_DEFAULT_REGION alone, the JS and Java SDKs AWS_REGION alone.
for (const { name, given, argv } of [
  { name: '--region', given: {}, argv: ['--region', 'eu-west-1'] },
  { name: 'AWS_REGION', given: { AWS_REGION: 'eu-west-1' }, argv: [] },
  { name: 'AWS_DEFAULT_REGION', given: { AWS_DEFAULT_REGION: 'eu-west-1' }, argv: [] },
  {
    name: 'AWS_REGION before AWS_DEFAULT_REGION',
    given: { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'x' },
    argv: [],
  },
])
  test(`a region from ${name} reaches the child under both names`, async () => {
    const print = ['sh', '-c', 'printf "%s %s" "$AWS_REGION" "$AWS_DEFAULT_REGION"']
    const run = await stint(['exec', ...TASK, ...argv, '--', ...print], { env: { ...env, ...given } })
    expect(run.stdout).toBe('eu-west-1 eu-west-1')
  })

// The text alone: SDKs from before late 2023, minio-go's iam_aws.go of then. The file alone: object_store, AmazonS3Builder::build.
test('the token reaches the child as a file and as a text, since some clients know only the one, some only the other', async () => {
  const endpoint = { url: 'http://127.0.0.1:1/credentials', authorization: new Secret('Bearer x') }
  const child = await childEnvironment({ env: {}, endpoint, grantId: GRANT_ID })
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN: text, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file = '' } = child.env
  expect([text, await readFile(file, 'utf8')]).toEqual(['Bearer x', 'Bearer x'])
  await child.remove()
})

for (const { name, given, own } of [
  { name: 'none', given: {}, own: '127.0.0.1' },
  { name: 'one under the other name', given: { NO_PROXY: 'a.test' }, own: 'a.test,127.0.0.1' },
  { name: 'every host', given: { no_proxy: '*' }, own: '*' },
])
  test(`a proxy never sees the token: the endpoint is on the list of hosts without one, which held ${name}`, async () => {
    const endpoint = { url: 'http://127.0.0.1:1/credentials', authorization: new Secret('Bearer x') }
    const child = await childEnvironment({ env: given, endpoint, grantId: GRANT_ID })
    await child.remove()
    expect([child.env.NO_PROXY, child.env.no_proxy]).toEqual([own, own])
  })

test('the token file is for its owner alone', async () => {
  const endpoint = { url: 'http://127.0.0.1:1/credentials', authorization: new Secret('Bearer x') }
  const child = await childEnvironment({ env: {}, endpoint, grantId: GRANT_ID })
  const file = child.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ?? ''
  const modes = [(await stat(file)).mode & 0o777, (await stat(dirname(file))).mode & 0o777]
  await child.remove()
  expect(modes).toEqual([0o600, 0o700])
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
})

for (const { name, command, exitCode } of [
  { name: "the child's own exit code", command: [node, '-e', 'process.exit(7)'], exitCode: 7 },
  { name: '128 and the number of the signal that killed it', command: ['sh', '-c', 'kill -9 $$'], exitCode: 137 },
  { name: '127 for a command that is not there', command: ['no-such-command-here'], exitCode: 127 },
  { name: '126 for a file that is not executable', command: [printer], exitCode: 126 },
]) {
  test(`exec passes on ${name}, and completes the grant`, async () => {
    const run = await stint(['exec', ...TASK, '--', ...command], { env })
    expect(run.exitCode).toBe(exitCode)
    expect(broker.countOf('CompleteGrant')).toBe(1)
    expect(await leftovers()).toEqual([])
  })
}

for (const { name, argv, extra } of [
  { name: 'no command', argv: [...TASK], extra: {} },
  { name: 'nesting', argv: [...TASK, '--', 'true'], extra: { STINT_GRANT_ID: GRANT_ID } },
  { name: 'a task without purpose', argv: ['--role', 'r', '--', 'true'], extra: {} },
]) {
  test(`${name} is a usage error, and asks for nothing`, async () => {
    const run = await stint(['exec', ...argv], { env: { ...env, ...extra } })
    expect(run.exitCode).toBe(2)
    expect(run.stdout).toBe('')
    expect(broker.calls).toEqual([])
  })
}

test('a denied task runs nothing', async () => {
  broker.scripts.RequestGrant = () => {
    throw new StintError('POLICY_DENIED', { explanation: 'No policy permits s3:GetObject.' })
  }
  const run = await stint(['exec', ...TASK, '--', node, printer], { env })
  expect([run.exitCode, run.stdout]).toEqual([3, ''])
  expect(run.stderr).toContain('POLICY_DENIED')
})

// 128 + n, as a shell has it for a program that signal n ended.
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  test(`${signal} at the gate withdraws the question and exits with ${exitCode}`, async () => {
    broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
    const signals = new Signals()
    const watched = broker.watched()
    const running = stint(['exec', ...TASK, '--', process.execPath, '-e', ''], { env, signals })
    await watched
    signals.send(signal)
    const run = await running
    expect(run.exitCode).toBe(exitCode)
    expect(run.stderr).toContain('was withdrawn')
    expect(broker.calls.at(-1)).toMatchObject({ method: 'CompleteGrant', request: { grantId: GRANT_ID } })
  })

// The same with real processes, since a signal that nobody handles ends them before they can say anything.
for (const { command, signal, exitCode, withdraws } of [
  { command: ['exec', ...TASK, '--', 'true'], signal: 'SIGINT', exitCode: 130, withdraws: true },
  {
    command: ['exec', '--on-give-up', 'keep', ...TASK, '--', 'true'],
    signal: 'SIGTERM',
    exitCode: 143,
    withdraws: false,
  },
  { command: ['request', ...TASK], signal: 'SIGINT', exitCode: 130, withdraws: true },
  {
    command: ['request', '--idempotency-key', 'tidy-november', ...TASK],
    signal: 'SIGTERM',
    exitCode: 143,
    withdraws: false,
  },
  { command: ['exec', ...TASK, '--', 'true'], signal: 'SIGKILL', exitCode: null, withdraws: false },
] as const)
  test(`a real process of stint ${command.slice(0, 2).join(' ')} … that ${signal} ends at the gate has shown its key`, async () => {
    broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
    const watched = broker.watched()
    const child = spawn(node, [cli, ...command], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const closed = once(child, 'close')
    await watched
    await until(() => stderr.includes('--idempotency-key'))
    child.kill(signal)
    expect((await closed)[0]).toBe(exitCode)
    const [, key = ''] = /--idempotency-key (\S+)/.exec(stderr) ?? []
    expect(broker.calls.find(({ method }) => method === 'RequestGrant')?.request.idempotencyKey).toBe(key)
    expect(broker.countOf('CompleteGrant')).toBe(withdraws ? 1 : 0)
    if (signal !== 'SIGKILL') expect(stderr).toContain(`idempotencyKey: ${key}`)
  })

for (const argv of [
  ['help', 'exec'],
  ['help', 'grants', 'list'],
])
  test(`stint ${argv.join(' ')} prints the help of that command`, async () => {
    const run = await stint(argv)
    expect(run.exitCode).toBe(0)
    expect(run.stdout).toContain(`Usage: stint ${argv.slice(1).join(' ')}`)
    expect(run.stdout).toBe((await stint([...argv.slice(1), '--help'])).stdout)
  })

test('the help of a command that is not there is wrong use', async () => {
  expect((await stint(['help', 'exce'])).exitCode).toBe(2)
})

test('a real process passes SIGTERM on to its child and completes the grant', async () => {
  const script =
    "process.on('SIGTERM', () => process.exit(9)); process.stdout.write('ready'); setInterval(() => {}, 1000)"
  const child = spawn(node, [cli, 'exec', ...TASK, '--', node, '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGTERM')
  const exitCode = await new Promise((resolve) => child.once('close', resolve))
  expect(exitCode).toBe(9)
  expect(broker.countOf('CompleteGrant')).toBe(1)
  expect(await leftovers()).toEqual([])
})

test('a child that asks while no lease can be had is told so before its SDK gives up', async () => {
  broker.scripts.RenewLease = () => {
    throw new StintError('BROKER_UNAVAILABLE')
  }
  const cut = broker.watched().then(() => broker.publish({ renewAfter: toTimestamp(new Date()) }))
  const script = `
    import { readFileSync } from 'node:fs'
    const headers = { authorization: readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, 'utf8') }
    const get = () => fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers })
    let answer = await get()
    while (answer.status === 200) answer = await get() // until it has heard that the lease was cut
    process.stdout.write(JSON.stringify({ status: answer.status, body: await answer.json() }))
  `
  const run = await stint(['exec', ...TASK, '--', node, '--input-type=module', '-e', script], { env })
  await cut
  // The sentence of the bound: what the SDK's own deadline would have ended says something else, and long after.
  const Message = expect.stringMatching(/did not renew grant \S+ within 700 ms/)
  expect(JSON.parse(run.stdout)).toEqual({ status: 503, body: { Code: 'BROKER_UNAVAILABLE', Message } })
})

test('a child whose grant is revoked is told so at once', async () => {
  const script = `
    import { readFileSync } from 'node:fs'
    const headers = { authorization: readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, 'utf8') }
    const get = async () => (await fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers })).status
    const first = await get()
    process.stderr.write('ready')
    for await (const chunk of process.stdin) if (String(chunk)) break
    process.stdout.write(JSON.stringify([first, await get()]))
  `
  const child = spawn(node, [cli, 'exec', ...TASK, '--', node, '--input-type=module', '-e', script], { env })
  let stderr = ''
  let stdout = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  await until(() => stderr.includes('ready'))
  broker.publish({ state: 'GRANT_STATE_ENDING', reason: 'revoked' })
  await until(() => stderr.includes('revoked'))
  child.stdin.end('go\n')
  const exitCode = await new Promise((resolve) => child.once('close', resolve))
  expect([exitCode, stdout]).toEqual([0, '[200,403]'])
})

test('the child reads our input', async () => {
  const run = await stint(['exec', ...TASK, '--', process.execPath, '-e', 'process.stdin.pipe(process.stdout)'], {
    env,
    input: 'hello',
  })
  expect([run.exitCode, run.stdout]).toEqual([0, 'hello'])
})

test('a completion that fails is said, and the exit code of the child stands', async () => {
  broker.scripts.CompleteGrant = () => {
    throw new StintError('GRANT_NOT_FOUND')
  }
  const run = await stint(['exec', ...TASK, '--', process.execPath, '-e', ''], { env })
  expect(run.exitCode).toBe(0)
  expect(run.stderr).toContain('GRANT_NOT_FOUND')
})

test('the program runs as an executable would', async () => {
  const { stdout } = await promisify(execFile)(node, [cli, '--help'], { env })
  expect(stdout).toContain('stint <command>')
})
