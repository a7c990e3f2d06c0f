import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { writeFileWhole } from '../../src/core/files/write-file-whole.ts'
import { createLogger } from '../../src/core/log.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../src/practice/stage/pki.ts'
import { bundles } from '../../src/start/identity/bundles.ts'
import { PartList } from '../../src/start/part-list.ts'
import { RunningParts } from '../../src/start/running-parts.ts'
import { createSurroundings, type Surroundings } from '../../src/start/surroundings.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { NOW } from '../support/pki.ts'

let folder = ''
let a: PracticeTrustDomain
let b: PracticeTrustDomain
let running: RunningParts

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-status-'))
  ;[a, b] = await Promise.all([createTrustDomain('a.test', { now: NOW }), createTrustDomain('b.test', { now: NOW })])
})

afterEach(async () => {
  await running.stop()
  await rm(folder, { recursive: true })
})

test('the status keeps a broken bundle while another changes, until that very one is mended', async () => {
  const { partHealth, store, write, poll } = await follow()
  await write('a.test', '{')
  await poll(() => partHealth.problems().length === 1)
  const [{ since } = { since: undefined }] = partHealth.problems()
  await write('b.test', b.bundleJson({ sequence: 2 }))
  await write('a.test', '{"keys":')
  await poll(
    () => store.get('b.test')?.sequence === 2n && partHealth.problems()[0]?.explanation.includes('JSON') === true,
  )
  expect(partHealth.problems()).toMatchObject([{ component: 'bundle:a.test', code: 'BUNDLE_INVALID', since }])
  await write('a.test', a.bundleJson())
  await poll(() => partHealth.problems().length === 0)
})

test('the status has what does not count in a bundle that is in use, beside what is wrong with its next version', async () => {
  const { partHealth, write, poll } = await follow()
  const { keys } = JSON.parse(a.bundleJson())
  const [, foreign] = JSON.parse(b.bundleJson()).keys
  await write('a.test', JSON.stringify({ keys: [...keys, { ...foreign, use: 'new' }], spiffe_sequence: 2 }))
  await poll(() => partHealth.problems().length === 1)
  await write('a.test', JSON.stringify({ keys: [...keys, { ...foreign, kid: keys[1].kid }], spiffe_sequence: 3 }))
  await poll(() => partHealth.problems().length === 2)
  expect(partHealth.problems()).toMatchObject([
    { component: 'bundle:a.test', explanation: expect.stringContaining('kid') },
    { component: 'bundle:a.test', finding: 'key-use' },
  ])
  await write('a.test', a.bundleJson({ sequence: 4 }))
  await poll(() => partHealth.problems().length === 0)
})

/** A broker's sources of trust, two files, with time in the test's hands. */
async function follow() {
  const fileOf = (trustDomain: string) => join(folder, `${trustDomain}.json`)
  await Promise.all([a, b].map((domain) => writeFile(fileOf(domain.name), domain.bundleJson())))
  const clock = new ManualClock(NOW.toISOString())
  const domain = (name: string) => ({ file: fileOf(name), format: 'spiffe', workloadApi: false })
  const identity = { domains: { 'a.test': domain('a.test'), 'b.test': domain('b.test') }, reloadEvery: 5_000 }
  const logger = createLogger({ level: 'silent' })
  running = new RunningParts({ clock, logger })
  const fail = () => {}
  const config = { identity } as unknown as Config
  const surroundings = createSurroundings(config, { clock, logger, version: 'test' }, { running, fail })
  const started = await PartList.empty<Surroundings>().add(bundles).start(surroundings, running)
  return {
    partHealth: surroundings.partHealth,
    store: started.bundles,
    // Whole, since a look at the files may be under way.
    write: (trustDomain: string, text: string) => writeFileWhole(fileOf(trustDomain), text),
    /** Lets the files be looked at, until what is waited for has come. */
    poll: (done: () => boolean) =>
      eventually('what the files hold now', async () => {
        await clock.advance(5_000)
        return done()
      }),
  }
}
