import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { stint } from '../support/cli.ts'
import { FakeBroker } from '../support/fake-broker.ts'

const PLAN = JSON.stringify({
  format_version: '1.2',
  resource_changes: [{ address: 'aws_s3_bucket.a', type: 'aws_s3_bucket', change: { actions: ['delete'] } }],
})
const TASK = [
  ...['--role', 'arn:aws:iam::123456789012:role/agent-data', '--purpose', 'delete the old bucket'],
  ...['--allow', 's3:DeleteBucket=arn:aws:s3:::a', '--ttl', '15m'],
]
const PRINT = ['sh', '-c', 'echo "$STINT_CHANGE_FILE"; cat "$STINT_CHANGE_FILE"']

let broker: FakeBroker
let env: Record<string, string>
let plan: string
let artifact: string

beforeEach(async () => {
  broker = await FakeBroker.start(systemClock)
  env = { ...broker.env, PATH: process.env.PATH ?? '', TMPDIR: broker.directory }
  plan = join(broker.directory, 'plan.json')
  artifact = join(broker.directory, 'tfplan')
  await writeFile(plan, PLAN)
  await writeFile(artifact, Buffer.from([0x50, 0x4b, 0xff, 0x00]))
})
afterEach(() => broker.stop())

const requested = () => broker.calls.find(({ method }) => method === 'RequestGrant')?.request.task as { change: object }
const leftovers = async () => (await readdir(broker.directory)).filter((name) => name.startsWith('stint-'))

/** Somebody does this while the broker decides; whoever waits for an approval leaves hours for it. */
function meanwhile(work: () => void): void {
  broker.scripts.RequestGrant = () => {
    work()
    return { grant: broker.grant, lease: broker.nextLease() }
  }
}

test('the change is in the task, and the command gets a private copy of the file', async () => {
  const run = await stint(['exec', ...TASK, '--change', plan, '--', ...PRINT], { env })
  expect(run.stderr).toBe('')
  const [path = '', content] = run.stdout.split('\n')
  expect([run.exitCode, content]).toEqual([0, PLAN])
  expect(path).toMatch(/\/stint-change-\w+\/plan\.json$/)
  expect(requested().change).toMatchObject({ kind: 'terraform_plan', counts: { delete: 1 }, artifactSha256: '' })
  expect(await leftovers()).toEqual([])
})

test('of a change and what was made from it, the command gets what it applies', async () => {
  const compare = ['sh', '-c', `cmp "$STINT_CHANGE_FILE" ${artifact}`]
  const run = await stint(['exec', ...TASK, '--change', plan, '--change-artifact', artifact, '--', ...compare], { env })
  expect([run.exitCode, run.stderr]).toEqual([0, ''])
})

for (const { name, argv, work } of [
  { name: 'the file is another one', argv: [], work: () => writeFileSync(plan, PLAN.replace('"delete"', '"create"')) },
  { name: 'the file has one more blank', argv: [], work: () => writeFileSync(plan, `${PLAN} `) },
  {
    name: 'the file is a link to another one',
    argv: [],
    work: () => {
      writeFileSync(join(broker.directory, 'other.json'), PLAN.replace('bucket.a', 'bucket.b'))
      rmSync(plan)
      symlinkSync(join(broker.directory, 'other.json'), plan)
    },
  },
  { name: 'what is applied is another one', argv: ['--change-artifact'], work: () => writeFileSync(artifact, 'other') },
])
  test(`the command does not start once ${name}, and the grant is completed`, async () => {
    meanwhile(work)
    const flags = ['--change', plan, ...argv.flatMap((flag) => [flag, artifact])]
    const run = await stint(['exec', ...TASK, ...flags, '--', 'sh', '-c', 'echo started'], { env })
    expect([run.exitCode, run.stdout]).toEqual([1, ''])
    expect(run.stderr).toMatch(/^stint: CHANGE_DIFFERS: .* is not the file that was asked for any more/)
    expect(broker.countOf('CompleteGrant')).toBe(1)
    expect(await leftovers()).toEqual([])
  })

test('a file that is gone by then does not start the command either', async () => {
  meanwhile(() => rmSync(plan))
  const run = await stint(['exec', ...TASK, '--change', plan, '--', 'echo', 'started'], { env })
  expect([run.exitCode, run.stdout]).toEqual([2, ''])
  expect(broker.countOf('CompleteGrant')).toBe(1)
})

test('a file that changes while the command runs changes nothing of its copy', async () => {
  const script = `echo other > ${plan}; cat "$STINT_CHANGE_FILE"`
  const run = await stint(['exec', ...TASK, '--change', plan, '--', 'sh', '-c', script], { env })
  expect(run.stdout).toBe(PLAN)
})

for (const { name, argv, says } of [
  { name: 'a file that is not there', argv: ['--change', '/no/such/file'], says: /--change cannot be read \(ENOENT\)/ },
  { name: 'a directory', argv: ['--change', '/'], says: /must be a plain file/ },
  { name: 'an artifact alone', argv: ['--change-artifact', '/dev/null'], says: /needs --change/ },
])
  test(`${name} is a usage error before anything is asked for`, async () => {
    const run = await stint(['exec', ...TASK, ...argv, '--', 'echo', 'started'], { env })
    expect([run.exitCode, run.stdout]).toEqual([2, ''])
    expect(run.stderr).toMatch(says)
    expect(broker.calls).toEqual([])
  })

test('a file that is no change is refused before anything is asked for', async () => {
  const run = await stint(['plan', ...TASK, '--change', artifact], { env })
  expect([run.exitCode, broker.calls.length]).toEqual([1, 0])
  expect(run.stderr).toMatch(/^stint: CHANGE_INVALID: The file of the change is not JSON\./)
})
