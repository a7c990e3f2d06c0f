import { hasCode } from '../../../core/errors.ts'
import type { ApprovedGrant } from '../../../ledger/approvals/approver-reads.ts'
import type { LedgerReads } from '../../../ledger/ledger.ts'
import type { Grant } from '../../../ledger/records.ts'
import type { Plan } from '../../../plan/plan.ts'
import { comparePlans, type PlanDifference } from '../../../plan/plan-difference.ts'
import { pairLine } from './access-by-class.ts'
import { countWords, durationWords } from './words.ts'

/**
 * The plan compared with the last approved one of this agent and role. `none`: nobody approved one. `unreadable`: its row is
 * damaged or gone, so nothing is known of the difference.
 */
export interface LastApproved {
  readonly kind: 'none' | 'same' | 'differs' | 'unreadable'
  readonly sentence: string
  readonly grantId?: string
  readonly decidedAt?: Date
  /** `operator:<name>` of whoever decided last. */
  readonly decidedBy?: string
  /** The differences from the last approved plan, riskiest first. Only if there are any. */
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
  readonly changed?: readonly string[]
}

/** The reads that `compareWithLast` needs. */
export type LastApprovedReads = Pick<LedgerReads, 'findLastApproved' | 'getPlan'>

const UNREADABLE: LastApproved = {
  kind: 'unreadable',
  sentence: 'What was approved before cannot be read: its row in the ledger is damaged. Compare with nothing.',
}

/** Compares a plan with the last approved one. A damaged row is said, and does not keep anybody from deciding. */
export async function compareWithLast(ledger: LastApprovedReads, grant: Grant, plan: Plan): Promise<LastApproved> {
  try {
    const last = await ledger.findLastApproved(grant)
    if (!last) {
      const sentence = `Nobody has approved a grant of this agent for this role before, as far as the ledger goes back.`
      return { kind: 'none', sentence }
    }
    const before = await ledger.getPlan(last.grant.planHash)
    return before
      ? describeLast(last, grant, comparePlans(plan, before), [plan, before])
      : { ...UNREADABLE, ...facts(last) }
  } catch (error) {
    if (hasCode(error, 'LEDGER_CORRUPT')) return UNREADABLE
    throw error
  }
}

function describeLast(
  last: ApprovedGrant,
  grant: Grant,
  { added, removed, changed, sameSessionPolicy }: PlanDifference,
  [now, before]: readonly [Plan, Plan],
): LastApproved {
  const whose = last.grant.subject === grant.subject ? '' : ` of ${last.grant.subject}, of the same registration`
  const than = `the last approved plan${whose} (${last.grant.id})`
  const other = [
    ...(now.task.ttlSeconds === before.task.ttlSeconds ? [] : [timeChange(now, before)]),
    ...(now.task.change?.sha256 === before.task.change?.sha256 ? [] : ['another change']),
    ...(now.task.purpose === before.task.purpose ? [] : ['another purpose']),
  ]
  if (added.length + removed.length + changed.length === 0 && sameSessionPolicy) {
    const but = other.length > 0 ? `, with ${other.join(' and ')}` : ''
    return { kind: 'same', sentence: `The same access as ${than}${but}.`, ...facts(last) }
  }
  const counts = [
    `${countWords(added.length, 'pair')} more`,
    `${removed.length} fewer`,
    ...(changed.length > 0 ? [`${changed.length} judged otherwise`] : []),
    ...other,
  ]
  return {
    kind: 'differs',
    sentence: `Compared with ${than}: ${counts.join(', ')}.`,
    ...facts(last),
    added: added.map((pair) => `${pair.class}: ${pairLine(pair)}`),
    removed: removed.map((pair) => `${pair.class}: ${pairLine(pair)}`),
    changed: changed.map(
      ({ now, before }) => `${now.class}: ${pairLine(now)}, was ${before.class}: ${pairLine(before)}`,
    ),
  }
}

function facts({ grant, approval }: ApprovedGrant) {
  const { decidedAt, decidedBy } = approval
  return { grantId: grant.id, ...(decidedAt && { decidedAt }), ...(decidedBy && { decidedBy }) }
}

function timeChange(now: Plan, before: Plan): string {
  const words = ({ task }: Plan) => durationWords(task.ttlSeconds * 1_000)
  return `${words(now)} instead of ${words(before)}`
}
