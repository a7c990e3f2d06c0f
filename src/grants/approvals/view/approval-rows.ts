import type { ActionClass } from '../../../aws/action-classes.ts'
import { asStintError } from '../../../core/errors.ts'
import type { LedgerReads, Page } from '../../../ledger/ledger.ts'
import type { Approval, ApprovalState, Grant } from '../../../ledger/records.ts'
import { describePair, riskiestFirst } from '../../../plan/plan-difference.ts'
import { ATTAINABLE_ASSURANCE } from '../../../policy/decision.ts'
import type { Operator } from '../../operators/operator.ts'
import { findConcerned, findObstacle } from '../voters.ts'
import { closedReason } from './deciders.ts'
import { cutEnd, cutMiddle } from './words.ts'

/** An approval with what an approver chooses by. Each text is cut for itself, so that a long one cannot hide another. */
export interface ApprovalListItem extends Approval {
  readonly ageSeconds: number
  /** 0 once it is no longer open. */
  readonly secondsLeft: number
  /** Whether the operator who asks can decide it, and if not the reason. */
  readonly canDecide: boolean
  readonly whyNot?: string
  /** Missing if the grant cannot be read. */
  readonly asks?: RowFacts
  /** Why something of the row cannot be read. The row is there all the same: what waits must not vanish. */
  readonly problem?: string
}

/** The requested access, in one line. */
export interface RowFacts {
  readonly agent: string
  readonly owner: string
  readonly team: string
  readonly roleArn: string
  /** The agent's own words. */
  readonly purpose: string
  /** The next three are missing if the plan cannot be read. */
  readonly class?: ActionClass
  /** The riskiest action, with its resource. */
  readonly access?: string
  /** Number of all pairs of an action and a resource pattern. */
  readonly pairs?: number
}

/** Where the rows come from. */
export interface RowSources {
  readonly ledger: Pick<LedgerReads, 'getGrant' | 'getPlan'>
  readonly now: Date
}

const AGENT_CHARACTERS = 100
const NAME_CHARACTERS = 60
const ACCESS_CHARACTERS = 100
const PURPOSE_CHARACTERS = 80
/** Rows that are read at a time: plans can be large, and other calls want their turn. */
const AT_A_TIME = 10

/** The rows of a page of approvals, as one operator sees them. */
export async function describeRows(
  sources: RowSources,
  operator: Operator,
  { items, nextCursor }: Page<Approval>,
): Promise<Page<ApprovalListItem>> {
  const rows: ApprovalListItem[] = []
  for (let at = 0; at < items.length; at += AT_A_TIME) {
    const some = items.slice(at, at + AT_A_TIME)
    rows.push(...(await Promise.all(some.map((approval) => describeRow(sources, operator, approval)))))
  }
  return nextCursor === undefined ? { items: rows } : { items: rows, nextCursor }
}

async function describeRow(
  { ledger, now }: RowSources,
  operator: Operator,
  approval: Approval,
): Promise<ApprovalListItem> {
  const grant = await readOrSay(() => ledger.getGrant(approval.grantId), `the grant ${approval.grantId}`)
  const plan = await readOrSay(() => ledger.getPlan(approval.planHash), `the plan ${approval.planHash}`)
  const isOpen = approval.state === 'pending' && approval.expiresAt > now
  const whyNot = explainRow(operator, approval, 'found' in grant ? grant.found : undefined, { isOpen })
  const problems = [grant, plan].flatMap((read) => ('problem' in read ? [read.problem] : []))
  const [first] = 'found' in plan ? riskiestFirst(plan.found.pairs) : []
  return {
    ...approval,
    ageSeconds: toSeconds(now.getTime() - approval.requestedAt.getTime()),
    secondsLeft: isOpen ? toSeconds(approval.expiresAt.getTime() - now.getTime()) : 0,
    canDecide: whyNot === undefined && problems.length === 0,
    ...(whyNot !== undefined && { whyNot }),
    ...('found' in grant && {
      asks: {
        ...describeGrant(grant.found),
        ...(first && { class: first.class, access: cutMiddle(describePair(first), ACCESS_CHARACTERS) }),
        ...('found' in plan && { pairs: plan.found.pairs.length }),
      },
    }),
    ...(problems.length > 0 && { problem: problems.join(' ') }),
  }
}

function describeGrant({ subject, owner, team, roleArn, purpose }: Grant): RowFacts {
  return {
    agent: cutMiddle(subject, AGENT_CHARACTERS),
    owner: cutEnd(owner, NAME_CHARACTERS),
    team: cutEnd(team, NAME_CHARACTERS),
    roleArn: cutMiddle(roleArn, AGENT_CHARACTERS),
    purpose: cutEnd(purpose, PURPOSE_CHARACTERS),
  }
}

function explainRow(
  operator: Operator,
  { state, requirements, voided }: { readonly state: ApprovalState } & Pick<Approval, 'requirements' | 'voided'>,
  grant: Grant | undefined,
  { isOpen }: { readonly isOpen: boolean },
): string | undefined {
  if (!isOpen) return closedReason({ state, ...(voided && { voided }) })
  return grant && findObstacle(operator, findConcerned(grant), requirements, ATTAINABLE_ASSURANCE)?.explanation
}

type Reading<T> = { readonly found: T } | { readonly problem: string }

/** The value that was read, or a sentence that says why the row cannot be read. Any other error is thrown. */
async function readOrSay<T>(read: () => Promise<T | undefined>, what: string): Promise<Reading<T>> {
  try {
    const found = await read()
    return found === undefined ? { problem: `The ledger does not have ${what}.` } : { found }
  } catch (error) {
    const { code } = asStintError(error)
    if (code !== 'LEDGER_CORRUPT') throw error
    return { problem: `The row of ${what} is damaged.` }
  }
}

function toSeconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1_000))
}
