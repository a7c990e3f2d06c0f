import fc from 'fast-check'
import { hasCode } from '../../src/core/errors.ts'
import type { Ids } from '../../src/core/ids.ts'
import type { Ledger, TokenUse } from '../../src/ledger/ledger.ts'
import { GRANT_STATES, type Grant } from '../../src/ledger/records.ts'
import { sampleEvent, sampleLease, sampleOpen, samplePlan } from './ledger-records.ts'
import type { ManualClock } from './manual-clock.ts'

/** What a history is done to. */
export interface HistoryPlace {
  readonly ledger: Ledger
  readonly clock: ManualClock
  readonly ids: Ids
}

type Deed = { readonly kind: string; readonly n: number; readonly m: number }

/** Deeds of every kind that a ledger records, in a random order. */
export const randomHistory: fc.Arbitrary<Deed[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'open',
      'open',
      'move',
      'move',
      'intend',
      'settle',
      'deny',
      'unregistered',
      'event',
      'closed',
      'pass',
      'quarantine',
    ),
    n: fc.nat({ max: 1_000 }),
    m: fc.nat({ max: 1_000 }),
  }),
  { minLength: 5, maxLength: 45 },
)

const AGENTS = ['spiffe://example.org/ci/deploy', 'spiffe://example.org/ci/build', 'repo:acme/shop:ref:refs/heads/main']
const LISTS = ['arn:aws:iam::123456789012:policy/stint-boundary', 'another']
const REFUSALS = [
  'LEDGER_CONFLICT',
  'TOKEN_REPLAYED',
  'QUOTA_EXCEEDED',
  'INTERNAL',
  'CANCELLED',
  'LEDGER_QUARANTINED',
  'LEDGER_NOT_QUARANTINED',
] as const

/** Does what a history says; what the ledger refuses has not happened. */
export async function relive(deeds: readonly Deed[], place: HistoryPlace): Promise<void> {
  for (const deed of deeds) {
    place.clock.advance(1 + (deed.m % 4_000))
    await doDeed(deed, place).catch((error: unknown) => {
      if (!REFUSALS.some((code) => hasCode(error, code))) throw error
    })
  }
}

async function doDeed({ kind, n, m }: Deed, { ledger, clock, ids }: HistoryPlace): Promise<void> {
  const now = clock.now()
  const { items } = await ledger.listGrants({}, { limit: 200 })
  const grant = items[n % Math.max(1, items.length)]
  if (kind === 'open') await open(ledger, ids, now, n, m)
  if (kind === 'move' && grant) await move(ledger, grant, now, m)
  if (kind === 'intend' && grant)
    await ledger.intendLease({
      grantId: grant.id,
      grantVersion: grant.version,
      lease: sampleLease(ids, now),
      events: [sampleEvent(now, { grantId: grant.id, data: { note: 'Grüße \u{1f600}' } })],
    })
  if (kind === 'settle' && grant) await settle(ledger, grant, now, m)
  if (kind === 'deny') await writeDeny(ledger, now, m)
  if (kind === 'unregistered')
    await ledger.noteUnregistered({
      subject: `spiffe://example.org/stranger/${n % 5}`,
      trustDomain: 'example.org',
      authMethod: 'x509-svid',
      reason: 'AGENT_UNREGISTERED',
      at: now,
      event: sampleEvent(now),
    })
  if (kind === 'event') await ledger.appendEvents([sampleEvent(now), sampleEvent(now, { actor: 'olga' })])
  if (kind === 'quarantine') await quarantine(ledger, now, m)
  if (kind === 'closed') await ledger.connectionClosed({ connectionId: `con_${n % 3}`, at: now })
}

async function open(ledger: Ledger, ids: Ids, now: Date, n: number, m: number): Promise<void> {
  const state = (['active', 'active', 'awaiting_approval', 'denied'] as const)[m % 4] ?? 'active'
  const token = {
    key: `token-${n % 4}`,
    until: new Date(now.getTime() + 600_000),
    reuse: n % 2 === 0 ? ('never' as const) : ('connection' as const),
    by: 'request' as const,
    connectionId: `con_${n % 3}`,
    at: now,
    caller: { subject: AGENTS[n % 3] ?? '', evidence: {} },
  } satisfies TokenUse
  await ledger.openGrant({
    ...sampleOpen(ids, now, {
      plan: samplePlan(`purpose ${m % 3}`),
      grant: { idempotencyKey: `k${n % 9}`, subject: AGENTS[n % 3] ?? '', owner: `owner-${m % 2}`, state },
    }),
    ...(m % 3 === 0 ? { token } : {}),
  })
}

async function move(ledger: Ledger, grant: Grant, now: Date, m: number): Promise<void> {
  const state = GRANT_STATES[m % GRANT_STATES.length] ?? 'ended'
  const isFinal = state !== 'active' && state !== 'awaiting_approval' && state !== 'ending'
  const later = new Date(now.getTime() + 900_000)
  await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: {
      state,
      ...(state === 'ending' || state === 'ended' ? { reason: 'revoked', effectiveBy: later } : {}),
      ...(state === 'active' ? { activeAt: now, deadline: later } : {}),
      ...(isFinal ? { endedAt: now } : {}),
      dueAt: isFinal ? null : later,
    },
    ...(m % 2 === 0 && isFinal ? { endLeases: { end: 'expired', endedAt: now } } : {}),
    ...(state === 'ending'
      ? {
          deny: {
            listKey: LISTS[m % 2] ?? '',
            wantedAt: now,
            until: later,
            lastIssuedAt: now,
            namesAgent: m % 3 === 0,
          },
        }
      : {}),
    ...(grant.state === 'awaiting_approval' && state === 'active'
      ? { approval: { state: 'approved', decidedBy: 'olga', decidedAt: now, note: 'fine' } }
      : {}),
    events: [sampleEvent(now, { grantId: grant.id, data: { to: state } })],
  })
}

async function settle(ledger: Ledger, grant: Grant, now: Date, m: number): Promise<void> {
  const leases = await ledger.listLeases(grant.id)
  const lease = leases[m % Math.max(1, leases.length)]
  if (!lease) return
  const events = [sampleEvent(now, { grantId: grant.id, leaseId: lease.id })]
  if (m % 3 === 0) await ledger.settleLease({ leaseId: lease.id, to: 'unknown', events })
  else if (m % 3 === 1)
    await ledger.settleLease({ leaseId: lease.id, to: 'issued', accessKeyId: `ASIA${m}`, issuedAt: now, events })
  else await ledger.settleLease({ leaseId: lease.id, to: 'ended', end: 'expired', endedAt: now, events })
}

/** Seldom for long: little can happen in one. */
async function quarantine(ledger: Ledger, now: Date, m: number): Promise<void> {
  const begun = await ledger.beginQuarantine({
    quarantine: { reason: 'restored', since: now, by: 'operator:ada', found: 'backup.db' },
  })
  if (m % 5 === 0) return
  const opening = { at: now, by: 'operator:ada', note: 'done' } as const
  await ledger.openQuarantine({ number: begun.number, opening, events: [] })
}

async function writeDeny(ledger: Ledger, now: Date, m: number): Promise<void> {
  const claimUntil = new Date(now.getTime() + 30_000)
  const claimed = await ledger.claimDenyList({ owner: 'rpl_test', now, claimUntil })
  if (!claimed || m % 4 === 0) return
  const { list, entries } = claimed
  const claim = { listKey: list.key, claimVersion: list.claimVersion, at: now, events: [sampleEvent(now)] }
  if (m % 4 === 1) {
    await ledger.denyFailed({ ...claim, error: 'throttled', nextAttemptAt: claimUntil })
    return
  }
  await ledger.denyWritten({
    ...claim,
    grantIds: entries.map(({ grantId }) => grantId),
    byWatermark: entries.slice(1).map(({ grantId }) => grantId),
    agents: AGENTS.slice(0, m % 3).map((agent) => ({ agent, before: now })),
    removedGrantIds: [],
    wrote: { digest: 'ab'.repeat(32), sequence: list.claimVersion },
    ...(m % 5 === 0 ? { watermark: now } : {}),
    ...(m % 7 === 0 ? { documents: [{ key: `${list.key}#2`, attempts: 1, lastError: 'x', failingSince: now }] } : {}),
    nextAttemptAt: claimUntil,
  })
}
