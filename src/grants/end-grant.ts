import type { ClockGuard } from '../core/clock-guard.ts'
import { earlier } from '../core/instant.ts'
import { auditEvent, type EventData } from '../ledger/events/audit-event.ts'
import type { GrantMove, Ledger } from '../ledger/ledger.ts'
import type { EndReason, Grant, Lease } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import { type DenyRules, decideEnd, describeDeny, type LifeSettings } from './lifecycle.ts'
import { loadPlan, undefinedIfCorrupt } from './read-grants.ts'
import type { WatchHub } from './watching/watch-hub.ts'

/** Dependencies of ending a grant. */
export interface EndParts {
  readonly ledger: Pick<Ledger, 'getPlan' | 'listLeases' | 'moveGrant'>
  readonly provider: DenyRules
  readonly hub: Pick<WatchHub, 'changed'>
  readonly clockGuard: Pick<ClockGuard, 'earliestNow'>
  readonly settings: LifeSettings
}

/** An order to end a grant. */
export interface EndRequest {
  readonly grant: Grant
  /** If the caller has read it. */
  readonly plan?: Plan
  readonly reason: EndReason
  readonly now: Date
  /** `always`: deny it at once. `by_class`: deny it at once if the settings say so for a class of its plan, else let it run
   * out. `never`: let it run out. */
  readonly deny: 'always' | 'by_class' | 'never'
  readonly actor: string
  /** For the event: the words of whoever ended it, or the error or change of the rules that did. */
  readonly eventData?: Pick<EventData<'grant.ended'>, 'note' | 'code' | 'change' | 'hold'>
  /** The hold that ends it: its deny is counted as one of that hold. */
  readonly holdId?: string
}

/**
 * Ends a grant: decides from the leases on record, and writes the state, the wanted deny and the event in one unit.
 *
 * @throws {StintError} LEDGER_CONFLICT when the grant has moved since it was read.
 */
export async function endGrant(parts: EndParts, request: EndRequest): Promise<Grant> {
  const ended = await parts.ledger.moveGrant(await decideMove(parts, request))
  parts.hub.changed(ended.id)
  return ended
}

async function decideMove(
  { ledger, provider, clockGuard, settings }: EndParts,
  { grant, plan: known, reason, now: read, deny, actor, eventData, holdId }: EndRequest,
): Promise<GrantMove> {
  // P6: by a clock that is ahead, leases that still work would seem over and be left off the deny list.
  const now = earlier(read, clockGuard.earliestNow())
  const leases = await loadOpenLeases(ledger, grant, now)
  // P6: a damaged row must not keep a grant from ending. An unknown plan needs the longest deny.
  const plan = known ?? (await undefinedIfCorrupt(loadPlan(ledger, grant)))
  const isCut = deny === 'always' || (deny === 'by_class' && isCutOnCompletion(plan, settings))
  const ending = decideEnd({
    openLeases: leases,
    reason,
    now,
    deny: isCut ? describeDeny(provider, grant, leases, plan) : undefined,
    settings,
  })
  const { effectiveBy } = ending.to
  const head = { at: now, actor, grantId: grant.id }
  const common = { reason, deny_listed: ending.deny !== undefined, ...eventData }
  return {
    grantId: grant.id,
    expectedVersion: grant.version,
    ...ending,
    ...(ending.deny && holdId !== undefined && { deny: { ...ending.deny, holdId } }),
    events: [
      effectiveBy
        ? auditEvent('grant.ending', { ...head, data: { ...common, effectiveBy: effectiveBy.toISOString() } })
        : auditEvent('grant.ended', { ...head, data: { ...common, by: 'lease_end' } }),
    ],
  }
}

function isCutOnCompletion(plan: Plan | undefined, { cutOnCompletion }: LifeSettings): boolean {
  return plan?.classes.some((actionClass) => cutOnCompletion.includes(actionClass)) ?? true
}

/**
 * The leases of a grant that are not ended, for a grant that is about to end. If a row of them is damaged, one stand-in is
 * given instead: it may have been issued just now and lasts until the deadline, so that no lease is missed and the grant ends
 * all the same.
 */
export async function loadOpenLeases(
  ledger: Pick<Ledger, 'listLeases'>,
  grant: Grant,
  now: Date,
): Promise<readonly Lease[]> {
  const leases = await undefinedIfCorrupt(ledger.listLeases(grant.id))
  return leases ? leases.filter(({ state }) => state !== 'ended') : [assumeWorstLease(grant, now)]
}

function assumeWorstLease(grant: Grant, now: Date): Lease {
  return {
    id: '',
    grantId: grant.id,
    number: grant.leaseCount,
    roleArn: grant.roleArn,
    sessionName: '',
    state: 'intended',
    notAfter: grant.deadline ?? now,
    intendedAt: now,
  }
}
