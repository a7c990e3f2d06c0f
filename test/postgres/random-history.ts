import { asStintError } from '../../src/core/errors.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { Grant } from '../../src/ledger/records.ts'
import { sampleEvent, sampleLease, sampleOpen, samplePlan } from '../support/ledger-records.ts'
import type { TmpPostgresLedger } from './tmp-postgres-ledger.ts'

/** Agents may have this many open grants. */
export const MAX_OPEN = 12
export const AGENTS = [1, 2, 3].map((n) => `spiffe://example.org/agent/${n}`)
const LISTS = ['list-a', 'list-b', 'list-c']
/** Refusals that a rule gives to whoever decided on what another writer has changed since. */
const REFUSALS = ['LEDGER_CONFLICT', 'QUOTA_EXCEEDED', 'GRANT_NOT_ACTIVE', 'TOKEN_REPLAYED', 'GRANT_NOT_FOUND']

/** What the writers were told, together. */
export interface History {
  /** By idempotency key. */
  readonly created: Map<string, string[]>
  readonly existing: [key: string, grantId: string][]
  readonly settled: string[]
  readonly intended: string[]
  readonly pruned: Set<string>
  readonly refused: Map<string, number>
  /** What no rule says. */
  readonly faults: Error[]
  steps: number
}

export function emptyHistory(): History {
  const [created, pruned, refused] = [new Map(), new Set<string>(), new Map()]
  return { created, existing: [], settled: [], intended: [], pruned, refused, faults: [], steps: 0 }
}

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Step {
  readonly tmp: TmpPostgresLedger
  readonly ledger: Ledger
  readonly history: History
  readonly random: () => number
}

/** Does random things on a ledger, one after another, as one caller of one replica would. */
export async function writeAtRandom(
  tmp: TmpPostgresLedger,
  ledger: Ledger,
  history: History,
  plan: { seed: number; steps: number },
) {
  const random = seeded(plan.seed)
  for (let n = 0; n < plan.steps; n += 1) {
    const step = pick(random, STEPS)
    try {
      await step({ tmp, ledger, history, random })
    } catch (thrown) {
      const { code } = asStintError(thrown)
      if (REFUSALS.includes(code)) history.refused.set(code, (history.refused.get(code) ?? 0) + 1)
      else history.faults.push(new Error(`${step.name}: ${code}`, { cause: thrown }))
    }
    history.steps += 1
  }
}

async function open({ tmp, ledger, history, random }: Step): Promise<void> {
  const key = `key-${Math.floor(random() * 60)}`
  const subject = pick(random, AGENTS)
  const state = random() < 0.8 ? ('active' as const) : ('awaiting_approval' as const)
  // Few plans, which are removed and come back.
  const sharedPlan = samplePlan(`purpose ${Math.floor(random() * 4)}`)
  const input = sampleOpen(tmp.ids, tmp.clock.now(), {
    plan: sharedPlan,
    grant: { subject, idempotencyKey: key, state },
  })
  const opened = await ledger.openGrant({ ...input, maxOpen: MAX_OPEN })
  const name = `${subject} ${key}`
  if (opened.kind === 'existing') history.existing.push([name, opened.grant.id])
  else history.created.set(name, [...(history.created.get(name) ?? []), opened.grant.id])
}

async function anyGrant({ ledger, random }: Step, state?: Grant['state']): Promise<Grant | undefined> {
  const { items } = await ledger.listGrants({ ...(state && { state }) }, { limit: 30 })
  return items[Math.floor(random() * items.length)]
}

async function intend(step: Step): Promise<void> {
  const { tmp, ledger, history } = step
  const grant = await anyGrant(step, 'active')
  if (!grant) return
  const lease = sampleLease(tmp.ids, tmp.clock.now(), 60_000)
  const events = [sampleEvent(tmp.clock.now(), { type: 'lease.intended', grantId: grant.id, leaseId: lease.id })]
  await ledger.intendLease({ grantId: grant.id, grantVersion: grant.version, lease, events })
  history.intended.push(lease.id)
}

async function settle(step: Step): Promise<void> {
  const { tmp, ledger, history, random } = step
  const grant = await anyGrant(step)
  const leases = grant ? (await ledger.listLeases(grant.id)).filter(({ state }) => state === 'intended') : []
  const lease = leases[Math.floor(random() * leases.length)]
  if (!lease) return
  const at = tmp.clock.now()
  const events = [sampleEvent(at, { type: 'lease.issued', grantId: lease.grantId, leaseId: lease.id })]
  const settled = await ledger.settleLease({
    leaseId: lease.id,
    to: 'issued',
    accessKeyId: lease.id,
    issuedAt: at,
    events,
  })
  if (settled.state === 'issued') history.settled.push(lease.id)
}

async function move(step: Step): Promise<void> {
  const { tmp, ledger, random } = step
  const grant = await anyGrant(step, random() < 0.7 ? 'active' : 'ending')
  if (!grant) return
  const at = tmp.clock.now()
  const isEnding = grant.state === 'active' && random() < 0.7
  const deny = { listKey: pick(random, LISTS), wantedAt: at, until: at, lastIssuedAt: at }
  await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: isEnding
      ? { state: 'ending', reason: 'revoked', effectiveBy: at, dueAt: new Date(at.getTime() + 1_000) }
      : { state: 'ended', reason: 'revoked', endedAt: at, dueAt: null },
    ...(random() < 0.8 && { endLeases: { end: 'cut', endedAt: at } as const }),
    ...(isEnding && { deny }),
    events: [sampleEvent(at, { type: 'grant.ended', grantId: grant.id })],
  })
}

async function sweep({ tmp, ledger, random }: Step): Promise<void> {
  const now = new Date(tmp.clock.now().getTime() + (random() < 0.7 ? 2_000 : 1_000_000))
  await ledger.sweepGrants({
    now,
    limit: 1 + Math.floor(random() * 20),
    settle: ({ grant }) => ({
      to:
        grant.state === 'awaiting_approval'
          ? { state: 'approval_expired', dueAt: null }
          : { state: 'ended', reason: 'deadline', endedAt: now, dueAt: null },
      ...(grant.state !== 'awaiting_approval' && { endLeases: { end: 'expired', endedAt: now } as const }),
      events: [sampleEvent(now, { type: 'grant.ended', grantId: grant.id })],
    }),
  })
}

async function writeDeny({ tmp, ledger, random }: Step): Promise<void> {
  const now = tmp.clock.now()
  const owner = ledger.identity.replica
  const claimed = await ledger.claimDenyList({ owner, now, claimUntil: new Date(now.getTime() + 60_000) })
  if (!claimed) return
  const { key: listKey, claimVersion } = claimed.list
  const ids = claimed.entries.map(({ grantId }) => grantId)
  const kept = ids.filter(() => random() < 0.5)
  await ledger.denyWritten({
    listKey,
    claimVersion,
    grantIds: kept,
    removedGrantIds: ids.filter((id) => !kept.includes(id)),
    settledBy: now,
    wrote: { digest: 'digest', sequence: claimVersion },
    at: now,
    nextAttemptAt: now,
    events: [sampleEvent(now, { type: 'deny.written' })],
  })
  if (random() < 0.5) await ledger.denyProven({ listKey, grantIds: kept, writtenBy: now, at: now, now, events: [] })
}

async function report(step: Step): Promise<void> {
  const grant = await anyGrant(step)
  if (!grant) return
  const events = [sampleEvent(step.tmp.clock.now(), { type: 'agent.reported', grantId: grant.id })]
  await step.ledger.appendReports({ grantId: grant.id, maxReports: 3, events })
}

async function noteUnregistered({ tmp, ledger, random }: Step): Promise<void> {
  const at = tmp.clock.now()
  const subject = `spiffe://example.org/nobody/${Math.floor(random() * 12)}`
  const reason = 'AGENT_UNREGISTERED'
  const event = sampleEvent(at, { type: 'agent.refused', actor: subject })
  await ledger.noteUnregistered({ subject, trustDomain: 'example.org', authMethod: 'x509-svid', reason, at, event })
}

async function nameHeads({ tmp, ledger }: Step): Promise<void> {
  await ledger.nameHeads({ at: tmp.clock.now() })
}

async function prune({ tmp, ledger }: Step): Promise<void> {
  const later = new Date(tmp.clock.now().getTime() + 2_000_000)
  await ledger.prune({ before: later, now: later, limit: 10 })
}

const STEPS = [
  open,
  open,
  open,
  open,
  intend,
  settle,
  settle,
  move,
  move,
  sweep,
  writeDeny,
  report,
  noteUnregistered,
  nameHeads,
  prune,
]

function pick<T>(random: () => number, all: readonly T[]): T {
  return all[Math.floor(random() * all.length)] as T
}
