import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'vitest'
import { hasCode, type StintError } from '../../src/core/errors.ts'
import { followPolicies, loadPolicySet } from '../../src/policy/policy-directory.ts'
import { POLICY_FILE_LIMITS } from '../../src/policy/policy-files.ts'
import type { PolicySet } from '../../src/policy/policy-set.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { makeNamedPipe } from '../support/named-pipe.ts'

const ONE = '@id("one") permit (principal, action, resource) when { resource.within.contains("a") };'
const TWO = ONE.replace('one', 'two')

let root: string
let directory: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stint-policy-'))
  directory = join(root, 'policies')
  await mkdir(directory)
})
afterEach(() => rm(root, { recursive: true }))

const write = (name: string, text: string | Buffer) => writeFile(join(directory, name), text)
const ids = (set: PolicySet) => set.policies.map(({ id }) => id)

test('a directory is read one level deep, sorted, and other files are left alone', async () => {
  await write('b.cedar', TWO)
  await write('a.cedar', ONE)
  await write('.hidden.cedar', 'not a policy')
  await write('README.md', 'not a policy')
  assert.deepEqual(ids(await loadPolicySet(directory)), ['one', 'two'])
})

for (const { name, prepare } of [
  { name: 'a directory that is not there', prepare: () => rm(directory, { recursive: true }) },
  { name: 'a file that is not UTF-8', prepare: () => write('a.cedar', Buffer.from([0x40, 0xff])) },
  {
    name: 'a file over the size limit',
    prepare: () => write('a.cedar', ' '.repeat(POLICY_FILE_LIMITS.bytesPerFile + 1)),
  },
  { name: 'a dangling link', prepare: () => symlink('nowhere', join(directory, 'a.cedar')) },
  { name: 'a directory named like a policy file', prepare: () => mkdir(join(directory, 'a.cedar')) },
  {
    name: 'a pipe named like a policy file',
    prepare: async () => makeNamedPipe(join(directory, 'a.cedar')),
  },
  { name: 'half a file', prepare: () => write('a.cedar', ONE.slice(0, 60)) },
])
  test(`${name} is refused, and without a set there is none to use`, async () => {
    await prepare()
    const store = followPolicies({ directory, clock: new ManualClock() })
    await store.start()
    assert.throws(() => store.current(), { code: 'POLICY_UNAVAILABLE' })
    assert.ok(hasCode(store.status.problem?.error, 'POLICY_INVALID'))
    await assert.rejects(loadPolicySet(directory), { code: 'POLICY_INVALID' })
    await store.stop()
  })

test('the error lists every problem with its place', async () => {
  await write('a.cedar', `${ONE}\n${ONE}`)
  await write('b.cedar', 'permit (principal, action, resource);')
  await assert.rejects(loadPolicySet(directory), (error: StintError) => {
    const problems = error.details.problems as { file: string; line: number }[]
    return problems.map(({ file, line }) => `${file}:${line}`).join() === 'a.cedar:2,b.cedar:1'
  })
})

test('a store follows its directory, keeps the last good set while it is bad, and says so', async () => {
  const clock = new ManualClock()
  const { events, settled, store } = await watched(clock)
  assert.deepEqual(ids(store.current()), ['one'])
  const good = store.current()

  await write('b.cedar', TWO.slice(0, 40))
  await settled()
  assert.equal(store.current(), good)
  assert.equal(store.status.value?.hash, good.hash)
  const since = store.status.problem?.since
  assert.deepEqual(since, clock.now())

  // The same bad version is not reported twice.
  await clock.advance(5_000)
  await write('b.cedar', TWO)
  await settled()
  assert.deepEqual(ids(store.current()), ['one', 'two'])
  assert.equal(store.status.problem, undefined)
  assert.deepEqual(store.status.loadedAt, clock.now())
  assert.deepEqual(events, ['loaded', 'problem', 'loaded', 'well'])
  await store.stop()
})

test('an emptied directory denies everything rather than leaving the old permits', async () => {
  const { settled, store } = await watched(new ManualClock())
  await rm(join(directory, 'a.cedar'))
  await settled()
  assert.deepEqual(ids(store.current()), [])
  assert.equal(store.current().warnings.length, 1)
  await store.stop()
})

// Kubernetes projects a ConfigMap as links through `..data`, and swaps that link.
test('a swap of the link behind the files is one change', async () => {
  const version = async (name: string, texts: string[]) => {
    await mkdir(join(directory, name))
    for (const [index, text] of texts.entries()) await writeFile(join(directory, name, `${index}.cedar`), text)
  }
  const pointTo = async (name: string) => {
    await symlink(name, join(directory, '..tmp'))
    await rename(join(directory, '..tmp'), join(directory, '..data'))
  }
  await version('..v1', [ONE, TWO])
  await version('..v2', [ONE.replace('one', 'three'), TWO.replace('two', 'four')])
  await pointTo('..v1')
  for (const index of [0, 1]) await symlink(`..data/${index}.cedar`, join(directory, `${index}.cedar`))
  const store = followPolicies({ directory, clock: new ManualClock() })
  await store.start()
  assert.deepEqual(ids(store.current()), ['one', 'two'])
  await pointTo('..v2')
  await store.check()
  assert.deepEqual(ids(store.current()), ['four', 'three'])
  await store.stop()
})

test('a set in hand stays as it is when another comes into force', async () => {
  const { store } = await watched(new ManualClock())
  const held = store.current()
  await write('a.cedar', TWO)
  await store.check()
  assert.deepEqual(ids(held), ['one'])
  assert.notEqual(store.current().hash, held.hash)
  await store.stop()
})

test('looks asked for at once happen one after the other, and the last one counts', async () => {
  const { store } = await watched(new ManualClock())
  const first = store.check()
  await write('a.cedar', TWO)
  await Promise.all([first, store.check()])
  assert.deepEqual(ids(store.current()), ['two'])
  await store.stop()
})

/** A started store over one policy, a record of what it said, and a wait for what it says next. */
async function watched(clock: ManualClock) {
  await write('a.cedar', ONE)
  const events: string[] = []
  let wake = () => {}
  const record = (event: string) => () => {
    events.push(event)
    wake()
  }
  const store = followPolicies({
    directory,
    clock,
    onLoaded: record('loaded'),
    onState: (problem) => record(problem ? 'problem' : 'well')(),
  })
  await store.start()
  const settled = async () => {
    const next = new Promise<void>((resolve) => {
      wake = resolve
    })
    await clock.advance(5_000)
    await next
  }
  return { events, settled, store }
}
