import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PROFILES } from '../../src/aws/store-profile.ts'
import { StintError } from '../../src/core/errors.ts'
import { toLeaseSession } from '../../src/credentials/aws-sts/mint/lease-session.ts'
import type { DenyListContent, MintRequest } from '../../src/credentials/provider.ts'
import type { GrantAnswer } from '../../src/grants/mint-lease.ts'
import { FINAL_STATES, type GrantState } from '../../src/ledger/records.ts'
import { verifyLedger } from '../support/audit-record.ts'
import {
  caller,
  DECISIONS,
  DELETE,
  type Harness,
  OLGA,
  OSCAR,
  openHarness,
  READ,
  task,
  WRITE,
} from '../support/grant-harness.ts'

/** Every state that can be seen after a state, however much happened in between: DESIGN's picture, closed. */
const LATER: Record<GrantState, readonly GrantState[]> = {
  denied: ['denied'],
  awaiting_approval: ['awaiting_approval', 'rejected', 'withdrawn', 'approval_expired', 'active', 'ending', 'ended'],
  rejected: ['rejected'],
  withdrawn: ['withdrawn'],
  approval_expired: ['approval_expired'],
  active: ['active', 'ending', 'ended'],
  ending: ['ending', 'ended'],
  ended: ['ended'],
}
const ACCESS = { READ, WRITE, DELETE }
const SETTLE_MS = 30_000
const LEASE_MS = 300_000

interface Session {
  readonly request: MintRequest
  readonly at: Date
  /** Since when the document in the cloud has denied it without a break, while its grant was to be denied. */
  deniedSince?: number
}

/** The broker under test, the cloud as it truly is, and what was seen so far. */
class World {
  h: Harness
  readonly sessions: Session[] = []
  cloudList: DenyListContent = { grants: [] }
  mintMode: 'works' | 'refuses' | 'fails' | 'loses the answer' | 'hangs after the mint' = 'works'
  writeMode: 'works' | 'fails' | 'loses the answer' = 'works'
  readonly seen = new Map<string, GrantState>()
  readonly keys = new Map<string, string>()
  ids: string[] = []

  constructor(h: Harness) {
    this.h = h
    this.#rig()
  }

  /** A new process on the same file; nothing of the old one is finished. */
  async restart(): Promise<void> {
    const { folder, clock, provider, rules } = this.h
    await this.h.close()
    this.h = await openHarness({ folder, clock, provider })
    Object.assign(this.h.rules, rules)
    await clock.advance(1)
    await this.h.sweeper.recover()
  }

  /** Credentials that reached the agent are on record, under the one grant of their key. */
  async answered(key: string, answer: GrantAnswer): Promise<void> {
    const known = this.keys.get(key) ?? answer.grant.id
    expect(answer.grant.id, 'P3: a key has one grant').toBe(known)
    this.keys.set(key, known)
    if (!answer.lease) return
    const lease = (await this.h.ledger.listLeases(known)).at(-1)
    expect(lease, 'P1: the lease is on record').toMatchObject({
      state: 'issued',
      accessKeyId: answer.lease.credentials.accessKeyId,
    })
  }

  #rig(): void {
    const { provider, clock } = this.h
    provider.beforeMint = (request) => {
      if (this.mintMode === 'refuses') throw new StintError('PROVIDER_REFUSED', { outcome: 'not_minted' })
      if (this.mintMode === 'fails') throw new StintError('PROVIDER_THROTTLED', { outcome: 'not_minted' })
      this.sessions.push({ request, at: clock.now() })
      if (this.mintMode === 'loses the answer') throw new Error('socket hang up')
      return this.mintMode === 'hangs after the mint' ? new Promise(() => {}) : undefined
    }
    provider.beforeWrite = (list) => {
      if (this.writeMode === 'fails') throw new StintError('PROVIDER_THROTTLED')
      this.cloudList = list
    }
    provider.afterWrite = () => {
      if (this.writeMode === 'loses the answer') throw new Error('socket hang up')
    }
  }
}

function isDenied({ request, at }: Session, { grants, watermark }: DenyListContent): boolean {
  // aws:TokenIssueTime has whole seconds.
  const issuedMs = Math.floor(at.getTime() / 1_000) * 1_000
  return grants.includes(request.grant.id) || (watermark !== undefined && issuedMs < watermark.getTime())
}

/** The instant of the session policy's own Deny. */
function policyEnd(request: MintRequest): number {
  const { sessionPolicy } = toLeaseSession(request, PROFILES.aws.policy.leaseEnd)
  const { Statement } = JSON.parse(sessionPolicy) as {
    Statement: { Effect: string; Condition?: { DateGreaterThanEquals?: Record<string, string> } }[]
  }
  const ends = Statement.filter(({ Effect }) => Effect === 'Deny').map(({ Condition }) =>
    Date.parse(Condition?.DateGreaterThanEquals?.['aws:CurrentTime'] ?? ''),
  )
  expect(ends, 'P7: one Deny with a time').toEqual([expect.any(Number)])
  return ends[0] ?? Number.NaN
}

/** What must hold after every step, whatever the step was. */
async function checkPromises(world: World): Promise<void> {
  const { h, sessions, cloudList } = world
  const nowMs = h.clock.now().getTime()
  const { items } = await h.ledger.listGrants({}, { limit: 200 })
  world.ids = items.map(({ id }) => id)
  for (const grant of items) {
    const before = world.seen.get(grant.id)
    if (before) expect(LATER[before], `${grant.id} was ${before}`).toContain(grant.state)
    world.seen.set(grant.id, grant.state)

    const leases = await h.ledger.listLeases(grant.id)
    for (const { notAfter, intendedAt, number } of leases) {
      const bound = Math.min(grant.deadline?.getTime() ?? 0, intendedAt.getTime() + LEASE_MS)
      expect(notAfter.getTime(), `P7: lease ${number} of ${grant.id}`).toBeLessThanOrEqual(bound)
    }
    const deny = await h.ledger.findDenyEntry(grant.id)
    for (const session of sessions) {
      if (session.request.grant.id !== grant.id) continue
      const lease = leases.find(({ sessionName }) => sessionName === session.request.lease.sessionName)
      expect(lease, `P2: session ${session.request.lease.sessionName}`).toBeDefined()
      expect(policyEnd(session.request), 'P7').toBeLessThanOrEqual(lease?.notAfter.getTime() ?? 0)
      checkDenied(world, session, { nowMs, isEnded: grant.state === 'ended', isWanted: deny !== undefined })
    }
  }
  const orphans = sessions.filter(({ request }) => !items.some(({ id }) => id === request.grant.id))
  expect(orphans, 'P2: sessions without a grant').toEqual([])
  expect(cloudList.grants.length, 'each grant is denied once').toBe(new Set(cloudList.grants).size)
}

function checkDenied(
  { cloudList, h }: World,
  session: Session,
  { nowMs, isEnded, isWanted }: { nowMs: number; isEnded: boolean; isWanted: boolean },
): void {
  const name = `P6: session ${session.request.lease.sessionName} at ${h.clock.now().toISOString()}`
  const denied = isDenied(session, cloudList)
  if (isWanted && denied) session.deniedSince ??= nowMs
  const lives = nowMs < session.request.lease.notAfter.getTime()
  if (session.deniedSince !== undefined && lives) expect(denied, `${name} was denied and is free again`).toBe(true)
  if (!isEnded || session.request.lease.notAfter.getTime() <= nowMs) return
  expect(denied, `${name} works, and its grant is called ended`).toBe(true)
  expect(nowMs - (session.deniedSince ?? nowMs), `${name}: settled`).toBeGreaterThanOrEqual(SETTLE_MS)
}

type Command = fc.AsyncCommand<object, World>

function command(name: string, run: (world: World) => Promise<unknown>): Command {
  return {
    check: () => true,
    toString: () => name,
    run: async (_model, world) => {
      await run(world)
      await checkPromises(world)
    },
  }
}

/** Refusals with a code are answers like others; anything else is a bug. */
async function asked(world: World, key: string, call: Promise<GrantAnswer>): Promise<void> {
  const { decision, registered } = world.h.rules
  const minted = world.sessions.length
  try {
    const answer = await call
    await world.answered(key, answer)
    if (answer.lease)
      expect({ outcome: decision.outcome !== 'deny', registered }, 'P5').toEqual({ outcome: true, registered: true })
  } catch (error) {
    if (!(error instanceof StintError) || error.code === 'INTERNAL') {
      if (world.mintMode !== 'loses the answer') throw error
    }
  }
  if (decision.outcome === 'deny' || !registered) expect(world.sessions.length, 'P5: nothing is minted').toBe(minted)
}

const keyOf = (n: number) => `key-0000000${n}`
const pick = (world: World, n: number) => world.ids[n % Math.max(1, world.ids.length)]

const request = fc
  .record({ n: fc.nat(5), kind: fc.constantFrom('READ', 'WRITE', 'DELETE' as const) })
  .map(({ n, kind }) =>
    command(`request(${n}, ${kind})`, (world) => {
      const access = ACCESS[kind as keyof typeof ACCESS]
      return asked(world, keyOf(n), world.h.request(keyOf(n), task(access, { ttlSeconds: n % 2 === 0 ? 1_800 : 400 })))
    }),
  )

const onGrant = fc
  .record({ n: fc.nat(9), what: fc.constantFrom('renew', 'complete', 'revoke', 'approve', 'reject' as const) })
  .map(({ n, what }) =>
    command(`${what}(${n})`, async (world) => {
      const id = pick(world, n)
      if (id === undefined) return
      const { grants, operators, ledger, signal } = world.h
      const grant = await ledger.getGrant(id)
      const key = grant?.idempotencyKey ?? ''
      if (what === 'renew') return asked(world, key, grants.renewLease(caller(), id, signal))
      if (what === 'complete') return grants.completeGrant(caller(), id, '').catch(unlessRefused)
      if (what === 'revoke') return operators.revokeGrant(OSCAR, id, 'stop it').catch(unlessRefused)
      const approval = await ledger.findApproval(id)
      const answer = { verdict: what, planHash: grant?.planHash ?? '', note: '' } as const
      return operators.decideApproval(OLGA, approval?.id ?? 'apr_', answer as never).catch(unlessRefused)
    }),
  )

const rules = fc
  .record({ outcome: fc.constantFrom('permit', 'permit', 'approval', 'deny' as const), registered: fc.nat(5) })
  .map(({ outcome, registered }) =>
    command(`rules(${outcome}, ${registered > 0})`, async ({ h }) => {
      h.rules.decision = DECISIONS[outcome as keyof typeof DECISIONS]
      h.rules.registered = registered > 0
    }),
  )

const weather = fc
  .record({
    mint: fc.constantFrom('works', 'works', 'refuses', 'fails', 'loses the answer' as const),
    write: fc.constantFrom('works', 'works', 'fails', 'loses the answer' as const),
  })
  .map(({ mint, write }) =>
    command(`STS ${mint}, IAM ${write}`, async (world) => {
      world.mintMode = mint as World['mintMode']
      world.writeMode = write as World['writeMode']
    }),
  )

const time = fc
  .constantFrom(500, 5_000, 31_000, 61_000, 299_999, 600_000, 960_000)
  .map((ms) => command(`advance(${ms})`, ({ h }) => h.clock.advance(ms)))
const sweep = fc.constant(command('sweep', ({ h }) => h.sweeper.sweep()))
const reconcile = fc.constant(command('reconcile', ({ h }) => h.sweeper.reconcile()))
const restart = fc.constant(command('restart', (world) => world.restart()))
const crash = fc.nat(5).map((n) =>
  command(`crash in the mint of request(${n})`, async (world) => {
    const before = world.mintMode
    world.mintMode = 'hangs after the mint'
    const minted = world.sessions.length
    const hung = world.h.request(keyOf(n), task(READ, { ttlSeconds: n % 2 === 0 ? 1_800 : 400 }))
    const refused = hung.then(
      () => true,
      () => true,
    )
    // Either STS has minted and does not answer, or the call was refused before.
    for (let turn = 0; world.sessions.length === minted && turn < 500; turn += 1) {
      const over = await Promise.race([refused, new Promise((resolve) => setImmediate(() => resolve(false)))])
      if (over) break
    }
    world.mintMode = before
    await world.restart()
  }),
)

function unlessRefused(error: unknown): void {
  if (!(error instanceof StintError) || error.code === 'INTERNAL') throw error
}

/** From any state: once the world is well, everything ends, and the cloud's document is empty again. */
async function checkEnd(world: World): Promise<void> {
  world.mintMode = 'works'
  world.writeMode = 'works'
  for (let step = 0; step < 30; step += 1) {
    await world.h.sweeper.reconcile()
    await world.h.sweeper.sweep()
    await world.h.clock.advance(step < 20 ? 61_000 : 600_000)
    await checkPromises(world)
  }
  await world.h.sweeper.reconcile()
  for (const state of world.seen.values()) expect(FINAL_STATES).toContain(state)
  expect(world.cloudList, 'nothing is denied for ever').toEqual({ grants: [] })
  expect((await verifyLedger(world.h.ledger)).problem, 'P9').toBeUndefined()
}

test('P1 P2 P3 P5 P6 P7 P9: whatever is asked, fails, ends or crashes in whatever order, the promises hold', {
  timeout: 180_000,
}, async () => {
  const steps = fc.commands(
    [request, request, onGrant, onGrant, onGrant, rules, weather, time, time, sweep, reconcile, restart, crash],
    {
      maxCommands: 60,
      size: 'max',
    },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const world = new World(await openHarness())
      world.h.provider.capacity = 1
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands)
        await checkEnd(world)
      } finally {
        await world.h.close()
        world.h.remove()
      }
    }),
    { numRuns: 60, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false },
  )
})
