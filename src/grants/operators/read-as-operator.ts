import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { CredentialProvider } from '../../credentials/provider.ts'
import { forecastSession, sizeWarnings } from '../../credentials/session-size.ts'
import type { LedgerReads } from '../../ledger/ledger.ts'
import type { Approval, AuditEvent, DenyEntry, Grant, Lease } from '../../ledger/records.ts'
import { planHash } from '../../plan/assemble-plan.ts'
import type { Plan, PlanWarning } from '../../plan/plan.ts'
import { describeTally, type TallyView } from '../approvals/describe-tally.ts'
import { type ApprovalView, type ViewSources, viewApproval } from '../approvals/view/approval-view.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'
import type { Operator } from './operator.ts'
import type { People } from './who-can-answer.ts'

/** A grant with all that the ledger has of it. */
export interface GrantDetails {
  readonly grant: Grant
  /** Undefined once retention has removed it, and for a denied grant whose plan is over 4 KiB. */
  readonly plan: Plan | undefined
  /** By number. */
  readonly leases: readonly Lease[]
  readonly approval: Approval | undefined
  readonly deny: DenyDetails | undefined
}

/** The deny of a grant; `failing` if it is wanted and cannot be written, with the first failure's time and the last error. */
export interface DenyDetails extends DenyEntry {
  readonly failing?: { readonly since: Date; readonly attempts: number; readonly error: string }
}

/** An approval with the plan that it is bound to. */
export interface ApprovalDetails {
  readonly approval: Approval
  readonly grant: Grant
  readonly plan: Plan
  /** True if the operator who asks may decide it, checked in advance as far as possible. */
  readonly eligible: boolean
  /** Number of people who could decide it now; 0 if it is no longer open. */
  readonly couldDecide: number
  /** The votes, and what is still missing. */
  readonly tally: TallyView
  /** Warnings that change with time, beside the plan's own; empty if the approval is no longer open. */
  readonly warnings: readonly PlanWarning[]
  /** All of it in the order and the words in which an approver reads it. */
  readonly view: ApprovalView
}

/** @throws {StintError} GRANT_NOT_FOUND */
export async function loadGrantDetails(
  ledger: Pick<LedgerReads, 'getGrant' | 'getPlan' | 'listLeases' | 'findApproval' | 'findDenyEntry' | 'getDenyList'>,
  grantId: string,
): Promise<GrantDetails> {
  const grant = await requireGrant(ledger, grantId)
  const [plan, leases, approval, deny] = await Promise.all([
    ledger.getPlan(grant.planHash),
    ledger.listLeases(grantId),
    ledger.findApproval(grantId),
    loadDeny(ledger, grantId),
  ])
  return { grant, plan, leases, approval, deny }
}

async function loadDeny(
  ledger: Pick<LedgerReads, 'findDenyEntry' | 'getDenyList'>,
  grantId: string,
): Promise<DenyDetails | undefined> {
  const deny = await ledger.findDenyEntry(grantId)
  if (!deny || deny.writtenAt) return deny
  const {
    failingSince,
    attempts = 0,
    lastError = '',
  } = (await undefinedIfCorrupt(ledger.getDenyList(deny.listKey))) ?? {}
  return failingSince ? { ...deny, failing: { since: failingSince, attempts, error: lastError } } : deny
}

/** The leases of a grant, by number. @throws {StintError} GRANT_NOT_FOUND */
export async function loadLeases(
  ledger: Pick<LedgerReads, 'getGrant' | 'listLeases'>,
  grantId: string,
): Promise<readonly Lease[]> {
  await requireGrant(ledger, grantId)
  return ledger.listLeases(grantId)
}

/** The events of a grant in time order, and the state of its deny. */
export interface GrantTrail {
  readonly events: readonly AuditEvent[]
  /** Undefined if no deny was wanted, and after its entry has left the list. */
  readonly deny: DenyDetails | undefined
}

/** The events outlive the grant's row. @throws {StintError} GRANT_NOT_FOUND without either */
export async function loadTrail(
  ledger: Pick<LedgerReads, 'getGrant' | 'trail' | 'findDenyEntry' | 'getDenyList'>,
  grantId: string,
): Promise<GrantTrail> {
  const events = await ledger.trail(grantId)
  if (events.length === 0) await requireGrant(ledger, grantId)
  // A damaged row of the grant or of its deny must not hide the events.
  return { events, deny: await undefinedIfCorrupt(loadDeny(ledger, grantId)) }
}

/** @throws {StintError} APPROVAL_NOT_FOUND */
export async function loadApprovalDetails(
  {
    ledger,
    clock,
    people,
    provider,
    registrations,
  }: {
    ledger: Pick<LedgerReads, 'getApproval' | 'getGrant'> & ViewSources['ledger']
    clock: Pick<Clock, 'now'>
    people: People
    provider: Pick<CredentialProvider, 'forecastSize'>
    registrations: ViewSources['registrations']
  },
  operator: Operator,
  approvalId: string,
): Promise<ApprovalDetails> {
  const approval = await ledger.getApproval(approvalId)
  const grant = approval && (await ledger.getGrant(approval.grantId))
  const plan = approval && (await ledger.getPlan(approval.planHash))
  if (!approval || !grant || !plan) {
    throw new StintError('APPROVAL_NOT_FOUND', { explanation: `There is no approval ${approvalId}.`, approvalId })
  }
  checkUntouched(plan)
  const now = clock.now()
  const current = people.current(now)
  const { state, expiresAt } = approval
  const { roleArn, subject, owner, team } = grant
  const open = state === 'pending' && grant.state === 'awaiting_approval' && expiresAt > now
  const warnings = open ? sizeWarnings(forecastSession(provider, { roleArn, subject, owner, team, plan })) : []
  const question = { approval, grant, plan, open, warnings, now }
  const tally = describeTally({ approval, grant, people: current, now }, operator)
  return {
    approval,
    grant,
    plan,
    eligible: tally.you.approve.allowed,
    couldDecide: tally.couldDecide,
    tally,
    warnings,
    view: await viewApproval({ ledger, registrations }, question, operator, current),
  }
}

/** A yes counts for the hash, so nobody may be shown a plan that does not have it. @throws {StintError} LEDGER_CORRUPT */
function checkUntouched(plan: Plan): void {
  if (planHash(plan) === plan.hash) return
  const explanation = `The plan ${plan.hash} was changed in the ledger: it does not have this hash any more. Reject it, and find out who wrote to the ledger.`
  throw new StintError('LEDGER_CORRUPT', { explanation, row: 'plan', id: plan.hash })
}

async function requireGrant(ledger: Pick<LedgerReads, 'getGrant'>, grantId: string): Promise<Grant> {
  const grant = await ledger.getGrant(grantId)
  if (grant) return grant
  throw new StintError('GRANT_NOT_FOUND', { explanation: `There is no grant ${grantId}.`, grantId })
}
