import { hasCode } from '../../src/core/errors.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import type { Grant } from '../../src/ledger/records.ts'
import { ROLE } from '../support/fake-provider.ts'
import { OSCAR, openHarness } from '../support/grant-harness.ts'
import { sampleLease, sampleOpen, samplePlan } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { StsServer } from '../support/sts-server.ts'

const POLICY = 'arn:aws:iam::123456789012:policy/stint-boundary'
const AGENTS = 100
const TEAM = 'killed'
/** Agents that renew at the same time. */
const RENEWING = 16
const AT_A_TIME = 500

/** One kill of many live grants, whose agents renew meanwhile. */
export interface KillFigures {
  readonly grants: number
  /** From the call until no lease can be issued any more, which is also its answer. */
  readonly noLeaseMs: number
  readonly endedMs: number
  /** From the call until every deny is in its document, without the waits of the loops (1.2 s at most). */
  readonly writtenMs: number
  /** Leases that were recorded after the kill had been answered: there must be none. */
  readonly late: number
}

/** Kills grants of a hundred agents through the real ledger, sweeper and provider, against a stand-in for STS and IAM. */
export async function measureKill(grants: number): Promise<KillFigures> {
  const clock = new ManualClock()
  const server = await StsServer.start({ clock })
  server.addManagedPolicy(POLICY)
  const provider = createAwsStsProvider({
    ...{
      region: 'eu-west-1',
      stsEndpoint: server.endpoint,
      iamEndpoint: server.endpoint,
      callsPerSecond: 10_000,
      clock,
    },
    credentials: { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'secret' },
    roles: [{ arn: ROLE, revocation: { kind: 'boundary', policyArn: POLICY } }],
  })
  const h = await openHarness<AwsStsProvider>({ clock, provider })
  try {
    const live = await openGrants(h, provider, grants)
    const renewing = renewAll(h, live)
    const beganMs = performance.now()
    const { kill } = await h.kills.kill(OSCAR, { scope: 'team', value: TEAM, why: 'measured' })
    const noLeaseMs = performance.now() - beganMs
    renewing.answered()
    await h.sweeper.runKills()
    const endedMs = performance.now() - beganMs
    do await h.sweeper.reconcile()
    while ((await h.ledger.heldDenies(kill.id)).unwritten > 0)
    const writtenMs = performance.now() - beganMs
    const late = await renewing.late
    const { all } = await h.ledger.heldDenies(kill.id)
    if (all !== grants) throw new Error(`${all} of ${grants} grants were denied`)
    return { grants, noLeaseMs, endedMs, writtenMs, late }
  } finally {
    await h.close()
    h.remove()
    provider.close()
    await server.stop()
  }
}

type Stage = Awaited<ReturnType<typeof openHarness<AwsStsProvider>>>

async function openGrants({ ledger, clock, parts }: Stage, provider: AwsStsProvider, count: number): Promise<Grant[]> {
  const plan = samplePlan()
  const live: Grant[] = []
  for (let made = 0; made < count; made += AT_A_TIME) {
    const opened = Array.from({ length: Math.min(AT_A_TIME, count - made) }, async (_, n) => {
      const now = clock.now()
      const agent = `spiffe://example.org/agent-${(made + n) % AGENTS}`
      const id = parts.ids.next('grt', now)
      const sessionName = provider.nameSession({ grantId: id, number: 1, agent })
      const lease = { ...sampleLease(parts.ids, now), sessionName }
      const grant = { id, subject: agent, team: TEAM, roleArn: ROLE }
      const opening = { ...sampleOpen(parts.ids, now, { grant, lease, plan }), events: [] }
      return (await ledger.openGrant(opening)).grant
    })
    live.push(...(await Promise.all(opened)))
  }
  return live
}

/** Renews one grant after the other, each agent its own, until the kill refuses it. */
function renewAll({ ledger, clock, parts, provider }: Stage, live: readonly Grant[]) {
  let isAnswered = false
  let late = 0
  const agents = Array.from({ length: Math.min(RENEWING, live.length) }, async (_, n) => {
    let grant = live[n] as Grant
    for (;;) {
      const wasAnswered = isAnswered
      const number = grant.leaseCount + 1
      const sessionName = provider.nameSession({ grantId: grant.id, number, agent: grant.subject })
      const lease = { ...sampleLease(parts.ids, clock.now()), sessionName }
      try {
        grant = (
          await ledger.intendLease({ grantId: grant.id, grantVersion: grant.version, lease, touches: [], events: [] })
        ).grant
        if (wasAnswered) late += 1
      } catch (error) {
        // Once it has ended its version is another one.
        if (!hasCode(error, 'KILLED') && !hasCode(error, 'LEDGER_CONFLICT')) throw error
        return
      }
    }
  })
  return {
    answered: () => {
      isAnswered = true
    },
    late: Promise.all(agents).then(() => late),
  }
}
