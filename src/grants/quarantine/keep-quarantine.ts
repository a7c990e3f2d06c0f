import type { Clock } from '../../core/clock.ts'
import { hasCode } from '../../core/errors.ts'
import { earlier } from '../../core/instant.ts'
import type { CredentialProvider } from '../../credentials/provider.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { DenyList, Grant, GrantState, Quarantine, QuarantineOpening } from '../../ledger/records.ts'
import { isInForce, LONGEST_SESSION_MS, quarantined } from '../../ledger/rules/quarantine-rules.ts'
import { type EndParts, endGrant } from '../end-grant.ts'

/** The part of the status that shows a quarantine. */
export const QUARANTINE_COMPONENT = 'quarantine'

const PAGE = 200

/** Dependencies of keeping a ledger quarantined. */
export interface QuarantineParts extends EndParts {
  readonly ledger: Ledger
  readonly provider: Pick<CredentialProvider, 'denyReach' | 'fits'> & EndParts['provider']
  readonly clock: Clock
  readonly onProblem: (problem: { component: string; error: unknown }) => void
  readonly onWell: (component: string) => void
}

/**
 * One pass over a quarantine: every deny list that has no cut yet is made due, grants end, and approvals that wait expire, since
 * nobody knows what became of them. Whatever a crash interrupts is done by the next pass.
 */
export async function keepQuarantine(parts: QuarantineParts): Promise<void> {
  const quarantine = await parts.ledger.quarantine()
  if (!isInForce(quarantine)) {
    parts.onWell(QUARANTINE_COMPONENT)
    // A list that could not be cut before the opening is cut as soon as it can be, as long as that ends anything.
    if (quarantine?.opened && isRecent(quarantine.opened, parts.clock.now())) await wantCuts(parts, quarantine)
    return
  }
  parts.onProblem({ component: QUARANTINE_COMPONENT, error: quarantined(quarantine) })
  await wantCuts(parts, quarantine)
  const failures = [
    ...(await eachGrant(parts, 'active', (grant) => end(parts, grant))),
    ...(await eachGrant(parts, 'awaiting_approval', (grant) => expire(parts, grant))),
  ]
  if (failures.length > 0) throw failures[0]
}

function isRecent({ at }: QuarantineOpening, now: Date): boolean {
  return now.getTime() < at.getTime() + LONGEST_SESSION_MS
}

/** The lists that a quarantine has to cut: those that the configuration names, and those on record that it still has. */
export async function findListsToCut({
  ledger,
  provider,
}: Pick<QuarantineParts, 'ledger' | 'provider'>): Promise<Map<string, DenyList | undefined>> {
  const lists = new Map<string, DenyList | undefined>(provider.denyReach().lists.map((key) => [key, undefined]))
  for (const list of await ledger.listDenyLists()) {
    if (lists.has(list.key) || provider.fits(list.key, { grants: [] })) lists.set(list.key, list)
  }
  return lists
}

async function wantCuts(parts: QuarantineParts, { number }: Quarantine): Promise<void> {
  const { ledger, clock, clockGuard } = parts
  const lists = await findListsToCut(parts)
  const at = earlier(clock.now(), clockGuard.earliestNow())
  const keys = [...lists].flatMap(([key, list]) => (isWaiting(list, number, at) ? [key] : []))
  if (keys.length > 0) await ledger.dueDenyLists({ keys, at })
}

/** A list that fails keeps its own time of the next attempt. */
function isWaiting(list: DenyList | undefined, number: number, at: Date): boolean {
  if (!list) return true
  const { cut, attempts, claimedBy, nextAttemptAt } = list
  return cut?.quarantine !== number && attempts === 0 && !claimedBy && !(nextAttemptAt && nextAttemptAt <= at)
}

/** Pages from the newest on: what has moved meanwhile is on no later page. @returns what failed; it holds up no other grant */
async function eachGrant(
  { ledger }: QuarantineParts,
  state: GrantState,
  work: (grant: Grant) => Promise<unknown>,
): Promise<unknown[]> {
  const failures: unknown[] = []
  let cursor: string | undefined
  do {
    const page = await ledger.listGrants({ state }, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) })
    const ended = await Promise.allSettled(page.items.map(work))
    for (const one of ended) {
      // Somebody else has moved it: the next pass looks at it again.
      if (one.status === 'rejected' && !hasCode(one.reason, 'LEDGER_CONFLICT')) failures.push(one.reason)
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return failures
}

function end(parts: QuarantineParts, grant: Grant): Promise<Grant> {
  return endGrant(parts, { grant, reason: 'restored', now: parts.clock.now(), deny: 'always', actor: 'stint' })
}

async function expire({ ledger, clock, hub }: QuarantineParts, grant: Grant): Promise<void> {
  const at = clock.now()
  const approval = await ledger.findApproval(grant.id)
  await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'approval_expired', dueAt: null },
    ...(approval ? { approval: { state: 'expired', decidedAt: at } } : {}),
    events: [
      auditEvent('approval.expired', {
        at,
        actor: 'stint',
        grantId: grant.id,
        data: { ...(approval && { approvalId: approval.id }), because: 'restored' },
      }),
    ],
  })
  hub.changed(grant.id)
}
