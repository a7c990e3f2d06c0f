import type { Grant } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { voidApproval } from '../approvals/void-approval.ts'
import { loadPlan, retryOnConflict, undefinedIfCorrupt } from '../read-grants.ts'
import type { PassRequest, ReevaluateParts } from './end-refused.ts'
import { isSameButWarnings } from './judge-anew.ts'

const PAGE = 200

/**
 * Voids every question whose task has come to another plan: an approval is bound to the plan that was asked about.
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
    for (const grant of page.items) voided += Number(await voidIfChanged(parts, grant))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return voided
}

async function voidIfChanged(parts: ReevaluateParts, known: Grant): Promise<boolean> {
  const { ledger, clock } = parts
  const before = await undefinedIfCorrupt(loadPlan(ledger, known))
  if (!before || !findNewPlan(parts, known, before)) return false
  return retryOnConflict(async () => {
    const grant = await ledger.getGrant(known.id)
    const approval = await undefinedIfCorrupt(ledger.findApproval(known.id))
    if (grant?.state !== 'awaiting_approval' || approval?.state !== 'pending') return false
    // Once more, right before: the rules may have changed back.
    const plan = findNewPlan(parts, grant, before)
    if (!plan) return false
    await voidApproval(parts, { grant, approval, before, plan, now: clock.now() })
    return true
  })
}

/** The plan of now, if it is another one; undefined too while there is none, which the vote finds out. */
function findNewPlan({ judge, clock }: ReevaluateParts, grant: Grant, before: Plan): Plan | undefined {
  const { subject, trustDomain, authMethod } = grant
  if (authMethod === 'broker') return undefined
  try {
    const { plan } = judge.judge({ subject, trustDomain, authMethod }, before.task, clock.now())
    return plan.hash === before.hash || isSameButWarnings(before, plan) ? undefined : plan
  } catch {
    // Whoever votes judges it again, and is told then.
    return undefined
  }
}
