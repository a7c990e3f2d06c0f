import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { ChangeFeed } from '../../src/grants/watching/change-feed.ts'
import { watchGrant } from '../../src/grants/watching/watch-grant.ts'
import { WatchHub } from '../../src/grants/watching/watch-hub.ts'
import type { CallerIdentity } from '../../src/identity/caller-identity.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { eventually } from '../support/eventually.ts'
import { AGENT, sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MeddlingProxy } from './meddling-proxy.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

const CALLER = { subject: AGENT } as CallerIdentity
const LIST = 'list'

/** A replica as far as waiting is concerned. Its feed looks by itself only when its clock is moved. */
class Waiting {
  readonly clock = new ManualClock()
  readonly hub: WatchHub
  readonly feed: ChangeFeed
  readonly seen: string[] = []
  readonly gone = new AbortController()
  readonly #ledger: Ledger

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    this.hub = new WatchHub((grantId) => ledger.sharing?.tell(grantId))
    if (!ledger.sharing) throw new Error('a ledger in a database can be shared')
    const report = { onProblem: () => undefined, onWell: () => undefined }
    this.feed = new ChangeFeed({ hub: this.hub, sharing: ledger.sharing, clock: this.clock, ...report })
  }

  /** Follows a grant, from the moment on at which it has been seen. */
  async watch(grantId: string): Promise<void> {
    const { clock, hub, gone } = this
    const parts = { ledger: this.#ledger, hub, clock, provider: { findDenyList: () => ({ key: LIST }) } }
    const views = watchGrant(parts as never, CALLER, grantId, gone.signal)
    const first = await views.next()
    this.seen.push(first.value?.grant.state ?? '')
    const rest = async () => {
      for await (const { grant, renewAfter } of views) this.seen.push(renewAfter ? 'renew' : grant.state)
    }
    // The end of a ledger ends the streams over it.
    void rest().catch(() => undefined)
    await eventually('waiting', () => hub.findWatched(grantId)?.version !== undefined)
  }

  async sees(state: string): Promise<void> {
    await eventually(`the sight of ${state}`, () => this.seen.at(-1) === state)
  }

  /** The same, with the clock going on. */
  async looksUntilIt(state: string): Promise<number> {
    let passedMs = 0
    await eventually(`the sight of ${state}`, async () => {
      if (this.seen.at(-1) === state) return true
      passedMs += 50
      await this.clock.advance(50)
      return false
    })
    return passedMs
  }

  async stop(): Promise<void> {
    this.gone.abort()
    await this.feed.stop()
  }
}

let tmp: TmpPostgresLedger
const replicas: Waiting[] = []
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
})
afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.stop()
  await tmp.dispose()
})

const now = () => tmp.clock.now()
const listening = (ledger: Ledger) => eventually('listening', () => ledger.sharing?.isListening)
function replicaOn(ledger: Ledger): Waiting {
  const replica = new Waiting(ledger)
  replicas.push(replica)
  return replica
}
async function openWaiting(): Promise<string> {
  const opened = await tmp.ledger.openGrant(sampleOpen(tmp.ids, now(), { grant: { state: 'awaiting_approval' } }))
  return opened.grant.id
}
/** As a replica does it: the change, and once that is on record, the word to others. */
async function approve(ledger: Ledger, hub: WatchHub, grantId: string): Promise<void> {
  const deadline = new Date(now().getTime() + 900_000)
  const to = { state: 'active', activeAt: now(), deadline, dueAt: deadline } as const
  await ledger.moveGrant({ grantId, expectedVersion: 1, to, events: [sampleEvent(now(), { grantId })] })
  hub.changed(grantId)
}

test('an approval on one replica wakes who waits on another one, by the notification alone', async () => {
  const other = await tmp.join()
  const [here, there] = [replicaOn(tmp.ledger), replicaOn(other)]
  await Promise.all([listening(tmp.ledger), listening(other)])
  for (const replica of [here, there]) replica.feed.start()
  const grantId = await openWaiting()
  await here.watch(grantId)
  await approve(other, there.hub, grantId)
  await here.sees('active')
  expect(here.seen).toEqual(['awaiting_approval', 'active'])
})

for (const { name, options } of [
  { name: 'a pooler in transaction mode is all there is', options: { pooler: true } },
  { name: 'no replica tells of its changes', options: {} },
]) {
  test(`where ${name}, looking finds the approval within a second`, async () => {
    await tmp.dispose()
    tmp = await tmpPostgresLedger(server.address(options))
    const other = await tmp.join()
    const here = replicaOn(tmp.ledger)
    here.feed.start()
    if (!('pooler' in options)) await listening(tmp.ledger)
    const grantId = await openWaiting()
    await here.watch(grantId)
    await approve(other, new WatchHub(), grantId)
    expect(await here.looksUntilIt('active')).toBeLessThanOrEqual('pooler' in options ? 800 : 2_300)
  })
}

test('a connection that is ended by an administrator and cannot be made again is replaced by looking', async () => {
  const proxy = await MeddlingProxy.before(server.port)
  try {
    await tmp.dispose()
    const listenAt = server.address({ port: proxy.port })
    tmp = await tmpPostgresLedger(server.address(), { listenAt })
    const other = await tmp.join({ listenAt: server.address() })
    const [here, there] = [replicaOn(tmp.ledger), replicaOn(other)]
    await Promise.all([listening(tmp.ledger), listening(other)])
    for (const replica of [here, there]) replica.feed.start()
    const grantId = await openWaiting()
    await here.watch(grantId)
    await proxy.close()
    await tmp.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stint_listen'`)
    await eventually('the loss', () => tmp.ledger.sharing?.isListening === false)
    await approve(other, there.hub, grantId)
    expect(await here.looksUntilIt('active')).toBeLessThanOrEqual(1_000)
  } finally {
    await proxy.close().catch(() => undefined)
  }
})

test('notifications that anybody has made up are a reason to look, and nothing else', async () => {
  const here = replicaOn(tmp.ledger)
  await listening(tmp.ledger)
  here.feed.start()
  const grantId = await openWaiting()
  await here.watch(grantId)
  const texts = ['', grantId, ',,,', 'grt_x', '{"a":1}', `${grantId},${'x'.repeat(7_000)}`]
  for (const text of texts) await tmp.sql('SELECT pg_notify($1, $2)', [`stint_${tmp.schema}`, text])
  await tmp.sql('SELECT pg_notify($1, n::text) FROM generate_series(1, 10000) n', [`stint_${tmp.schema}`])
  await here.clock.advance(5_000)
  expect(here.seen).toEqual(['awaiting_approval'])
  const other = await tmp.join()
  await approve(other, new WatchHub(), grantId)
  expect(await here.looksUntilIt('active')).toBeLessThanOrEqual(2_300)
})

for (const { name, watermark, agents } of [
  {
    name: 'over its agent',
    watermark: undefined,
    agents: [{ agent: AGENT, before: new Date('2026-11-21T12:00:01Z') }],
  },
  { name: 'over everybody', watermark: new Date('2026-11-21T12:00:01Z'), agents: [] },
]) {
  test(`a watermark ${name} that another replica has written tells the agent to renew`, async () => {
    const other = await tmp.join()
    const [here, there] = [replicaOn(tmp.ledger), replicaOn(other)]
    const { grant, lease } = (await tmp.ledger.openGrant(sampleOpen(tmp.ids, now()))) as never as {
      grant: { id: string }
      lease: { id: string }
    }
    await tmp.ledger.settleLease({
      ...{ leaseId: lease.id, to: 'issued', accessKeyId: 'ASIAEXAMPLE', issuedAt: now() },
      events: [],
    })
    await Promise.all([listening(tmp.ledger), listening(other)])
    for (const replica of [here, there]) replica.feed.start()
    await here.watch(grant.id)
    const denied = (await other.openGrant(sampleOpen(tmp.ids, now()))).grant
    const deny = { listKey: LIST, wantedAt: now(), until: new Date(now().getTime() + 900_000), lastIssuedAt: now() }
    const to = { state: 'ending', reason: 'revoked', dueAt: now() } as const
    await other.moveGrant({ grantId: denied.id, expectedVersion: 1, to, deny, events: [] })
    // Due for so long that any replica may take it, whichever its home is.
    const later = new Date(now().getTime() + 5_000)
    const claimUntil = new Date(later.getTime() + 60_000)
    const claimed = await other.claimDenyList({ owner: other.identity.replica, now: later, claimUntil })
    const { claimVersion } = claimed?.list ?? { claimVersion: 0 }
    await other.denyWritten({
      ...{ listKey: LIST, claimVersion, grantIds: [denied.id], removedGrantIds: [], at: now(), events: [] },
      ...{ agents, ...(watermark && { watermark }) },
    })
    there.hub.agentChanged(AGENT)
    await here.looksUntilIt('renew')
  })
}

test('what has changed is found among more grants than one statement asks for, those that are gone included', async () => {
  const opened = await Promise.all(
    Array.from({ length: 1_200 }, () => tmp.ledger.openGrant(sampleOpen(tmp.ids, now(), { lease: null }))),
  )
  const seen = opened.map(({ grant }) => ({ grantId: grant.id, version: grant.version }))
  const ledger = tmp.ledger.sharing
  expect(await ledger?.findChanged(seen)).toEqual([])
  const [first, last] = [seen[0]?.grantId, seen.at(-1)?.grantId]
  await tmp.sql('UPDATE grants SET version = version + 1 WHERE id = ANY($1)', [[first, last]])
  expect(await ledger?.findChanged([...seen, { grantId: 'grt_gone', version: 1 }])).toEqual([first, last, 'grt_gone'])
})
