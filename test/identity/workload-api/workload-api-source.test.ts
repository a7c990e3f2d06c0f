import { credentials, Metadata, status } from '@grpc/grpc-js'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import type { ServerIdentity } from '../../../src/identity/server-identity.ts'
import { WorkloadApiStub } from '../../../src/identity/workload-api/definition.ts'
import { workloadApiTarget } from '../../../src/identity/workload-api/endpoint.ts'
import {
  WorkloadApiSource,
  type WorkloadApiSourceOptions,
} from '../../../src/identity/workload-api/workload-api-source.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { NOW } from '../../support/pki.ts'
import { settle, until } from '../../support/settle.ts'
import { TokenJudge } from '../../support/token-judge.ts'
import { jwtMessage, svidMessage, WorkloadApiServer, x509Message } from '../../support/workload-api-server.ts'
import { SECURITY_HEADERS, STREAM_ENDS } from '../../vectors/identity/workload-api.ts'

let a: PracticeTrustDomain
let b: PracticeTrustDomain
let server: WorkloadApiServer
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  ;[a, b] = (await Promise.all(['a.test', 'b.test'].map((name) => createTrustDomain(name, { now: NOW })))) as [
    PracticeTrustDomain,
    PracticeTrustDomain,
  ]
})

beforeEach(async () => {
  server = await WorkloadApiServer.start({ x509: x509Message([await svid('/stint')], [b]), jwt: jwtMessage(a, b) })
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await server.close()
})

/** The wall clock is hours ahead; the first look at it comes within a minute. */
const wake = async (clock: ManualClock) => {
  clock.jump(8 * 3_600_000)
  await clock.advance(60_000)
}

const svid = async (path: string, now = NOW) => svidMessage(await a.issueX509Svid({ path, now }), a)

/** A source with everything that it has said; `random` 0 makes the first wait 1 s. */
function follow({
  store = new BundleStore(),
  ...settings
}: Partial<WorkloadApiSourceOptions> & { store?: BundleStore } = {}) {
  const clock = new ManualClock(NOW.toISOString())
  const identities: (ServerIdentity | undefined)[] = []
  const problems = new Map<string, StintError>()
  const seen: string[] = []
  const notes = new Map<string, string[]>()
  const source = new WorkloadApiSource({
    target: workloadApiTarget(server.address),
    store,
    trustDomains: ['a.test', 'b.test'],
    clock,
    random: () => 0,
    startWithinMs: 60_000,
    onState: (component, problem) => {
      if (problem) problems.set(component, problem)
      else problems.delete(component)
      if (problem) seen.push(problem.code)
    },
    onNotes: (component, found) =>
      notes.set(
        component,
        found.map(({ code }) => code),
      ),
    svid: {},
    jwtTrustDomains: ['a.test', 'b.test'],
    ...settings,
  })
  closing.push(() => source.stop())
  const start = async () => {
    await source.start()
    identities.push(await source.serverIdentity().start((identity) => identities.push(identity)))
  }
  return { clock, store, source, identities, problems, seen, notes, start }
}

describe('a source that follows the Workload API', () => {
  test('has SVID, roots and JWT keys when it has started, of the configured trust domains only', async () => {
    const { store, source, start } = follow()
    await start()
    expect(source.identity?.cert).toContain('BEGIN CERTIFICATE')
    for (const name of ['a.test', 'b.test']) {
      expect([store.get(name)?.x509Authorities.length, store.get(name)?.jwtAuthorities.size]).toEqual([1, 1])
    }
    const c = await createTrustDomain('c.test', { now: NOW })
    server.set({ x509: x509Message([await svid('/stint')], [b, c]) })
    await until(() => server.open === 2)
    expect(store.get('c.test')).toBeUndefined()
  })

  test('W5 drops what a message no longer names, X.509 and JWT apart', async () => {
    const { store, start } = follow()
    await start()
    server.set({ x509: x509Message([await svid('/stint')]) })
    await until(() => store.get('b.test')?.x509Authorities.length === 0)
    expect(store.get('b.test')?.jwtAuthorities.size).toBe(1)
    server.set({ jwt: jwtMessage(a) })
    await until(() => store.get('b.test') === undefined)
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(1)
  })

  test('takes SVID and roots of a message in one step', async () => {
    const { store, source, start } = follow()
    await start()
    const rolled = await createTrustDomain('a.test', { now: NOW })
    const next = svidMessage(await rolled.issueX509Svid({ path: '/stint', now: NOW }), rolled)
    const generation = store.generation
    const states: [number, boolean][] = []
    const before = source.identity
    store.onChange(() => queueMicrotask(() => states.push([store.generation, source.identity !== before])))
    const c = await createTrustDomain('b.test', { now: NOW })
    server.set({ x509: x509Message([next], [c]) })
    await until(() => states.length > 0)
    expect(states).toEqual([[generation + 1, true]])
  })

  test('W6 discards a bad message, says so, and keeps the state of before', async () => {
    const { store, source, problems, start } = follow()
    await start()
    const [generation, identity] = [store.generation, source.identity]
    server.set({ x509: x509Message([]) })
    await until(() => problems.has('workload_api:x509'))
    expect([store.generation, source.identity]).toEqual([generation, identity])
    server.set({ x509: x509Message([await svid('/stint')], [b]) })
    await until(() => !problems.has('workload_api:x509'))
  })

  for (const { id, end, reaction, keeps } of STREAM_ENDS) {
    test(`${id} ${reaction} when a stream ends with ${end}`, async () => {
      const { clock, store, source, problems, start } = follow()
      await start()
      const opened = { ...server.opened }
      if (end !== 'OK') server.refuse(status[end])
      server.end(end === 'OK' ? undefined : status[end])
      if (reaction === 'reconnects at once') {
        await until(() => server.opened.x509 === opened.x509 + 1 && server.opened.jwt === opened.jwt + 1)
        return expect(problems.size).toBe(0)
      }
      await until(() => problems.size === 2)
      expect(server.opened).toEqual(opened)
      expect([source.identity !== undefined, store.get('a.test') !== undefined]).toEqual([keeps, keeps])
      server.refuse(undefined)
      await clock.advance(999)
      expect(server.opened).toEqual(opened)
      for (let i = 0; i < 100; i += 1) await clock.advance(1_000)
      if (reaction === 'stops') return expect(server.opened).toEqual(opened)
      await until(() => problems.size === 0)
      expect(source.identity).toBeDefined()
      expect(store.get('a.test')?.jwtAuthorities.size).toBe(1)
    })
  }

  test('waits longer from failure to failure, at most 30 s', async () => {
    const { clock, seen, start } = follow()
    await start()
    server.refuse(status.UNAVAILABLE)
    server.end(status.UNAVAILABLE)
    await until(() => seen.length === 2)
    const waits: number[] = []
    for (let turn = 0; turn < 7; turn += 1) {
      const before = server.opened.x509
      let waited = 0
      while (server.opened.x509 === before) {
        await clock.advance(500)
        waited += 500
        for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve))
      }
      waits.push(waited)
      await until(() => seen.length >= 2 * (turn + 2))
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  test('does not reconnect in a tight loop to a server that ends each stream', async () => {
    const { clock, start } = follow()
    await start()
    server.end()
    await until(() => server.opened.x509 === 2 && server.open === 2)
    server.end()
    for (let i = 0; i < 200; i += 1) await clock.advance(1)
    expect(server.opened.x509).toBe(2)
    await clock.advance(1_000)
    await until(() => server.opened.x509 === 3)
  })

  test('serves on without the agent until the SVID ends, then withdraws it and every key', async () => {
    const { clock, store, source, identities, problems, start } = follow()
    await start()
    server.down()
    await until(() => problems.size === 2)
    clock.jump(3_599_000)
    await clock.advance(60_000 - 59_000)
    expect([source.identity !== undefined, store.get('a.test') !== undefined]).toEqual([true, true])
    await clock.advance(60_000)
    await until(() => source.identity === undefined)
    expect(identities.at(-1)).toBeUndefined()
    expect([store.get('a.test'), store.get('b.test')]).toEqual([undefined, undefined])
    server.set({ x509: x509Message([await svid('/stint', clock.now())], [b]), jwt: jwtMessage(a, b) })
    await server.listen()
    await settle(
      clock,
      until(() => source.identity !== undefined && problems.size === 0),
    )
    expect(identities.at(-1)).toBe(source.identity)
  })

  test('trusts no JWT key while the agent has no identity for it, and does again with the next SVID', async () => {
    const { clock, store, source, problems, start } = follow()
    await start()
    server.end(status.PERMISSION_DENIED, 'x509')
    await until(() => source.identity === undefined)
    expect([store.get('a.test'), store.get('b.test')]).toEqual([undefined, undefined])
    await settle(
      clock,
      until(() => source.identity !== undefined && problems.size === 0),
    )
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(1)
  })

  test('a token that is here before its key is told to come again for as long as an agent may be behind', async () => {
    const { clock, store, start } = follow()
    await start()
    const judge = new TokenJudge({ store, clock })
    const rolled = await createTrustDomain('a.test', { now: NOW })
    const [early, invented] = [await judge.issue(rolled), await judge.issue(a, { header: { kid: 'invented' } })]
    for (const token of [early, invented]) {
      expect(await judge.answer(token)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 3000')
    }
    await clock.advance(13_000)
    expect(await judge.answer(invented)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 2000')
    const { generation } = store
    server.set({ jwt: jwtMessage(rolled, b) })
    await until(() => store.generation > generation)
    expect(await judge.answer(early)).toBe('accepted')
    expect(await judge.answer(invented)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 2000')
    await clock.advance(2_000)
    expect(await judge.answer(invented)).toBe('TOKEN_INVALID kid')
  })

  for (const { name, code, answer } of [
    { name: 'that breaks: nothing can be said', code: status.UNAVAILABLE, answer: 'TRUST_DOMAIN_UNAVAILABLE kid 3000' },
    {
      name: 'that the agent does not offer: nothing will come',
      code: status.UNIMPLEMENTED,
      answer: 'TOKEN_INVALID kid',
    },
  ]) {
    test(`a token of an unknown key beside a stream of JWT bundles ${name}`, async () => {
      const { clock, store, problems, start } = follow()
      await start()
      const judge = new TokenJudge({ store, clock })
      const invented = await judge.issue(a, { header: { kid: 'invented' } })
      await judge.answer(invented)
      server.end(code, 'jwt')
      await until(() => problems.has('workload_api:jwt'))
      clock.jump(60_000)
      expect(await judge.answer(invented)).toBe(answer)
    })
  }

  test('keeps JWT keys that cannot be followed no longer than the SVID of that time', async () => {
    const { clock, store, source, problems, start } = follow()
    await start()
    server.end(status.UNIMPLEMENTED, 'jwt')
    await until(() => problems.has('workload_api:jwt'))
    for (const [ms, keys] of [
      [1_800_000, 1],
      [1_801_000, 0],
    ] as const) {
      clock.jump(ms)
      const before = source.identity
      server.set({ x509: x509Message([await svid('/stint', clock.now())], [b]) })
      await until(() => source.identity !== before)
      expect(store.get('a.test')?.jwtAuthorities.size).toBe(keys)
      expect(store.get('a.test')?.x509Authorities.length).toBe(1)
    }
  })

  // The agent is up and its server away: no stream ends, and JWT bundles that have not changed are not sent again.
  for (const { name, pass } of [
    {
      name: 'the SVID runs out',
      pass: async (clock: ManualClock) => {
        await clock.advance(3_600_000 - 60_000)
        for (let i = 0; i < 3; i += 1) await clock.advance(60_000)
      },
    },
    { name: 'the host sleeps and wakes before the agent', pass: wake },
    {
      name: 'the host sleeps and the next SVID comes first',
      pass: async (clock: ManualClock) => clock.jump(8 * 3_600_000),
    },
  ]) {
    test(`trusts the same JWT keys with the next SVID when ${name} while its streams stay open`, async () => {
      const { clock, store, source, start } = follow()
      await start()
      const opened = { ...server.opened }
      const jwtOf = (domain: string) => [...(source.publishable(domain)?.jwtAuthorities.keys() ?? [])]
      const before = ['a.test', 'b.test'].map(jwtOf)
      await pass(clock)
      const identity = source.identity
      if (!identity) expect([store.get('a.test'), source.publishable('a.test')]).toEqual([undefined, undefined])
      server.set({ x509: x509Message([await svid('/stint', clock.now())], [b]), jwt: jwtMessage(a, b) })
      await until(() => source.identity !== undefined && source.identity !== identity)
      expect(server.opened).toEqual(opened)
      expect(['a.test', 'b.test'].map(jwtOf)).toEqual(before)
      expect(['a.test', 'b.test'].map((domain) => store.get(domain)?.jwtAuthorities.size)).toEqual([1, 1])
    })
  }

  test('publishes no bundle whose JWT keys are not known, and one without where the agent knows no JWT bundles', async () => {
    const { source, store, start, clock, notes } = follow()
    await start()
    server.end(status.PERMISSION_DENIED, 'jwt')
    await until(() => store.get('a.test')?.jwtAuthorities.size === 0)
    expect(source.publishable('a.test')).toBeUndefined()
    await settle(
      clock,
      until(() => source.publishable('a.test')?.jwtAuthorities.size === 1),
    )
    const broken = { bundles: { ...jwtMessage(b).bundles, 'spiffe://a.test': Buffer.from('half a docu') } }
    server.set({ x509: x509Message([await svid('/stint')], [b]), jwt: broken })
    await until(() => notes.get('workload_api:jwt')?.includes('jwt-bundle') === true)
    expect(source.publishable('a.test')?.jwtAuthorities.size).toBe(1)
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(1)
    const late = follow()
    await late.start()
    expect(late.source.publishable('a.test')).toBeUndefined()
    expect(late.source.publishable('b.test')?.jwtAuthorities.size).toBe(1)
    await late.source.stop()
    await until(() => server.open === 2)
    server.set({ x509: x509Message([await svid('/stint')], [b]) })
    const other = follow()
    const started = other.start()
    await until(() => server.open === 4)
    server.end(status.UNIMPLEMENTED, 'jwt')
    await started
    expect(other.source.publishable('a.test')?.x509Authorities.length).toBe(1)
  })

  test('takes nothing of a message that the store refuses, now or with a later message of the other stream', async () => {
    const store = new BundleStore()
    const apply = store.apply.bind(store)
    const { source, problems, start } = follow({ store })
    await start()
    const [generation, identity] = [store.generation, source.identity]
    store.apply = () => {
      throw new StintError('BUNDLE_INVALID', { check: 'names' })
    }
    const rolled = await createTrustDomain('a.test', { now: NOW })
    const next = svidMessage(await rolled.issueX509Svid({ path: '/stint', now: NOW }), rolled)
    server.set({ x509: x509Message([next], [b]) })
    await until(() => problems.has('workload_api:x509'))
    store.apply = apply
    server.set({ jwt: jwtMessage(a) })
    await until(() => store.generation !== generation)
    expect(store.get('a.test')?.x509Authorities[0]?.x509.toString()).toBe(a.rootCertPem)
    expect(source.identity).toBe(identity)
  })

  test('survives followers and a store that throw, and withdraws the SVID all the same', async () => {
    const store = new BundleStore()
    const { clock, source, identities, problems, start } = follow({ store })
    await start()
    const told: unknown[] = []
    await source.serverIdentity().start(() => {
      throw new Error('a listener that fails')
    })
    await source.serverIdentity().start((identity) => told.push(identity))
    store.onChange(() => {
      throw new Error('a listener of the store that fails')
    })
    server.set({ x509: x509Message([await svid('/stint')]) })
    await until(() => told.length === 1)
    expect(problems.get('workload_api:x509')?.code).toBe('INTERNAL')
    store.apply = () => {
      throw new Error('a store that fails')
    }
    server.end(status.PERMISSION_DENIED)
    await until(() => source.identity === undefined)
    expect([identities.at(-1), told.at(-1)]).toEqual([undefined, undefined])
    await clock.advance(2 * 3_600_000)
    expect(source.identity).toBeUndefined()
  })

  test('does not keep JWT keys for ever when their stream fails while there is no SVID', async () => {
    const { clock, store, source, problems, start } = follow()
    await start()
    server.end(status.PERMISSION_DENIED, 'x509')
    await until(() => source.identity === undefined)
    server.end(status.UNIMPLEMENTED, 'jwt')
    await until(() => problems.has('workload_api:jwt'))
    await settle(
      clock,
      until(() => source.identity !== undefined),
    )
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(0)
  })

  test('says at once that the agent has no identity, and why there is no SVID when the time is over', async () => {
    server.refuse(status.PERMISSION_DENIED)
    const { clock, source, problems } = follow()
    const started = source.start()
    await until(() => problems.get('workload_api:x509')?.details.status === 'PERMISSION_DENIED')
    await expect(settle(clock, started, 1_000)).rejects.toMatchObject({
      code: 'WORKLOAD_API_UNAVAILABLE',
      details: { status: 'PERMISSION_DENIED' },
      message: expect.stringContaining('no identity for this process'),
    })
    const impatient = follow({ patient: false })
    await expect(impatient.source.start()).rejects.toMatchObject({ details: { status: 'PERMISSION_DENIED' } })
  })

  test('starts without JWT bundles that are slow, says so, and has them when they come', async () => {
    server.set({ x509: x509Message([await svid('/stint')], [b]) })
    const { clock, source, store, problems } = follow()
    await settle(clock, source.start(), 1_000)
    expect(problems.get('workload_api:jwt')?.code).toBe('WORKLOAD_API_UNAVAILABLE')
    expect([source.identity !== undefined, source.publishable('a.test')]).toEqual([true, undefined])
    server.set({ x509: x509Message([await svid('/stint')], [b]), jwt: jwtMessage(a, b) })
    await until(() => store.get('a.test')?.jwtAuthorities.size === 1)
    expect(problems.size).toBe(0)
  })

  test('starts with an agent whose first message is slow', async () => {
    server.hold()
    const { clock, source } = follow()
    const started = source.start()
    await until(() => server.open === 2)
    await clock.advance(59_000)
    server.release()
    await started
    expect(source.identity?.spiffeId).toBe('spiffe://a.test/stint')
  })

  test('names the configured trust domains of which nothing came', async () => {
    server.set({ x509: x509Message([await svid('/stint')]), jwt: jwtMessage(b) })
    const { notes, start } = follow()
    await start()
    expect([...notes]).toEqual([
      ['workload_api:x509', ['bundle-missing:b.test']],
      ['workload_api:jwt', ['jwt-keys-missing:a.test']],
    ])
    server.set({ x509: x509Message([await svid('/stint')], [b]), jwt: jwtMessage(a, b) })
    await until(() => [...notes.values()].every((found) => found.length === 0))
  })

  test('starts as soon as the agent has an identity for it', async () => {
    server.refuse(status.PERMISSION_DENIED)
    const { clock, source, seen } = follow()
    const started = source.start()
    await until(() => seen.length === 2)
    server.refuse(undefined)
    await settle(clock, started)
    expect(source.identity).toBeDefined()
  })

  test('does not start without an SVID in time, nor when the call is refused for good', async () => {
    server.refuse(status.UNAVAILABLE)
    const late = follow()
    await expect(settle(late.clock, late.source.start(), 1_000)).rejects.toMatchObject({
      code: 'WORKLOAD_API_UNAVAILABLE',
    })
    server.refuse(status.INVALID_ARGUMENT)
    await expect(follow().source.start()).rejects.toMatchObject({
      code: 'WORKLOAD_API_UNAVAILABLE',
      details: { status: 'INVALID_ARGUMENT' },
    })
  })

  test('starts with an agent that knows no JWT bundles; tokens are then refused', async () => {
    server.set({ x509: x509Message([await svid('/stint')], [b]) })
    const { source, store, clock } = follow()
    const started = source.start()
    await until(() => server.open === 2)
    server.end(status.UNIMPLEMENTED)
    await settle(clock, started)
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(0)
  })
})

describe('a source to which the agent offers several SVIDs', () => {
  const STINT = 'spiffe://a.test/stint'
  const OTHER = 'spiffe://a.test/other'
  const both = async (now = NOW) => [
    { ...(await svid('/stint', now)), hint: 'broker' },
    { ...(await svid('/other', now)), hint: 'sidecar' },
  ]
  const offer = async (now = NOW, ...first: string[]) => {
    server.order(...first)
    server.set({ x509: x509Message(await both(now), [b]), jwt: jwtMessage(a, b) })
  }

  for (const { name, choice } of [
    { name: 'by its SPIFFE ID', choice: { spiffeId: STINT } },
    { name: 'by its hint', choice: { hint: 'broker' } },
  ]) {
    test(`takes the one that is chosen ${name}, whatever the order`, async () => {
      for (const first of [STINT, OTHER]) {
        await offer(NOW, first)
        const { source, notes, start } = follow({ svid: choice })
        await start()
        expect([source.identity?.spiffeId, notes.get('workload_api:x509')]).toEqual([STINT, []])
      }
    })
  }

  test('refuses to start without a choice, at once and with the list', async () => {
    await offer()
    await expect(follow().source.start()).rejects.toMatchObject({
      code: 'SVID_AMBIGUOUS',
      details: { offered: [`${OTHER} (hint "sidecar")`, `${STINT} (hint "broker")`] },
      message: expect.stringContaining('identity.workloadApi.spiffeId'),
    })
  })

  test('refuses a choice that is not offered, with the list', async () => {
    const { clock, source } = follow({ svid: { spiffeId: 'spiffe://a.test/third' } })
    await expect(settle(clock, source.start(), 1_000)).rejects.toMatchObject({
      code: 'SVID_NOT_OFFERED',
      details: { offered: [STINT] },
    })
  })

  test('needs no choice when only the bundles are wanted', async () => {
    await offer()
    const { store, start } = follow({ svid: 'any' })
    await start()
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(1)
  })

  test('stays who it is when another entry comes first, over rotations, and says that a restart would not', async () => {
    const { source, problems, notes, start } = follow()
    await start()
    for (const first of [OTHER, STINT, OTHER]) {
      const before = source.identity
      await offer(NOW, first)
      await until(() => source.identity !== before)
      expect([source.identity?.spiffeId, problems.size]).toEqual([STINT, 0])
      expect(notes.get('workload_api:x509')).toEqual(['svid-choice'])
    }
  })

  test('withdraws an identity that is offered no more rather than be another, and takes it up again', async () => {
    const { source, store, identities, problems, start } = follow()
    await start()
    server.set({ x509: x509Message([await svid('/other')], [b]), jwt: jwtMessage(a, b) })
    await until(() => source.identity === undefined)
    expect(problems.get('workload_api:x509')).toMatchObject({
      code: 'SVID_WITHDRAWN',
      message: expect.stringMatching(/a\.test\/stint.*offers spiffe:\/\/a\.test\/other/s),
    })
    expect([identities.at(-1), store.get('a.test')]).toEqual([undefined, undefined])
    await offer(NOW, OTHER)
    await until(() => source.identity !== undefined)
    expect([source.identity?.spiffeId, problems.size]).toEqual([STINT, 0])
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(1)
  })

  test('goes on with what it has when its own SVID in a message is over and another is not', async () => {
    const { source, problems, start } = follow()
    await start()
    const identity = source.identity
    const over = await svid('/stint', new Date(NOW.getTime() - 3 * 3_600_000))
    server.set({ x509: x509Message([over, await svid('/other')], [b]), jwt: jwtMessage(a, b) })
    await until(() => problems.has('workload_api:x509'))
    expect([source.identity, problems.get('workload_api:x509')?.code]).toEqual([identity, 'SVID_EXPIRED'])
  })
})

describe('the Workload API server of these tests', () => {
  for (const { id, value, refused } of SECURITY_HEADERS) {
    test(`${id} ${refused ? 'refuses' : 'takes'} ${value ?? 'no'} security header`, async () => {
      const client = new WorkloadApiStub(workloadApiTarget(server.address), credentials.createInsecure())
      closing.push(async () => client.close())
      const metadata = new Metadata()
      if (value) metadata.set('workload.spiffe.io', value)
      const stream = client.makeServerStreamRequest(
        '/SpiffeWorkloadAPI/FetchX509SVID',
        () => Buffer.alloc(0),
        (bytes: Buffer) => bytes.length,
        {},
        metadata,
      )
      const outcome = await new Promise((resolve) => {
        stream.on('data', resolve)
        stream.on('error', (error) => resolve('code' in error ? error.code : error))
      })
      stream.cancel()
      if (refused) expect(outcome).toBe(status.INVALID_ARGUMENT)
      else expect(outcome).toBeGreaterThan(100)
    })
  }
})
