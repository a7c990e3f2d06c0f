import { StintError } from '../core/errors.ts'
import { isId } from '../core/ids.ts'
import type { CredentialProvider } from '../credentials/provider.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import type { LedgerReads } from '../ledger/ledger.ts'
import type { Grant, Lease } from '../ledger/records.ts'
import type { GrantView } from './grant-view.ts'
import { undefinedIfCorrupt } from './load-plan.ts'

/** What a view of a grant is read from. */
export interface ViewParts {
  readonly ledger: Pick<LedgerReads, 'approvalOf' | 'getDenyTarget' | 'getGrant' | 'listLeases'>
  readonly provider: Pick<CredentialProvider, 'revocationTarget'>
}

type ReadWatermark = (roleArn: string) => Promise<Date | undefined>

/**
 * The grant with what its agent has to know besides.
 *
 * @param newest its newest lease, where the caller has it at hand.
 */
export function toView(parts: ViewParts, grant: Grant, newest?: Lease): Promise<GrantView> {
  return readView(parts, grant, watermarkReader(parts), newest)
}

/** As `toView`; the watermark of each deny target is read once for all of them. */
export function toViews(parts: ViewParts, grants: readonly Grant[]): Promise<GrantView[]> {
  const readWatermark = watermarkReader(parts)
  return Promise.all(grants.map((grant) => readView(parts, grant, readWatermark)))
}

async function readView(
  { ledger }: ViewParts,
  grant: Grant,
  readWatermark: ReadWatermark,
  newest?: Lease,
): Promise<GrantView> {
  if (grant.state === 'awaiting_approval') {
    const approval = await ledger.approvalOf(grant.id)
    return approval ? { grant, approval } : { grant }
  }
  const watermark = grant.state === 'active' ? await readWatermark(grant.roleArn) : undefined
  if (!watermark) return { grant }
  const { issuedAt } = newest ?? (await ledger.listLeases(grant.id)).at(-1) ?? {}
  return issuedAt && issuedAt < watermark ? { grant, renewAfter: watermark } : { grant }
}

/** Reads from the ledger, since another replica may have written the document; each target once. */
function watermarkReader({ ledger, provider }: ViewParts): ReadWatermark {
  const known = new Map<string, Promise<Date | undefined>>()
  const read = async (target: string) => (await undefinedIfCorrupt(ledger.getDenyTarget(target)))?.watermark
  return async (roleArn) => {
    const target = provider.revocationTarget(roleArn)?.key
    if (target === undefined) return undefined
    const watermark = known.get(target) ?? read(target)
    known.set(target, watermark)
    return watermark
  }
}

/** A grant of this caller. One of somebody else does not exist for it. @throws {StintError} GRANT_NOT_FOUND */
export async function requireOwnGrant(
  { ledger }: { readonly ledger: Pick<LedgerReads, 'getGrant'> },
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
