import type { Grant } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { type VoidQuestion, voidApproval } from '../approvals/void-approval.ts'
import { loadPlan, retryOnConflict, undefinedIfCorrupt } from '../read-grants.ts'
import type { PassRequest, ReevaluateParts } from './end-refused.ts'
import { isDoubtAlone, isSameButWarnings } from './judge-anew.ts'

const PAGE = 200

/**
 * Voids every question that nobody can approve any more: an approval is bound to the plan that was asked about, so one whose task has
 * come to another plan is over, and so is one whose plan policy denies by now.
 *
 * @returns how many; undefined if the pass has to stop
 */
export async function voidWaiting(
  parts: ReevaluateParts,
  { mayGoOn, requestedAfter }: PassRequest,
): Promise<number | undefined> {
  let voided = 0
  let cursor: string | undefined
  do {
    if (!(await mayGoOn())) return undefined
    const filter = { state: 'awaiting_approval', ...(requestedAfter && { requestedAfter }) } as const
    const page = await parts.ledger.listGrants(filter, { limit: PAGE, ...(cursor && { cursor }) })
    for (const grant of page.items) voided += Number(await voidIfOver(parts, grant))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return voided
}

async function voidIfOver(parts: ReevaluateParts, known: Grant): Promise<boolean> {
  const { ledger, clock } = parts
  const before = await undefinedIfCorrupt(loadPlan(ledger, known))
  if (!before || !findVoid(parts, known, before)) return false
  return retryOnConflict(async () => {
    const grant = await ledger.getGrant(known.id)
    const approval = await undefinedIfCorrupt(ledger.findApproval(known.id))
    if (grant?.state !== 'awaiting_approval' || approval?.state !== 'pending') return false
    // Once more, right before: the rules may have changed back.
    const found = findVoid(parts, grant, before)
    if (!found) return false
    await voidApproval(parts, { grant, approval, before, ...found, now: clock.now() })
    return true
  })
}

/** The plan of now, if it is another one or is denied; undefined too while neither is known, which the vote finds out. */
function findVoid(
  { judge, clock }: ReevaluateParts,
  grant: Grant,
  before: Plan,
): Pick<VoidQuestion, 'plan' | 'denial'> | undefined {
  const { subject, trustDomain, authMethod } = grant
  if (authMethod === 'broker') return undefined
  try {
    const { plan, decision } = judge.judge({ subject, trustDomain, authMethod }, before.task, clock.now())
    if (plan.hash !== before.hash && !isSameButWarnings(before, plan)) return { plan }
    return decision.outcome === 'deny' && !isDoubtAlone(decision) ? { plan, denial: decision } : undefined
  } catch {
    // The next vote judges the task again and reports the error.
    return undefined
  }
}
