import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Signals, stint } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'

const ESTATE = new URL('../../docs/examples/estate', import.meta.url).pathname

let folder: string
const place = (...parts: string[]) => join(folder, ...parts)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-dev-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Runs `work` beside a `stint dev`, with its variables and what it said on stderr until it was ready. */
async function withDev(argv: string[], work: (env: Record<string, string>, said: string) => Promise<void>) {
  const file = place('dev.env')
  const signals = new Signals()
  let said = ''
  const onStderr = (text: string) => {
    said = text
  }
  const running = stint(['dev', ...argv, '--write-env', file, '--log', 'fatal'], { signals, onStderr })
  try {
    await eventually('the variables of stint dev', () => existsSync(file) && said.includes('is running'))
    const lines = readFileSync(file, 'utf8').matchAll(/^export (\w+)='(.*)'$/gm)
    await work(Object.fromEntries([...lines].map(([, name, value]) => [name, value])), said)
  } finally {
    signals.send('SIGTERM')
    expect(await running).toMatchObject({ exitCode: 0 })
  }
}

test('stint dev plays the agents, roles and rules of a folder, in all its accounts', async () => {
  await withDev(['--config', ESTATE, '--agent', 'nightly-load'], async (env, said) => {
    expect(said).toContain(`policies:      ${join(ESTATE, 'policies')} (20)`)
    expect(said).toContain(`labels:        ${join(ESTATE, 'labels.yaml')}`)
    expect(said).toContain(`registrations: ${join(ESTATE, 'agents.yaml')} (12)`)
    expect(said).toContain('tasks:         13')
    const task = join(ESTATE, 'tasks', 'load-events.yaml')
    const planned = await stint(['plan', '--task', task, '-o', 'json'], { env })
    expect(JSON.parse(planned.stdout)).toMatchObject({
      plan: { subject: 'spiffe://shop.example/data/nightly-load', labelMarks: { 'env:prod': ['production'] } },
      decision: { outcome: 'permit', waivers: [{ policy: 'nightly-load' }] },
    })
    // A lease in the production account, and its deny by the revoker of that account.
    const requested = await stint(['request', '--task', task, '-o', 'json'], { env })
    expect(requested).toMatchObject({ exitCode: 0 })
    const { grant } = JSON.parse(requested.stdout)
    expect((await stint(['complete', grant.id], { env })).exitCode).toBe(0)
    await eventually('the deny list of the production account', async () => {
      const shown = await stint(['grants', 'show', grant.id, '-o', 'json'], { env })
      return JSON.parse(shown.stdout).deny?.writtenAt !== undefined
    })
  })
})

test('a canary of the configuration shows when the deny of a completed grant is in force', async () => {
  const own = place('estate')
  cpSync(ESTATE, own, { recursive: true })
  const canary = "canary: { roleArn: 'arn:aws:iam::{account}:role/stint/canary' }"
  const config = readFileSync(join(own, 'stint.yaml'), 'utf8')
  const boundary = 'policyArn: arn:aws:iam::{account}:policy/stint-boundary\n'
  expect(config).toContain(boundary)
  writeFileSync(join(own, 'stint.yaml'), config.replace(boundary, `${boundary}      ${canary}\n`))
  await withDev(['--config', own, '--agent', 'nightly-load'], async (env) => {
    const task = join(own, 'tasks', 'load-events.yaml')
    const { grant } = JSON.parse((await stint(['request', '--task', task, '-o', 'json'], { env })).stdout)
    await stint(['complete', grant.id], { env })
    await eventually('the proof of the canary', async () => {
      const shown = await stint(['grants', 'show', grant.id, '-o', 'json'], { env })
      const { deny, grant: now } = JSON.parse(shown.stdout)
      return now.state === 'ended' && deny.enforcedBy === 'canary'
    })
    expect((await stint(['grants', 'show', grant.id], { env })).stdout).toContain('shown by the canary')
    const listed = JSON.parse(
      (await stint(['grants', 'list', '--agent', 'stint:canary', '-o', 'json'], { env })).stdout,
    )
    expect(listed).toHaveLength(2)
  })
})

test('stint dev takes policies, labels and registrations by flags, and follows them', async () => {
  const policy = (condition: string) =>
    `@id("reads") permit (principal in Stint::Team::"mine", action in Stint::Action::"read", resource) when { ${condition} };\n`
  mkdirSync(place('policies'))
  const write = (condition: string) => writeFileSync(place('policies', 'a.cedar'), policy(condition))
  write('resource.within.contains("mine")')
  writeFileSync(place('labels.yaml'), "labels: [{ label: mine, resources: ['arn:aws:s3:::my-bucket/*'] }]\n")
  writeFileSync(
    place('agents.yaml'),
    'agents: [{ name: me, match: spiffe://mine.example/me, owner: me, team: mine, purpose: to try, expires: 2099-01-01 }]\n',
  )
  writeFileSync(
    place('task.yaml'),
    "purpose: Read my bucket\nroleArn: arn:aws:iam::444444444444:role/mine\nttl: 10m\naccess: [{ actions: [s3:GetObject], resources: ['arn:aws:s3:::my-bucket/a/*'] }]\n",
  )
  const flags = ['--policies', place('policies'), '--labels', place('labels.yaml'), '--registry', place('agents.yaml')]
  await withDev([...flags, '--tasks', place('task.yaml')], async (env) => {
    const outcome = async () => {
      const planned = await stint(['plan', '--task', place('task.yaml'), '-o', 'json'], { env })
      return JSON.parse(planned.stdout).decision.outcome
    }
    expect(await outcome()).toBe('permit')
    expect((await stint(['request', '--task', place('task.yaml')], { env })).exitCode).toBe(0)
    write('false')
    await eventually('the new policy', async () => (await outcome()) === 'deny')
    // A broken one is said and changes nothing.
    writeFileSync(place('policies', 'a.cedar'), 'permit everything')
    const status = await eventually('the problem', async () => {
      const { stdout } = await stint(['status'], { env })
      return stdout.includes('POLICY_INVALID') && stdout
    })
    expect(status).toMatch(/a\.cedar:1:8/)
    expect(await outcome()).toBe('deny')
  })
})

for (const { name, spoil, says } of [
  {
    name: 'a policy that does not parse',
    spoil: () => writeFileSync(place('policies', 'web.cedar'), '\npermit everything'),
    says: /POLICY_INVALID: .*web\.cedar:2:8/,
  },
  {
    name: 'a label that is no label',
    spoil: () => writeFileSync(place('labels.yaml'), 'labels:\n  - label: env prod\n    resources: []\n'),
    says: /LABELS_INVALID: .*labels\.yaml:2:12/,
  },
  {
    name: 'a registration without an owner',
    spoil: () => writeFileSync(place('agents.yaml'), 'agents:\n  - name: a\n    match: spiffe://a.example/a\n'),
    says: /REGISTRY_INVALID: .*agents\.yaml:2:5/,
  },
  {
    name: 'a task without access',
    spoil: () => writeFileSync(place('tasks', 'x.yaml'), 'purpose: to try\n'),
    says: /TASK_INVALID: .*x\.yaml:1:1/,
  },
  {
    name: 'a task with a role that the configuration does not serve',
    spoil: () =>
      writeFileSync(
        place('tasks', 'x.yaml'),
        'purpose: to try\nroleArn: arn:aws:iam::111111111111:role/other\nttl: 10m\naccess: []\n',
      ),
    says: /TASK_INVALID: .*x\.yaml: roleArn arn:aws:iam::111111111111:role\/other is served by none/,
  },
  { name: 'no configuration', spoil: () => rmSync(place('stint.yaml')), says: /CONFIG_INVALID: .*stint\.yaml/ },
])
  test(`stint dev refuses a folder with ${name}, with its place`, async () => {
    cpSync(ESTATE, folder, { recursive: true })
    spoil()
    const { exitCode, stderr, stdout } = await stint(['dev', '--config', folder])
    expect(stderr).toMatch(says)
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  })

test('stint dev names the registrations when --agent names none', async () => {
  const { exitCode, stderr } = await stint(['dev', '--config', ESTATE, '--agent', 'nightly-laod'])
  expect(stderr).toMatch(/--agent must name a registration; got nightly-laod; did you mean nightly-load\?/)
  expect(exitCode).toBe(2)
})
