import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { idBody, randomIds } from '../../src/core/ids.ts'
import { toDenies } from '../../src/credentials/deny-spread.ts'
import type { CredentialProvider, DeniedGrant, DenyListContent, LiveDenyList } from '../../src/credentials/provider.ts'
import { DenyMemory } from '../../src/grants/deny/deny-memory.ts'
import { updateList } from '../../src/grants/deny/update-list.ts'
import { WriteClaim } from '../../src/grants/deny/write-claim.ts'
import type { DenyEntry, DenyList, DenyMark } from '../../src/ledger/records.ts'
import { isNeeded } from '../../src/ledger/rules/deny-list-rules.ts'
import { ManualClock } from '../support/manual-clock.ts'

const KEYS = ['boundary:a', 'attached:b', 'attached:c'] as const
const IDENTITY = { replica: 'rpl_1', ledgerId: 'ABCDEFGHJKMN', epoch: 1, earlierEpochs: new Set<number>() }

/** What a call about a document meets. */
const FAULTS = ['none', 'read_away', 'read_refused', 'write_refused', 'lost_applied', 'lost_unapplied'] as const
type Fault = (typeof FAULTS)[number]

/** A cloud with three documents; it looks after each write whether anybody was let go who must not be. */
class Cloud {
  readonly clock = new ManualClock()
  readonly contents = new Map<string, DenyListContent>(KEYS.map((key) => [key, { grants: [] }]))
  readonly marks = new Map<string, DenyMark>()
  readonly capacity = new Map<string, number>(KEYS.map((key) => [key, 6]))
  faults: readonly Fault[] = []
  writesLeft = Number.POSITIVE_INFINITY
  entries: DenyEntry[] = []
  /** Grants that some document denied once. */
  readonly held = new Set<string>()

  readonly provider = {
    listDocuments: () => KEYS,
    fits: (key: string, content: DenyListContent, spare = 0) =>
      sizeOf(content) + spare <= (this.capacity.get(key) ?? 0),
    digestDenyList: (_key: string, content: DenyListContent) => digestDenyList(content),
    readDenyList: async (key: string): Promise<LiveDenyList> => {
      this.#meet(key, 'read_away', 'PROVIDER_UNAVAILABLE')
      this.#meet(key, 'read_refused', 'PROVIDER_REFUSED')
      const content = this.#content(key)
      const mark = this.marks.get(key)
      const at = this.clock.now()
      return { digest: digestDenyList(content), exists: true, at, denies: toDenies(content), ...(mark && { mark }) }
    },
    writeDenyList: async (key: string, content: DenyListContent, _: AbortSignal, mark?: DenyMark) => {
      if (this.writesLeft <= 0) throw new Error('dead')
      this.#meet(key, 'write_refused', 'PROVIDER_REFUSED')
      this.#meet(key, 'lost_unapplied', 'PROVIDER_UNAVAILABLE')
      expect(this.provider.fits(key, content)).toBe(true)
      this.writesLeft -= 1
      this.contents.set(key, content)
      if (mark) this.marks.set(key, mark)
      this.check()
      this.#meet(key, 'lost_applied', 'PROVIDER_UNAVAILABLE')
      return { at: this.clock.now() }
    },
  } as unknown as CredentialProvider

  /** Promise: once a document denies a grant, one of them does until its last session is over. */
  check(): void {
    const denies = KEYS.map((key) => toDenies(this.#content(key)))
    for (const entry of this.entries) {
      const isDenied = denies.some((each) => each.covers(toDenied(entry)))
      if (isDenied) this.held.add(entry.grantId)
      else if (isNeeded(entry, this.clock.now())) expect(this.held.has(entry.grantId), entry.grantId).toBe(false)
    }
  }

  #content(key: string): DenyListContent {
    return this.contents.get(key) ?? { grants: [] }
  }

  #meet(key: string, fault: Fault, code: 'PROVIDER_REFUSED' | 'PROVIDER_UNAVAILABLE'): void {
    if (this.faults[KEYS.indexOf(key as (typeof KEYS)[number])] === fault)
      throw new StintError(code, { explanation: fault })
  }
}

/** A broker that may die and start again; its ledger keeps what was recorded. */
class Broker {
  readonly cloud: Cloud
  list: DenyList = { key: KEYS[0], attempts: 0, claimVersion: 0 }
  memory = new DenyMemory()

  constructor(cloud: Cloud) {
    this.cloud = cloud
  }

  async pass(): Promise<void> {
    const { cloud } = this
    const { clock, provider } = cloud
    this.list = { ...this.list, claimVersion: this.list.claimVersion + 1 }
    const ledger = {
      identity: IDENTITY,
      isLive: () => true,
      knowsEpoch: async () => false,
      getDenyList: async () => ({ ...this.list, claimedBy: 'one' }),
    }
    const parts = {
      ...{ provider, clock, memory: this.memory, ledger, random: () => 0 },
      ...{ clockGuard: { earliestNow: () => clock.now() }, problems: { tell: () => {}, well: () => {} } },
      settings: { settleMs: 30_000 },
    }
    try {
      const claim = new WriteClaim({ ledger, clock }, this.list, clock.monotonicMs())
      const claimed = { list: this.list, entries: cloud.entries, claim, quarantine: undefined }
      const update = await updateList(parts, claimed, new AbortController().signal)
      const documents = update.documents.toRecords(clock.now())
      const wrote = update.documents.all[0]?.wrote
      const { watermark: _, ...list } = this.list
      const { watermark } = update.content
      this.list = {
        ...{ ...list, attempts: 0, ...(documents && { documents }) },
        ...(wrote && { written: wrote }),
        ...(watermark && { watermark }),
      }
      const over = new Set(update.expired)
      cloud.entries = cloud.entries.filter((entry) => !over.has(entry))
      const denied = KEYS.map((key) => toDenies(cloud.contents.get(key) ?? { grants: [] }))
      for (const entry of update.held)
        expect(
          denied.some((each) => each.covers(toDenied(entry))),
          'on record as written',
        ).toBe(true)
    } catch (error) {
      if (!(error instanceof StintError)) throw error
      this.list = { ...this.list, attempts: this.list.attempts + 1 }
    }
  }
}

function toDenied({ grantId, lastIssuedAt, agent, namesAgent, chains }: DenyEntry): DeniedGrant {
  return { grantId, lastIssuedAt, ...(agent && { agent }), named: namesAgent === true, chains: chains === true }
}

/** Each name and each watermark takes a place. */
function sizeOf({ grants, agents = [], watermark }: DenyListContent): number {
  return grants.length + agents.length + (watermark ? 1 : 0)
}

function digestDenyList({ grants, ...others }: DenyListContent): string {
  return JSON.stringify({ ...others, grants: grants.map(idBody).sort() })
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('deny' as const),
      count: fc.integer({ min: 1, max: 6 }),
      agent: fc.integer({ min: 0, max: 2 }),
      namesAgent: fc.boolean(),
      chains: fc.boolean(),
      urgent: fc.boolean(),
      minutes: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      faults: fc.array(fc.constantFrom(...FAULTS), { minLength: 3, maxLength: 3 }),
      // Dies after so many writes.
      writes: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 180 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('room' as const),
      document: fc.integer({ min: 0, max: 2 }),
      places: fc.integer({ min: 4, max: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

async function play(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Promise<Cloud> {
  const cloud = new Cloud()
  const broker = new Broker(cloud)
  for (const one of steps) {
    const now = cloud.clock.now()
    if (one.kind === 'deny') {
      const { agent, namesAgent, chains, urgent, minutes } = one
      for (let n = 0; n < one.count; n += 1)
        cloud.entries.push({
          ...{ grantId: randomIds.next('grt', now), listKey: KEYS[0], wantedAt: now, lastIssuedAt: now },
          ...{ until: new Date(now.getTime() + minutes * 60_000), agent: `spiffe://example.org/a${agent}` },
          ...{ namesAgent, chains, urgent },
        })
    } else if (one.kind === 'wait') await cloud.clock.advance(one.seconds * 1_000)
    else if (one.kind === 'room') cloud.capacity.set(KEYS[one.document] ?? '', one.places)
    else if (one.kind === 'restart') broker.memory = new DenyMemory()
    else {
      cloud.faults = one.faults
      cloud.writesLeft = one.writes ?? Number.POSITIVE_INFINITY
      await broker.pass()
      if (cloud.writesLeft <= 0) broker.memory = new DenyMemory()
      cloud.faults = []
      cloud.writesLeft = Number.POSITIVE_INFINITY
    }
    cloud.check()
  }
  // What was broken is well again: everything is denied.
  for (let n = 0; n < 3; n += 1) {
    await cloud.clock.advance(90_000)
    await broker.pass()
  }
  for (const entry of cloud.entries) expect(cloud.held.has(entry.grantId), `${entry.grantId} at the end`).toBe(true)
  return cloud
}

test('whatever fails and wherever the process dies, a grant that one of several documents denies stays denied', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => void (await play(steps))),
    {
      numRuns: 300,
    },
  )
})
