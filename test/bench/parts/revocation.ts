import { systemClock } from '../../../src/core/clock.ts'
import { idBody } from '../../../src/core/ids.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../../src/credentials/aws-sts/provider.ts'
import type { CallerIdentity } from '../../../src/identity/caller-identity.ts'
import { readDenies } from '../../support/deny-evaluator.ts'
import { ROLE } from '../../support/fake-provider.ts'
import { caller, OSCAR, openHarness, task, WRITE } from '../../support/grant-harness.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { StsServer } from '../../support/sts-server.ts'
import type { BenchRun } from '../bench-run.ts'
import type { Scale } from '../scale.ts'
import { percentile } from '../statistics.ts'

const POLICY = 'arn:aws:iam::123456789012:policy/stint-boundary'
const KEY = `boundary:${POLICY}`
/** Grants of an agent that completes one now and then, as most do: the sessions of the others must not be cut. */
const BYSTANDER_GRANTS = 20
/** One or two of them have to be denied at a time: within its share, however many agents there are. */
const COMPLETES_EVERY_SECONDS = 200
/** As SDKs do, before the five minutes of a lease are over. */
const RENEW_EVERY_SECONDS = 240
/** An agent's default limits. */
const DEFAULT_LIMITS = { callsPerSecond: 20, burst: 40, concurrent: 16 }
const DEFAULT_PER_SECOND = 20
const DEFAULT_OPEN_GRANTS = 1_000

/** How much each run does. The flood runs on a clock of its own, one pass of the writer a second. */
const RUNS: Readonly<
  Record<Scale['name'], { seconds: number; rates: readonly number[]; rateSeconds: number; revocations: number }>
> = {
  full: { seconds: 600, rates: [20, 50, 100], rateSeconds: 60, revocations: 200 },
  quick: { seconds: 90, rates: [20, 50], rateSeconds: 20, revocations: 40 },
  smoke: { seconds: 12, rates: [20], rateSeconds: 3, revocations: 3 },
}

/** What completions of some agents cost others, and how soon a deny is written. */
export interface Revocation {
  /** One agent at its default limits, all of its completions denied at once. */
  readonly flood: Flood
  /** A hundred agents together, at the highest rate that was tried without harm to others. */
  readonly completionsPerMinute: number
  readonly deniedP50Ms: number
  readonly deniedP99Ms: number
  /** Of a look at a document that is as it was left. */
  readonly lookMs: number
  readonly lookCalls: number
}

interface Flood {
  readonly completions: number
  readonly seconds: number
  /** Sessions of an agent that completes little, which the document denied at some time though they are of live grants. */
  readonly collateralSessions: number
  readonly commonWatermarks: number
}

/** Revocation through the real ledger, sweeper and provider, against a stand-in for STS and IAM. */
export async function measureRevocation({ scale, say }: Pick<BenchRun, 'scale' | 'say'>): Promise<Revocation> {
  const { seconds, rates, rateSeconds, revocations } = RUNS[scale.name]
  say(`one agent, ${DEFAULT_PER_SECOND} completions a second for ${seconds} s`)
  const flood = await floodBy({ agents: 1, perSecond: DEFAULT_PER_SECOND, seconds, limits: DEFAULT_LIMITS })
  let completionsPerMinute = 0
  for (const perSecond of rates) {
    say(`100 agents, ${perSecond} completions a second together`)
    const found = await floodBy({ agents: 100, perSecond, seconds: rateSeconds, limits: {} })
    if (found.collateralSessions > 0) break
    completionsPerMinute = (found.completions / found.seconds) * 60
  }
  say(`${revocations} revocations beside a flood`)
  return { flood, completionsPerMinute, ...(await measureLag(revocations)), ...(await measureLook()) }
}

type Stage = Awaited<ReturnType<typeof openStage>>

async function openStage(clock: ManualClock, limits: object) {
  const server = await StsServer.start({ clock })
  server.addManagedPolicy(POLICY)
  const provider = createAwsStsProvider({
    region: 'eu-west-1',
    stsEndpoint: server.endpoint,
    iamEndpoint: server.endpoint,
    credentials: { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'secret' },
    roles: [{ arn: ROLE, revocation: { kind: 'boundary', policyArn: POLICY } }],
    callsPerSecond: 10_000,
    clock,
  })
  const h = await openHarness<AwsStsProvider>({ clock, provider, limits })
  Object.assign(h.parts.quotas, { openGrantsPerAgent: DEFAULT_OPEN_GRANTS })
  const close = async () => {
    await h.close()
    h.remove()
    provider.close()
    await server.stop()
  }
  return { server, h, clock, close }
}

async function floodBy(options: {
  agents: number
  perSecond: number
  seconds: number
  limits: object
}): Promise<Flood> {
  const stage = await openStage(new ManualClock(), options.limits)
  const { h, clock, server } = stage
  const bystander = caller({ subject: 'spiffe://example.org/bystander' })
  const live = []
  for (let n = 0; n < BYSTANDER_GRANTS; n += 1) {
    live.push((await h.request(`key-bystander-${n}`, task(WRITE, { ttlSeconds: 3_600 }), bystander)).grant.id)
    await clock.advance(500)
  }
  const collateral = new Set<string>()
  let completions = 0
  try {
    for (let second = 1; second <= options.seconds; second += 1) {
      for (let n = 0; n < options.perSecond; n += 1) {
        const who = agent(completions % options.agents)
        const { grant } = await h.request(`key-flood-${completions}`, task(WRITE), who)
        await h.grants.completeGrant(who, grant.id, '')
        completions += 1
      }
      if (second % COMPLETES_EVERY_SECONDS === 1) {
        const { grant } = await h.request(`key-bystander-done-${second}`, task(WRITE), bystander)
        await h.grants.completeGrant(bystander, grant.id, '')
      }
      await clock.advance(1_000)
      if (second % RENEW_EVERY_SECONDS === 0) for (const id of live) await h.grants.renewLease(bystander, id, h.signal)
      await h.sweeper.sweep()
      await h.sweeper.reconcile()
      for (const name of cutSessions(stage, new Set(live.map(idBody)))) collateral.add(name)
      server.requests.length = 0
    }
    const events = await h.events()
    const commonWatermarks = events.filter((type) => type === 'common_watermark.set').length
    return { completions, seconds: options.seconds, collateralSessions: collateral.size, commonWatermarks }
  } finally {
    await stage.close()
  }
}

function agent(n: number): CallerIdentity {
  return caller({ subject: `spiffe://example.org/busy/${n}` })
}

/** Sessions of these grants whose leases last still and which the document denies. */
function cutSessions({ server, clock }: Stage, grants: ReadonlySet<string>): string[] {
  const denies = readDenies(server.managedDocument(POLICY))
  const since = clock.now().getTime() - 300_000
  return server.sessions.flatMap(({ sessionName, sourceIdentity, issuedAt }) => {
    if (!grants.has(sourceIdentity) || issuedAt.getTime() < since) return []
    return denies({ sourceIdentity, userId: `AROAEXAMPLE:${sessionName}`, issuedAt }) ? [sessionName] : []
  })
}

/** From an operator's revocation to IAM's answer on record, in real time, while an agent floods. */
async function measureLag(revocations: number): Promise<Pick<Revocation, 'deniedP50Ms' | 'deniedP99Ms'>> {
  const stage = await openStage(new RunningClock(), {})
  const { h } = stage
  const lags: number[] = []
  h.sweeper.start()
  let flooding = true
  const flood = (async () => {
    for (let n = 0; flooding; n += 1) {
      const { grant } = await h.request(`key-flood-${n}`, task(WRITE), agent(0))
      await h.grants.completeGrant(agent(0), grant.id, '')
      await systemClock.sleep(1_000 / DEFAULT_PER_SECOND)
    }
  })()
  try {
    for (let n = 0; n < revocations; n += 1) {
      const { grant } = await h.request(`key-revoked-${n}`, task(WRITE))
      const startedMs = performance.now()
      await h.operators.revokeGrant(OSCAR, grant.id, 'to measure')
      while (!(await h.ledger.findDenyEntry(grant.id))?.writtenAt) await systemClock.sleep(5)
      lags.push(performance.now() - startedMs)
      // Not in step with the writer.
      await systemClock.sleep((n * 137) % 500)
    }
  } finally {
    flooding = false
    await flood
    await h.sweeper.stop()
    await stage.close()
  }
  return { deniedP50Ms: percentile(lags, 0.5), deniedP99Ms: percentile(lags, 0.99) }
}

const LOOKS = 50

/** What it costs to find that nobody changed a document. */
async function measureLook(): Promise<Pick<Revocation, 'lookMs' | 'lookCalls'>> {
  const stage = await openStage(new ManualClock(), {})
  const { h, server, clock } = stage
  try {
    const { grant } = await h.request('key-revoked', task(WRITE, { ttlSeconds: 3_600 }))
    await h.operators.revokeGrant(OSCAR, grant.id, 'to measure')
    await h.sweeper.reconcile()
    while ((await h.ledger.findDenyEntry(grant.id)) !== undefined) {
      await clock.advance(60_000)
      await h.sweeper.reconcile()
    }
    server.requests.length = 0
    let ms = 0
    for (let n = 0; n < LOOKS; n += 1) {
      await clock.advance(60_000)
      const startedMs = performance.now()
      await h.sweeper.reconcile()
      ms += performance.now() - startedMs
    }
    const attempts = (await h.ledger.getDenyList(KEY))?.attempts
    if (attempts !== 0) throw new Error('the document could not be read')
    return { lookMs: ms / LOOKS, lookCalls: server.requests.length / LOOKS }
  } finally {
    await stage.close()
  }
}

/** A clock of tests that runs by itself. */
class RunningClock extends ManualClock {
  override now = () => systemClock.now()
  override monotonicMs = () => systemClock.monotonicMs()
  override sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(ms, signal)
}
