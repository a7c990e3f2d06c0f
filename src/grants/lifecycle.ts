import { auditEvent } from '../ledger/events.ts'
import type { DueGrant, GrantMove } from '../ledger/ledger.ts'
import type { DenyEntry, EndReason, Grant, Lease } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'

/** Times of a grant's life, in milliseconds. */
export interface LifeSettings {
  /** Length of a lease; 60,000 to 900,000. */
  readonly leaseMs: number
  /** How far before its end a lease is said to expire. */
  readonly usableMarginMs: number
  /** How long a person has to answer. */
  readonly approvalMs: number
  /** How long IAM is given to enforce what it has accepted. */
  readonly settleMs: number
}

/** What STS gives a session at the least, and what a session chained from it can reach at the most. */
const SESSION_MS = 900_000
const CHAINED_SESSION_MS = 3_600_000
/** For clocks that differ. */
const DENY_MARGIN_MS = 60_000
/**
 * From intent to session, as AWS's clock has it: the provider gives up after 10 s, retries and waiting included, and an answer
 * whose times lie up to a minute ahead of ours is taken for good, so a session whose answer was lost may lie as far ahead.
 */
const MINT_MS = 80_000
/** How soon to look again when a deny is late. */
const DENY_RECHECK_MS = 2_000

type Ending = Pick<GrantMove, 'to' | 'endLeases' | 'deny'>

/** The end of a lease that starts now: the lease length, but never past the deadline. */
export function leaseNotAfter(now: Date, deadline: Date, settings: LifeSettings): Date {
  return new Date(Math.min(now.getTime() + settings.leaseMs, deadline.getTime()))
}

/** What SDKs are told as expiration: the margin before the end, or half of a life that is too short for the margin. */
export function usableUntil(lease: Pick<Lease, 'notAfter' | 'intendedAt'>, settings: LifeSettings): Date {
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
 * @param denyTarget the policy document that shall deny it, when it shall be denied.
 * @param canChain the plan lets its session assume other roles, whose sessions may outlast it.
 */
export function endGrant(input: {
  openLeases: readonly Lease[]
  reason: EndReason
  now: Date
  denyTarget?: string | undefined
  canChain: boolean
  settings: LifeSettings
}): Ending {
  const { openLeases, reason, now, denyTarget, settings } = input
  const live = openLeases.filter((lease) => isLive(lease, now))
  // A session chained from a lease can outlast it, so a plan that can chain is denied even when its leases are over.
  const deny =
    denyTarget && (live.length > 0 || (input.canChain && openLeases.length > 0))
      ? { deny: { target: denyTarget, wantedAt: now, ...denyWindow(openLeases, input.canChain) } }
      : {}
  if (live.length === 0) return { ...endedNow(reason, now, 'expired'), ...deny }

  const boundMs = Math.max(...live.map((lease) => lease.notAfter.getTime()))
  const dueMs = denyTarget ? Math.min(boundMs, now.getTime() + settings.settleMs + DENY_RECHECK_MS) : boundMs
  return { to: { state: 'ending', reason, effectiveBy: new Date(boundMs), dueAt: new Date(dueMs) }, ...deny }
}

/** A session that may assume a role can leave behind one that outlasts it. */
export function canChain(plan: Plan): boolean {
  return plan.pairs.some((pair) => pair.action.startsWith('sts:AssumeRole'))
}

/** How long the deny of these leases is needed, and after which instant none of them was issued. */
export function denyWindow(leases: readonly Lease[], canChain: boolean): Pick<DenyEntry, 'until' | 'lastIssuedAt'> {
  // A mint whose answer is not on record may have happened at any time that a mint can take.
  const lastIssuedMs = Math.max(
    ...leases.map(({ issuedAt, intendedAt }) => issuedAt?.getTime() ?? intendedAt.getTime() + MINT_MS),
    0,
  )
  const sessionMs = canChain ? SESSION_MS + CHAINED_SESSION_MS : SESSION_MS
  return { until: new Date(lastIssuedMs + sessionMs + DENY_MARGIN_MS), lastIssuedAt: new Date(lastIssuedMs) }
}

/**
 * What is due on a grant now: the sweeper's one decision, pure.
 *
 * @param denyTarget the policy document that could deny it.
 */
export function settleDue(
  due: DueGrant,
  now: Date,
  settings: LifeSettings,
  denyTarget: string | undefined,
): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  const { grant } = due
  switch (grant.state) {
    case 'awaiting_approval':
      return settleWaiting(due, now)
    case 'active':
      return settleActive(due, now, denyTarget)
    case 'ending':
      return settleEnding(due, now, settings)
    default:
      return { to: { state: grant.state, dueAt: null }, events: [] }
  }
}

function settleWaiting({ grant, approval }: DueGrant, now: Date): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  if (approval && approval.expiresAt > now) return { to: { state: grant.state, dueAt: approval.expiresAt }, events: [] }
  return {
    to: { state: 'approval_expired', dueAt: null },
    ...(approval ? { approval: { state: 'expired', decidedAt: now } } : {}),
    events: [
      auditEvent('approval.expired', { ...eventHead(grant, now), data: approval ? { approvalId: approval.id } : {} }),
    ],
  }
}

function settleActive(
  { grant, plan, openLeases }: DueGrant,
  now: Date,
  denyTarget: string | undefined,
): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  if (grant.deadline && grant.deadline > now) return { to: { state: 'active', dueAt: grant.deadline }, events: [] }
  // No lease reaches past the deadline; only a session that was chained from one can.
  const outlived = denyTarget !== undefined && openLeases.length > 0 && canChain(plan)
  const data = { reason: 'deadline', by: 'lease_end', deny_listed: outlived } as const
  return {
    ...endedNow('deadline', now, 'expired'),
    ...(outlived ? { deny: { target: denyTarget, wantedAt: now, ...denyWindow(openLeases, true) } } : {}),
    events: [auditEvent('grant.ended', { ...eventHead(grant, now), data })],
  }
}

function settleEnding(
  due: DueGrant,
  now: Date,
  settings: LifeSettings,
): Omit<GrantMove, 'grantId' | 'expectedVersion'> {
  const { grant, deny } = due
  const reason = grant.reason ?? 'revoked'
  if (deny && isEnforced(deny, now, settings)) {
    return {
      ...endedNow(reason, now, 'denied'),
      events: [
        auditEvent('grant.ended', { ...eventHead(grant, now), data: { reason, by: 'deny_list', deny_listed: true } }),
      ],
    }
  }
  if ((grant.effectiveBy ?? now) <= now) {
    const data = { reason, by: 'lease_end', deny_listed: deny !== undefined } as const
    return {
      ...endedNow(reason, now, 'expired'),
      events: [auditEvent('grant.ended', { ...eventHead(grant, now), data })],
    }
  }
  const boundMs = (grant.effectiveBy ?? now).getTime()
  const nextMs = deny?.writtenAt ? deny.writtenAt.getTime() + settings.settleMs : now.getTime() + DENY_RECHECK_MS
  return { to: { state: 'ending', reason, dueAt: new Date(deny ? Math.min(boundMs, nextMs) : boundMs) }, events: [] }
}

/** IAM has accepted the deny and has had the time that it is given to enforce it. */
function isEnforced(deny: DenyEntry, now: Date, settings: LifeSettings): boolean {
  if (deny.enforcedAt) return true
  return deny.writtenAt !== undefined && deny.writtenAt.getTime() + settings.settleMs <= now.getTime()
}

function endedNow(reason: EndReason, now: Date, end: 'expired' | 'denied'): Ending {
  return { to: { state: 'ended', reason, endedAt: now, dueAt: null }, endLeases: { end, endedAt: now } }
}

function eventHead(grant: Grant, at: Date) {
  return { at, actor: 'stint', grantId: grant.id } as const
}
