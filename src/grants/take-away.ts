import { StintError } from '../core/errors.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { DenyEntry, Grant } from '../ledger/records.ts'
import { type EndParts, endGrant, loadOpenLeases } from './end-grant.ts'
import { describeDeny, type NewDeny, toDenyWish } from './lifecycle.ts'
import { loadPlan, undefinedIfCorrupt } from './read-grants.ts'

/** Dependencies of taking a grant away. */
export interface TakeAwayParts extends EndParts {
  readonly ledger: Pick<Ledger, 'getPlan' | 'listLeases' | 'moveGrant' | 'findDenyEntry' | 'findApproval'>
}

/** An order to take away what a grant gives, whatever state it is in. */
export interface TakeAwayOrder {
  readonly reason: 'revoked' | 'killed' | 'offboarded'
  readonly actor: 'stint' | `operator:${string}`
  readonly now: Date
  readonly note: string
  /** The hold that orders it. */
  readonly holdId?: string
  /** Its leases run out: a deny of it would cut agents that are not meant. */
  readonly runsOut?: boolean
}

/**
 * Ends an active grant, denies one that is ending already, and rejects one that awaits approval. Idempotent.
 *
 * @returns the very same record where there was nothing to do.
 * @throws {StintError} LEDGER_CONFLICT when the grant has moved since it was read.
 */
export async function takeAway(parts: TakeAwayParts, grant: Grant, order: TakeAwayOrder): Promise<Grant> {
  const { reason, now, actor, note, holdId, runsOut } = order
  const hold = holdId === undefined ? {} : { hold: holdId }
  if (grant.state === 'active') {
    const deny = runsOut ? 'never' : 'always'
    const common = { grant, reason, now, deny, actor, eventData: { note, ...hold } } as const
    return endGrant(parts, holdId === undefined ? common : { ...common, holdId })
  }
  if (grant.state === 'ending') return runsOut ? grant : denyEnding(parts, grant, order)
  return grant.state === 'awaiting_approval' ? rejectWaiting(parts, grant, order) : grant
}

/**
 * A grant that only runs out is put on the deny list. One that its completion has put there gets the place that operators have in
 * reserve: a watermark may cover it, which never reaches the sessions that its own have made.
 */
async function denyEnding(parts: TakeAwayParts, grant: Grant, order: TakeAwayOrder): Promise<Grant> {
  const { ledger, provider, hub } = parts
  const { now, reason, actor, note, holdId } = order
  const entry = await undefinedIfCorrupt(ledger.findDenyEntry(grant.id))
  if (!provider.findDenyList(grant.roleArn) || entry?.urgent) return grant
  const deny = entry ? toNewDeny(entry) : await describeOpenDeny(parts, grant, now)
  if (!deny) return grant
  const effectiveBy = (grant.effectiveBy ?? now).toISOString()
  const hold = holdId === undefined ? {} : { hold: holdId }
  const moved = await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'ending', reason, dueAt: now },
    deny: { ...toDenyWish(deny, now, reason), ...(holdId !== undefined && { holdId }) },
    events: [
      auditEvent('grant.ending', {
        at: now,
        actor,
        grantId: grant.id,
        data: { reason, effectiveBy, deny_listed: true, note, ...hold },
      }),
    ],
  })
  hub.changed(grant.id)
  return moved
}

function toNewDeny({ listKey, until, lastIssuedAt, chains, namesAgent }: DenyEntry): NewDeny {
  return { listKey, until, lastIssuedAt, outlivesLeases: chains === true, namesAgent: namesAgent === true }
}

async function describeOpenDeny(
  { ledger, provider }: TakeAwayParts,
  grant: Grant,
  now: Date,
): Promise<NewDeny | undefined> {
  // A revocation must not fail because the plan on record is damaged; an unknown one needs the longest deny.
  const plan = await undefinedIfCorrupt(loadPlan(ledger, grant))
  return describeDeny(provider, grant, await loadOpenLeases(ledger, grant, now), plan)
}

async function rejectWaiting(
  { ledger, hub }: TakeAwayParts,
  grant: Grant,
  { reason, actor, now, note, holdId }: TakeAwayOrder,
): Promise<Grant> {
  const approval = await ledger.findApproval(grant.id)
  if (!approval)
    throw new StintError('LEDGER_CORRUPT', {
      explanation: `The ledger has no approval for grant ${grant.id}, which awaits one.`,
      grantId: grant.id,
    })
  const by = reason === 'revoked' ? 'revocation' : 'hold'
  const hold = holdId === undefined ? {} : { hold: holdId }
  const data = { approvalId: approval.id, planHash: approval.planHash, by, note, ...hold } as const
  const moved = await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'rejected', dueAt: null },
    approval: { state: 'rejected', decidedBy: actor, decidedAt: now, note },
    events: [auditEvent('approval.rejected', { at: now, actor, grantId: grant.id, data })],
  })
  hub.changed(grant.id)
  return moved
}
