import { afterEach, beforeEach, expect, test } from 'vitest'
import { ChangeFeed } from '../../../src/grants/watching/change-feed.ts'
import { WatchHub } from '../../../src/grants/watching/watch-hub.ts'
import type { LedgerSharing, SeenGrant, SharingListener, WatermarkMarks } from '../../../src/ledger/sharing.ts'
import { ManualClock } from '../../support/manual-clock.ts'

type Sharing = ConstructorParameters<typeof ChangeFeed>[0]['sharing'] & Pick<LedgerSharing, 'tell'>

/** A ledger that others change; it counts how often it is looked at. */
class SharedVersions implements Sharing {
  readonly versions = new Map<string, number>()
  marks: { byAgent: Map<string, string>; common: string } = { byAgent: new Map(), common: '' }
  isListening = true
  looks = 0
  failure: Error | undefined
  told: (string | undefined)[] = []
  heard: SharingListener | undefined

  tell(grantId: string | undefined): void {
    this.told.push(grantId)
  }

  listen(listener: SharingListener): void {
    this.heard = listener
  }

  async findChanged(grants: readonly SeenGrant[]): Promise<string[]> {
    this.looks += 1
    if (this.failure) throw this.failure
    return grants.filter(({ grantId, version }) => this.versions.get(grantId) !== version).map(({ grantId }) => grantId)
  }

  async watermarkMarks(agents: readonly string[]): Promise<WatermarkMarks> {
    const asked = [...this.marks.byAgent].filter(([agent]) => agents.includes(agent))
    return { byAgent: new Map(asked), common: this.marks.common }
  }
}

let shared: SharedVersions
let clock: ManualClock
let hub: WatchHub
let feed: ChangeFeed
let problems: unknown[]
beforeEach(async () => {
  shared = new SharedVersions()
  clock = new ManualClock()
  problems = []
  hub = new WatchHub((grantId) => shared.tell(grantId))
  feed = new ChangeFeed({
    hub,
    sharing: shared,
    clock,
    onProblem: (error) => problems.push(error),
    onWell: () => problems.splice(0),
  })
  feed.start()
  await clock.advance(0)
})
afterEach(() => feed.stop())

/** Watches a grant that has been read at version 1, or at another one, or not at all. */
function watch(grantId: string, agent = 'agent', version: number | 'unread' = 1) {
  if (!shared.versions.has(grantId)) shared.versions.set(grantId, 1)
  const listening = hub.listen(grantId, agent)
  const watcher = { isAwake: false, saw: listening.saw, stop: listening.stop }
  if (version !== 'unread') listening.saw(version)
  void listening.woken.then(() => {
    watcher.isAwake = true
  })
  return watcher
}
/** The first look at watermarks has nothing to compare with, so it wakes everybody. Ends between two looks. */
async function knowWatermarks(): Promise<void> {
  const first = watch('grt_first')
  await pass(2_000)
  first.stop()
  await pass(300)
  shared.looks = 0
}
const turn = () => clock.advance(0)
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) await clock.advance(50)
}

test('what this process changes itself wakes its watchers, and is told to the others', async () => {
  const watcher = watch('grt_1')
  hub.changed('grt_1')
  hub.agentChanged('agent')
  await turn()
  expect(watcher.isAwake).toBe(true)
  expect(shared.told).toEqual(['grt_1', undefined])
})

test('what another replica tells wakes those whose grant has changed, at once and without telling it on', async () => {
  await knowWatermarks()
  const [changed, same] = [watch('grt_1'), watch('grt_2')]
  shared.versions.set('grt_1', 2)
  shared.heard?.onTold(['grt_1', 'grt_2', 'grt_unknown'])
  await turn()
  expect([changed.isAwake, same.isAwake]).toEqual([true, false])
  expect(shared.told).toEqual([])
})

test('who has not read the grant yet is woken by what is told of it, since it may be reading the old one', async () => {
  await knowWatermarks()
  const watcher = watch('grt_1', 'agent', 'unread')
  shared.heard?.onTold(['grt_1'])
  await turn()
  expect(watcher.isAwake).toBe(true)
})

test('of two who watch a grant, the one who is behind counts', async () => {
  await knowWatermarks()
  shared.versions.set('grt_1', 2)
  const [behind, ahead] = [watch('grt_1', 'agent', 1), watch('grt_1', 'agent', 2)]
  shared.heard?.onTold(['grt_1'])
  await turn()
  expect([behind.isAwake, ahead.isAwake]).toEqual([true, true])
})

for (const { name, isListening, everyMs } of [
  { name: 'that nobody tells of', isListening: false, everyMs: 500 },
  { name: 'of which the notification was lost', isListening: true, everyMs: 2_000 },
]) {
  test(`a change ${name} is found by looking, every ${everyMs} ms`, async () => {
    await knowWatermarks()
    shared.isListening = isListening
    const watcher = watch('grt_1')
    shared.versions.set('grt_1', 2)
    for (let ms = 0; ms < 2_000 + everyMs && !watcher.isAwake; ms += 50) await clock.advance(50)
    expect(watcher.isAwake).toBe(true)
    const [before, again] = [shared.looks, watch('grt_1', 'agent', 2)]
    await pass(10 * everyMs)
    expect(again.isAwake).toBe(false)
    expect(shared.looks - before).toBe(10)
  })
}

test('the end of listening makes it look at once, and from then on often', async () => {
  await knowWatermarks()
  const watcher = watch('grt_1')
  shared.versions.set('grt_1', 2)
  shared.isListening = false
  shared.heard?.onListening()
  await turn()
  expect(watcher.isAwake).toBe(true)
})

test('nobody who watches means no look', async () => {
  await pass(10_000)
  expect(shared.looks).toBe(0)
})

test('a flood of forged notifications costs a bounded number of looks, and wakes nobody', async () => {
  await knowWatermarks()
  const watcher = watch('grt_1')
  for (let n = 0; n < 1_000; n++) {
    shared.heard?.onTold(n % 2 === 0 ? undefined : ['grt_1'])
    await clock.advance(1)
  }
  expect(watcher.isAwake).toBe(false)
  expect(shared.looks).toBeLessThanOrEqual(5)
})

test('a new watermark wakes those of its agent alone, and a common one everybody', async () => {
  shared.marks.byAgent.set('greedy', 'a')
  await knowWatermarks()
  const [greedy, modest] = [watch('grt_1', 'greedy'), watch('grt_2', 'modest')]
  await pass(2_500)
  // A mark that was not known before may be new.
  expect([greedy.isAwake, modest.isAwake]).toEqual([true, false])
  const again = watch('grt_1', 'greedy')
  await pass(4_500)
  expect(again.isAwake).toBe(false)
  shared.marks.byAgent.set('greedy', 'b')
  await pass(4_500)
  expect([again.isAwake, modest.isAwake]).toEqual([true, false])
  shared.marks.common = 'c'
  await pass(4_500)
  expect(modest.isAwake).toBe(true)
})

test('a ledger that cannot be read is a problem until it can, and then nothing is missed', async () => {
  await knowWatermarks()
  shared.failure = new Error('away')
  const watcher = watch('grt_1')
  shared.versions.set('grt_1', 2)
  shared.heard?.onTold(['grt_1'])
  await pass(1_000)
  expect(problems).not.toEqual([])
  expect(watcher.isAwake).toBe(false)
  shared.failure = undefined
  await pass(1_000)
  await pass(1_000)
  expect(watcher.isAwake).toBe(true)
  expect(problems).toEqual([])
})
