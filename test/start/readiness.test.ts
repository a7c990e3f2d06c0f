import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import type { Stage } from '../../src/practice/stage/stage.ts'
import { STAGE_POLICIES } from '../../src/practice/stage/stage-rules.ts'
import { bundles } from '../../src/start/identity/bundles.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { health } from './health-client.ts'
import { ReloadRig } from './reload/reload-rig.ts'

let rig: ReloadRig
const lines: { msg: string; reasons?: { part: string; code: string }[] }[] = []
afterEach(async () => {
  await rig?.close()
  rig = undefined as never
  lines.length = 0
})

type Reasons = readonly { readonly part: string; readonly code: string }[]

/** Waits until everything that says whether the broker is ready says so. */
async function becomes(wanted: string[]) {
  const { addresses } = rig.broker
  const http = wanted.length > 0 ? 503 : 200
  const ready = http === 200
  const names = (reasons: Reasons) => reasons.map(({ part, code }) => `${part} ${code}`)
  const all = { http, status: [ready, ...wanted], probe: [ready, ...wanted], grpc: ready ? 'SERVING' : 'NOT_SERVING' }
  const look = async () => {
    const answer = await fetch(`http://${addresses.health}/ready`)
    const body = (await answer.json()) as { ready: boolean; reasons: Reasons }
    const status = await rig.status()
    return {
      http: answer.status,
      status: [status.ready, ...names(status.notReady)],
      probe: [body.ready, ...names(body.reasons)],
      grpc: await health(addresses.health, 'stint.v1.BrokerService'),
    }
  }
  await eventually(`not ready for ${wanted.join() || 'nothing'}`, async () => {
    // Kubernetes restarts a broker that is not live: nothing here is mended by that.
    expect(await health(addresses.health, '')).toBe('SERVING')
    return isDeepStrictEqual(await look(), all)
  })
}

const policyFile = ({ folder }: Stage) => join(folder, 'policies', 'practice.cedar')

for (const { name, reason, breakStage, mend } of [
  {
    name: 'a policy set that cannot be used',
    reason: 'policies POLICY_INVALID',
    breakStage: (stage: Stage) => writeFileSync(policyFile(stage), 'permit ('),
    mend: (stage: Stage) => writeFileSync(policyFile(stage), STAGE_POLICIES),
  },
  {
    name: 'no registrations',
    reason: 'registry REGISTRY_INVALID',
    breakStage: ({ folder }: Stage) => rmSync(join(folder, 'agents.yaml')),
    mend: ({ folder }: Stage) => writeFileSync(join(folder, 'agents.yaml'), 'agents: []\n'),
  },
  {
    name: 'no labels',
    reason: 'planner LABELS_INVALID',
    breakStage: ({ folder }: Stage) => rmSync(join(folder, 'labels.yaml')),
    mend: ({ folder }: Stage) => writeFileSync(join(folder, 'labels.yaml'), 'labels: []\n'),
  },
])
  test(`with ${name} at the start a broker is live and not ready until it is cured, without a restart`, async () => {
    rig = await ReloadRig.open({}, { prepare: breakStage })
    await becomes([reason])
    mend(rig.stage)
    await becomes([])
  })

test('a policy set that breaks later leaves the last good one, and the broker ready', async () => {
  rig = await ReloadRig.open()
  writeFileSync(policyFile(rig.stage), 'permit (')
  await eventually('the problem is told', async () => (await rig.problems('policy')).length > 0)
  await becomes([])
})

// AWS answers an unknown key id with InvalidClientTokenId.
test("the broker's own credentials: not ready while AWS refuses them, ready again without a call; the log says both", async () => {
  const keyId = ({ folder }: Stage) => join(folder, 'keys', 'broker.id')
  let right = ''
  const prepare = (stage: Stage) => {
    right = readFileSync(keyId(stage), 'utf8')
    writeFileSync(keyId(stage), 'AKIAIOSFODNN7EXAMPLE')
  }
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const logger = createLogger({ level: 'info', destination })
  rig = await ReloadRig.open({ aws: { credentialCheckEvery: '1s' } }, { prepare, logger })
  await becomes(['provider PROVIDER_UNAVAILABLE'])
  writeFileSync(keyId(rig.stage), right)
  await becomes([])
  const said = () => lines.filter(({ msg }) => msg === 'ready' || msg === 'not ready').map(({ msg }) => msg)
  await eventually('the log says so', () => said().join() === 'not ready,ready' || said().length > 2)
  expect(said().at(-1)).toBe('ready')
  expect(lines.find(({ msg }) => msg === 'not ready')?.reasons).toMatchObject([
    { part: expect.stringMatching('provider|credentialCheck'), code: 'PROVIDER_UNAVAILABLE' },
  ])
})

test('a wrong clock: not ready until it is right again', async () => {
  let aheadMs = 0
  const clock: Clock = {
    now: () => new Date(systemClock.now().getTime() + aheadMs),
    monotonicMs: () => systemClock.monotonicMs(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  }
  rig = await ReloadRig.open({}, { clock })
  await becomes([])
  aheadMs = 3_600_000
  await becomes(['sweeper CLOCK_UNSTABLE'])
  aheadMs = 0
  await becomes([])
})

test('a request to the health port that is neither a probe nor whole is answered or cut, and probes go on', async () => {
  rig = await ReloadRig.open()
  const { health: address } = rig.broker.addresses
  expect((await fetch(`http://${address}/other`)).status).toBe(404)
  expect(await (await fetch(`http://${address}/live`)).json()).toEqual({ live: true })
  expect((await fetch(`http://${address}/ready`, { method: 'HEAD' })).status).toBe(200)
  await expect(fetch(`http://${address}/ready`, { method: 'POST', body: 'x' })).rejects.toThrow()
  expect(await health(address, '')).toBe('SERVING')
})

// P10: another trust domain's outage is its own agents' problem; ours may be this replica's alone.
for (const { name, gone, domains, isReady } of [
  { name: 'our own source', gone: ['own.example'], domains: ['own.example', 'other.example'], isReady: false },
  { name: 'a federation endpoint', gone: ['other.example'], domains: ['own.example', 'other.example'], isReady: true },
  { name: 'the only federation endpoint', gone: ['other.example'], domains: ['other.example'], isReady: false },
])
  test(`with the bundle of ${name} away a broker is ${isReady ? 'ready' : 'not ready until it is back'}`, async () => {
    const sources = { 'own.example': { workloadApi: true }, 'other.example': { federation: { url: 'https://other' } } }
    const config = {
      identity: {
        reloadEvery: 5_000,
        domains: Object.fromEntries(Object.entries(sources).filter(([domain]) => domains.includes(domain))),
      },
    }
    const clock = new ManualClock()
    const partHealth = new PartHealth({ logger: createLogger({ level: 'silent' }), clock })
    const surroundings = { config, clock, partHealth } as unknown as Parameters<typeof bundles.start>[0]
    const { value: store, notReady, stop } = await bundles.start(surroundings)
    expect(notReady?.()).toBeUndefined()
    store.suspend(gone)
    expect(notReady?.()?.code).toBe(isReady ? undefined : 'TRUST_DOMAIN_UNAVAILABLE')
    store.apply(new Map(gone.map((domain) => [domain, undefined])))
    expect(notReady?.()).toBeUndefined()
    await stop?.()
  })
