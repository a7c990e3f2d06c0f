import type { ActionClass } from '../aws/action-classes.ts'
import type { CredentialProvider, DenyWindow, SessionNaming } from '../credentials/provider.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { DueGrant, GrantMove, NewLease } from '../ledger/ledger.ts'
import type { DenyEntry, EndReason, Grant, Lease } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'

/** The operator's settings for a grant's life; times in milliseconds. */
export interface LifeSettings {
  /** Length of a lease. */
  readonly leaseMs: number
  /** How far before its end a lease is said to expire. */
  readonly usableMarginMs: number
  /** How long a person has to answer. */
  readonly approvalMs: number
  /** The time within which the agent must collect an approved grant. */
  readonly claimMs: number
  /** How long the provider is given to enforce a deny that it has accepted. */
  readonly settleMs: number
  /** A grant with one of these classes goes on the deny list when its agent completes it; others run out. */
  readonly cutOnCompletion: readonly ActionClass[]
}

/** How soon to look again when a deny is late. */
const DENY_RECHECK_MS = 2_000

/** A provider's rules for denying leases; pure, like the decisions here that use it. */
export type DenyRules = Pick<CredentialProvider, 'findDenyList' | 'denyWindow'>

/** A deny that the ledger has not seen yet: on which policy document, and for how long. */
export interface NewDeny extends DenyWindow {
  readonly listKey: string
}

/** Reasons that an operator gives. Such a deny may use the places kept in reserve. */
const BY_OPERATORS: ReadonlySet<EndReason> = new Set(['revoked', 'killed', 'offboarded'])

type Ending = Pick<GrantMove, 'to' | 'endLeases' | 'deny'>

/** The record of a lease before it is minted; it begins now and ends with the lease length or the deadline. */
export function describeLease(
  { id, grantId, number, agent, now, deadline }: SessionNaming & { id: string; now: Date; deadline: Date },
  settings: LifeSettings,
  provider: Pick<CredentialProvider, 'nameSession' | 'mintTimeoutMs'>,
): NewLease {
  return {
    id,
    sessionName: provider.nameSession({ grantId, number, agent }),
    notAfter: computeNotAfter(now, deadline, settings),
    intendedAt: now,
    mintUntil: new Date(now.getTime() + provider.mintTimeoutMs),
  }
}

/** The end of a lease that starts now: the lease length, but never past the deadline. */
function computeNotAfter(now: Date, deadline: Date, settings: LifeSettings): Date {
  return new Date(Math.min(now.getTime() + settings.leaseMs, deadline.getTime()))
}

/** The expiration that SDKs are told: the margin before the end, or half of a life that is too short for the margin. */
export function computeUsableUntil(lease: Pick<Lease, 'notAfter' | 'intendedAt'>, settings: LifeSettings): Date {
  const lifeMs = lease.notAfter.getTime() - lease.intendedAt.getTime()
  return new Date(lease.notAfter.getTime() - Math.min(settings.usableMarginMs, Math.floor(lifeMs / 2)))
}

/** A lease that can still work at `now`, whether or not its row says so: an intended one counts as minted. */
export function isLive(lease: Lease, now: Date): boolean {
  return lease.state !== 'ended' && lease.notAfter > now
}

/**
 * How a grant stops from `active` or `ending`: at once when no lease can work any more, else by way of `ending` with
 * the instant that bounds it. `effectiveBy` is what holds without any deny: the end of the last live lease.
 *
 * @param deny the deny of the open leases, when they shall be denied.
 */
export function decideEnd(input: {
  openLeases: readonly Lease[]
  reason: EndReason
  now: Date
  deny?: NewDeny | undefined
  settings: LifeSettings
}): Ending {
  const { openLeases, reason, now, deny, settings } = input
  const live = openLeases.filter((lease) => isLive(lease, now))
  const needed = live.length > 0 || (deny?.outlivesLeases && openLeases.length > 0)
  const wanted = deny && needed ? { deny: toDenyWish(deny, now, reason) } : {}
  if (live.length === 0) return { ...toEnded(reason, now, 'expired'), ...wanted }

  const boundMs = Math.max(...live.map((lease) => lease.notAfter.getTime()))
  const dueMs = deny ? Math.min(boundMs, now.getTime() + settings.settleMs + DENY_RECHECK_MS) : boundMs
  return { to: { state: 'ending', reason, effectiveBy: new Date(boundMs), dueAt: new Date(dueMs) }, ...wanted }
}

/**
 * The deny of these leases; undefined where the role's sessions can only run out.
 *
 * @param plan of the grant; undefined stands for the plan that needs the longest deny.
 */
export function describeDeny(
  rules: DenyRules,
  { roleArn }: Pick<Grant, 'roleArn'>,
  leases: readonly Lease[],
  plan: Plan | undefined,
): NewDeny | undefined {
  const listKey = rules.findDenyList(roleArn)?.key
  return listKey === undefined ? undefined : { listKey, ...rules.denyWindow(leases, plan) }
}

/** A deny as `GrantMove` has it. */
export function toDenyWish(
  { listKey, until, lastIssuedAt, outlivesLeases, namesAgent }: NewDeny,
  now: Date,
  reason: EndReason,
): NonNullable<GrantMove['deny']> {
  return {
    listKey,
    wantedAt: now,
    until,
    lastIssuedAt,
    ...(namesAgent && { namesAgent }),
    ...(outlivesLeases && { chains: true }),
    ...(BY_OPERATORS.has(reason) && { urgent: true }),
  }
}

/**
 * Decides what is due on a grant now: the sweeper's one decision, pure.
 */
export function decideDueMove(
  due: DueGrant,
  now: Date,
  settings: LifeSettings,
  rules: DenyRules,
): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  const { grant } = due
  switch (grant.state) {
    case 'awaiting_approval':
      return decideWaiting(due, now)
    case 'active':
      return decideActive(due, now, rules)
    case 'ending':
      return decideEnding(due, now, settings)
    default:
      return { to: { state: grant.state, dueAt: null }, events: [] }
  }
}

function decideWaiting({ grant, approval }: DueGrant, now: Date): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  if (approval && approval.expiresAt > now) return { to: { state: grant.state, dueAt: approval.expiresAt }, events: [] }
  return {
    to: { state: 'approval_expired', dueAt: null },
    ...(approval ? { approval: { state: 'expired', decidedAt: now } } : {}),
    events: [
      auditEvent('approval.expired', { ...eventHead(grant, now), data: approval ? { approvalId: approval.id } : {} }),
    ],
  }
}

function decideActive(
  { grant, plan, openLeases }: DueGrant,
  now: Date,
  rules: DenyRules,
): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  const { claimBy, deadline = claimBy } = grant
  if (deadline && deadline > now) return { to: { state: 'active', dueAt: deadline }, events: [] }
  if (claimBy) {
    const data = { reason: 'claim_expired', by: 'lease_end', deny_listed: false } as const
    return {
      ...toEnded('claim_expired', now, 'expired'),
      events: [auditEvent('grant.ended', { ...eventHead(grant, now), data })],
    }
  }
  // No lease reaches past the deadline; only what was made with its credentials can.
  const deny = openLeases.length > 0 ? describeDeny(rules, grant, openLeases, plan) : undefined
  const needed = deny?.outlivesLeases === true
  const data = { reason: 'deadline', by: 'lease_end', deny_listed: needed } as const
  return {
    ...toEnded('deadline', now, 'expired'),
    ...(needed ? { deny: toDenyWish(deny, now, 'deadline') } : {}),
    events: [auditEvent('grant.ended', { ...eventHead(grant, now), data })],
  }
}

function decideEnding(
  due: DueGrant,
  now: Date,
  settings: LifeSettings,
): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  const { grant, deny } = due
  const reason = grant.reason ?? 'revoked'
  if (deny?.enforcedAt) {
    const data = { reason, by: 'deny_list', deny_listed: true, ...describeProof(deny, deny.enforcedAt) } as const
    return { ...toEnded(reason, now, 'cut'), events: [auditEvent('grant.ended', { ...eventHead(grant, now), data })] }
  }
  if ((grant.effectiveBy ?? now) <= now) {
    const data = { reason, by: 'lease_end', deny_listed: deny !== undefined } as const
    return {
      ...toEnded(reason, now, 'expired'),
      events: [auditEvent('grant.ended', { ...eventHead(grant, now), data })],
    }
  }
  const boundMs = (grant.effectiveBy ?? now).getTime()
  // A deny that comes into force makes its grant due at once; this instant is for a ledger that missed it.
  const nextMs = Math.max(now.getTime() + DENY_RECHECK_MS, (deny?.writtenAt?.getTime() ?? 0) + settings.settleMs)
  return { to: { state: 'ending', reason, dueAt: new Date(deny ? Math.min(boundMs, nextMs) : boundMs) }, events: [] }
}

/** The proof that a deny is in force, and the time from its write to the proof. */
function describeProof({ writtenAt, enforcedBy = 'settle_time' }: DenyEntry, enforcedAt: Date) {
  return writtenAt ? { enforcedBy, lagMs: Math.max(0, enforcedAt.getTime() - writtenAt.getTime()) } : {}
}

function toEnded(reason: EndReason, now: Date, end: 'expired' | 'cut'): Ending {
  return { to: { state: 'ended', reason, endedAt: now, dueAt: null }, endLeases: { end, endedAt: now } }
}

function eventHead(grant: Grant, at: Date) {
  return { at, actor: 'stint', grantId: grant.id } as const
}
