import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { Signals, stint } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { until } from '../support/settle.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  folders.push(folder)
  return folder
}

/** Runs `work` beside a `stint dev`, with the variables that it wrote. */
async function withDev(work: (env: Record<string, string>) => Promise<void>): Promise<void> {
  const file = join(temporary(), 'dev.env')
  const signals = new Signals()
  const running = stint(['dev', '--write-env', file, '--log', 'fatal'], { signals })
  try {
    const text = await eventually('the variables of stint dev', () => existsSync(file) && readFileSync(file, 'utf8'))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await work(
      Object.fromEntries([...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value])),
    )
  } finally {
    signals.send('SIGTERM')
    expect(await running).toMatchObject({ exitCode: 0, stdout: '' })
  }
  expect(existsSync(file)).toBe(false)
}

test('stint dev serves until a signal, tells how to reach it, and removes what it made', async () => {
  let folder = ''
  await withDev(async (env) => {
    folder = env.PRACTICE_FOLDER ?? ''
    expect(existsSync(folder)).toBe(true)
    const planned = await stint(
      [
        'plan',
        ...['--role', env.PRACTICE_ROLE ?? '', '--purpose', 'Read the invoices', '--ttl', '10m'],
        ...['--allow', 's3:GetObject=arn:aws:s3:::invoices-staging/*', '-o', 'json'],
      ],
      { env },
    )
    expect(planned).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(planned.stdout).decision.outcome).toBe('permit')
    const operator = { ...env, STINT_ADMIN_TOKEN_FILE: env.PRACTICE_OPERATOR_TOKEN_FILE }
    expect((await stint(['whoami'], { env: operator })).stdout).toContain('oscar')
  })
  expect(existsSync(folder)).toBe(false)
})

test('stint dev shows its file only when it is whole', async () => {
  const file = join(temporary(), 'dev.env')
  const signals = new Signals()
  const running = stint(['dev', '--write-env', file, '--log', 'fatal'], { signals })
  await until(() => existsSync(file))
  const first = readFileSync(file, 'utf8')
  signals.send('SIGTERM')
  await running
  expect(first).toMatch(/^export AWS_REGION='(.+)'\nexport AWS_DEFAULT_REGION='\1'\n$/m)
})

test('stint dev overwrites no file that it has not written', async () => {
  const file = join(temporary(), 'mine.env')
  writeFileSync(file, 'export MINE=1\n')
  const { exitCode, stderr } = await stint(['dev', '--write-env', file, '--log', 'fatal'])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('--write-env')
  expect(readFileSync(file, 'utf8')).toBe('export MINE=1\n')
})

test('a stint dev that ends leaves the file that a later one has written', async () => {
  const file = join(temporary(), 'dev.env')
  const signals = new Signals()
  const first = stint(['dev', '--write-env', file, '--log', 'fatal'], { signals })
  const before = await eventually('the first file', () => existsSync(file) && readFileSync(file, 'utf8'))
  const later = before.replace(/STINT_ADDRESS='[^']*'/, "STINT_ADDRESS='127.0.0.1:1'")
  writeFileSync(file, later)
  signals.send('SIGTERM')
  expect(await first).toMatchObject({ exitCode: 0 })
  expect(readFileSync(file, 'utf8')).toBe(later)
})

test('stint doctor finds the practice stage in order, beside the broker that runs on it', async () => {
  await withDev(async (env) => {
    const { exitCode, stdout } = await stint(['doctor', '-o', 'json'], { env })
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; ok: boolean }[] }
    expect(checks.filter((check) => !check.ok)).toEqual([])
    expect({ ok, exitCode }).toEqual({ ok: true, exitCode: 0 })
    expect(checks.map(({ name }) => name.split(' ')[0])).toEqual(
      expect.arrayContaining(['bundle', 'registrations', 'policies', 'ledger', 'sts', 'clock', 'role', 'revocation']),
    )
  })
})

for (const { profile, says, exit } of [
  { profile: 'ceph', says: /profile ceph: It has no permissions boundary/, exit: 0 },
  // The practice cloud is no MinIO: as AWS does, it refuses the statement about admin actions that MinIO needs.
  { profile: 'minio', says: /profile minio: It has no deny list/, exit: 1 },
]) {
  test(`stint doctor says what a store of profile ${profile} cannot do`, async () => {
    await withDev(async (env) => {
      const { STINT_CONFIG: file = '' } = env
      const config = parse(readFileSync(file, 'utf8')) as { aws: object; roles: object[] }
      const roles = config.roles.map((role) => ({ ...role, revocation: { kind: 'none' } }))
      writeFileSync(file, stringify({ ...config, aws: { ...config.aws, profile }, roles }))
      const { exitCode, stdout } = await stint(['doctor'], { env })
      expect(stdout).toMatch(says)
      expect(stdout).not.toMatch(/^\S+ +sts: /m)
      expect(exitCode).toBe(exit)
    })
  })
}

/** One thing of the stage spoiled, and the check that has to say so. */
const spoiled: { name: string; spoil: (env: Record<string, string>) => void; fails: RegExp }[] = [
  {
    name: 'a policy that does not parse',
    spoil: ({ STINT_CONFIG = '' }) =>
      writeFileSync(join(dirname(STINT_CONFIG), 'policies', 'practice.cedar'), 'permit everything'),
    fails: /^FAIL {2}policies: /m,
  },
  {
    name: 'registrations without an owner',
    spoil: ({ STINT_CONFIG = '' }) =>
      writeFileSync(join(dirname(STINT_CONFIG), 'agents.yaml'), 'agents: [{ match: spiffe://practice.example/a }]'),
    fails: /^FAIL {2}registrations: /m,
  },
  {
    name: 'keys of the broker that STS does not know',
    spoil: ({ STINT_CONFIG = '' }) =>
      writeFileSync(join(dirname(STINT_CONFIG), 'keys', 'broker.secret'), 'no-key-EXAMPLE'),
    fails: /^FAIL {2}sts: /m,
  },
  {
    name: 'a key file that everybody may write',
    spoil: ({ STINT_CONFIG = '' }) => chmodSync(join(dirname(STINT_CONFIG), 'keys', 'broker.secret'), 0o646),
    fails: /^FAIL {2}file modes: CONFIG_INVALID: .*may write .*broker\.secret/m,
  },
  {
    name: 'a ledger in a folder that is not there',
    spoil: ({ STINT_CONFIG = '' }) => {
      const text = readFileSync(STINT_CONFIG, 'utf8')
      writeFileSync(STINT_CONFIG, text.replaceAll(/[^\s'"]*ledger\.db/g, 'no-such-folder/ledger.db'))
    },
    fails: /^FAIL {2}ledger: LEDGER_UNAVAILABLE: /m,
  },
  {
    name: 'a ledger that is not there, and that no start of a broker may make',
    spoil: ({ STINT_CONFIG = '' }) => {
      const config = parse(readFileSync(STINT_CONFIG, 'utf8'))
      config.ledger = { file: 'new.db', migrate: 'never' }
      writeFileSync(STINT_CONFIG, stringify(config))
    },
    fails: /^FAIL {2}ledger: LEDGER_MIGRATION_NEEDED: .*Run "stint migrate up"/m,
  },
]
for (const { name, spoil, fails } of spoiled)
  test(`stint doctor fails on ${name}`, async () => {
    await withDev(async (env) => {
      spoil(env)
      const { exitCode, stdout } = await stint(['doctor'], { env })
      expect(stdout).toMatch(fails)
      expect(stdout).toMatch(/\d+ of \d+ checks failed\n$/)
      expect(exitCode).toBe(1)
      expect(stdout).not.toContain('no-key-EXAMPLE')
    })
  })

test('stint config check names every problem on a line of its own, with the line of the file', async () => {
  const file = join(temporary(), 'stint.yaml')
  writeFileSync(file, 'listn:\n  agents: foo\nroles: []\n')
  const { exitCode, stderr } = await stint(['config', 'check', '--config', file])
  expect(exitCode).toBe(1)
  expect(stderr.split('\n')).toEqual(
    expect.arrayContaining([
      `stint: CONFIG_INVALID: ${file}: identity is missing`,
      `  ${file}: policy is missing`,
      `  ${file}:1:1: listn is not a setting; did you mean listen?`,
    ]),
  )
})

test('stint config check names the file that it cannot read', async () => {
  const file = join(temporary(), 'none.yaml')
  const { exitCode, stderr } = await stint(['config', 'check'], { env: { STINT_CONFIG: file } })
  expect(exitCode).toBe(1)
  expect(stderr).toBe(`stint: CONFIG_INVALID: ${file}: cannot be read (ENOENT); name the file with --config\n`)
})

test('stint operators token keeps the token out of the row that goes into the configuration', async () => {
  const argv = ['operators', 'token', '--name', 'olga', '--role', 'approver', '--group', 'owners', '--days', '7']
  const { exitCode, stdout, stderr } = await stint(argv)
  expect(exitCode).toBe(0)
  expect(stderr).toMatch(/^stint_\w+\n$/)
  expect(stdout).not.toContain(stderr.trim())
  expect(parse(stdout)).toMatchObject([{ name: 'olga', role: 'approver', groups: ['owners'] }])
})

test('a bare number is no time, and the message says how to write it', async () => {
  const { exitCode, stderr } = await stint(
    ['plan', '--role', 'r', '--purpose', 'p', '--allow', 'a:b=c', '--ttl', '600'],
    {
      env: { STINT_ADDRESS: '127.0.0.1:1' },
    },
  )
  expect(exitCode).toBe(2)
  expect(stderr).toContain('600s')
})
