import { hasCode, StintError } from '../core/errors.ts'
import { isId } from '../core/ids.ts'
import type { CredentialProvider } from '../credentials/provider.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import type { ApprovalVoid } from '../ledger/approvals/vote.ts'
import type { LedgerReads, Page, PageRequest } from '../ledger/ledger.ts'
import type { Approval, Grant, GrantState, Lease } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'

const ATTEMPTS_AT_A_WRITE = 4
/** For what takes access away: an agent that renews at several brokers at once moves its grant many times a second. */
export const ATTEMPTS_AT_A_REVOCATION = 100

/** A grant as its agent sees it. */
export interface GrantView {
  readonly grant: Grant
  /** Only while the grant awaits it. */
  readonly approval?: Approval
  /** Set if the grant is rejected since its question became void while it waited. */
  readonly voided?: ApprovalVoid
  /** Set when leases issued before this instant were cut to make room on the deny list: the agent should renew now. */
  readonly renewAfter?: Date
}

/** Sources of a view of a grant. */
export interface ViewParts {
  readonly ledger: Pick<LedgerReads, 'findApproval' | 'denyWatermark' | 'listLeases'>
  readonly provider: Pick<CredentialProvider, 'findDenyList'>
}

type ReadWatermark = (grant: Pick<Grant, 'roleArn' | 'subject'>) => Promise<Date | undefined>

/**
 * The grant with what its agent has to know besides.
 *
 * @param newest its newest lease, where the caller has it at hand.
 */
export function toView(parts: ViewParts, grant: Grant, newest?: Lease): Promise<GrantView> {
  return readView(parts, grant, createWatermarkReader(parts), newest)
}

/** As `toView`; the watermark of a deny list over an agent is read once for all of them. */
export function toViews(parts: ViewParts, grants: readonly Grant[]): Promise<GrantView[]> {
  const readWatermark = createWatermarkReader(parts)
  return Promise.all(grants.map((grant) => readView(parts, grant, readWatermark)))
}

async function readView(
  { ledger }: ViewParts,
  grant: Grant,
  readWatermark: ReadWatermark,
  newest?: Lease,
): Promise<GrantView> {
  if (grant.state === 'awaiting_approval') {
    const approval = await ledger.findApproval(grant.id)
    return approval ? { grant, approval } : { grant }
  }
  if (grant.state === 'rejected') {
    const voided = (await undefinedIfCorrupt(ledger.findApproval(grant.id)))?.voided
    return voided ? { grant, voided } : { grant }
  }
  const watermark = grant.state === 'active' ? await readWatermark(grant) : undefined
  if (!watermark) return { grant }
  const { issuedAt } = newest ?? (await ledger.listLeases(grant.id)).at(-1) ?? {}
  return issuedAt && issuedAt < watermark ? { grant, renewAfter: watermark } : { grant }
}

/** Reads from the ledger, since another replica may have written the document; each list and agent once. */
function createWatermarkReader({ ledger, provider }: ViewParts): ReadWatermark {
  const known = new Map<string, Promise<Date | undefined>>()
  return async ({ roleArn, subject }) => {
    const listKey = provider.findDenyList(roleArn)?.key
    if (listKey === undefined) return undefined
    const both = `${listKey} ${subject}`
    const watermark = known.get(both) ?? undefinedIfCorrupt(ledger.denyWatermark(listKey, subject))
    known.set(both, watermark)
    return watermark
  }
}

/** The caller's grants, newest first. @throws {StintError} REQUEST_INVALID for a page that is none */
export async function listOwnGrants(
  parts: ViewParts & { readonly ledger: Pick<LedgerReads, 'listGrants'> },
  caller: CallerIdentity,
  filter: { state?: GrantState },
  page: PageRequest,
): Promise<Page<GrantView>> {
  const { items, nextCursor } = await parts.ledger.listGrants({ ...filter, subject: caller.subject }, page)
  const views = await toViews(parts, items)
  return nextCursor ? { items: views, nextCursor } : { items: views }
}

/** A grant of this caller. One of somebody else does not exist for it. @throws {StintError} GRANT_NOT_FOUND */
export async function requireOwnGrant(
  ledger: Pick<LedgerReads, 'getGrant'>,
  caller: CallerIdentity,
  grantId: string,
): Promise<Grant> {
  const grant = isId('grt', grantId) ? await ledger.getGrant(grantId) : undefined
  if (grant?.subject === caller.subject) return grant
  throw new StintError('GRANT_NOT_FOUND', {
    explanation: `No grant of ${caller.subject} has this id; an id is grt_ and 26 characters.`,
    subject: caller.subject,
  })
}

/** The plan that a grant was opened with. @throws {StintError} LEDGER_CORRUPT when the ledger has the grant without it. */
export async function loadPlan(ledger: Pick<LedgerReads, 'getPlan'>, grant: Grant): Promise<Plan> {
  const plan = await ledger.getPlan(grant.planHash)
  if (plan) return plan
  throw new StintError('LEDGER_CORRUPT', {
    explanation: `The ledger has no plan for grant ${grant.id}; keep the file as evidence, and restore a backup.`,
    grantId: grant.id,
  })
}

/** The result of a read, or undefined if the row is damaged. */
export async function undefinedIfCorrupt<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (hasCode(error, 'LEDGER_CORRUPT')) return undefined
    throw error
  }
}

/**
 * Runs `attempt`, which reads a row and writes it by its version, again when somebody else was faster.
 *
 * @throws {StintError} LEDGER_CONFLICT when the row keeps moving.
 */
export async function retryOnConflict<T>(attempt: () => Promise<T>, attempts = ATTEMPTS_AT_A_WRITE): Promise<T> {
  for (let left = attempts; ; left -= 1) {
    try {
      return await attempt()
    } catch (error) {
      if (left <= 1 || !hasCode(error, 'LEDGER_CONFLICT')) throw error
    }
  }
}
