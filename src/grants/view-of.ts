import { StintError } from '../core/errors.ts'
import { isId } from '../core/ids.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import type { Grant } from '../ledger/records.ts'
import type { GrantView } from './grant-view.ts'
import type { GrantParts } from './parts.ts'

type Readers = Pick<GrantParts, 'ledger' | 'watermarks'>

/** The grant with what its agent has to know besides. */
export async function viewOf({ ledger, watermarks }: Readers, grant: Grant): Promise<GrantView> {
  if (grant.state === 'awaiting_approval') {
    const approval = await ledger.approvalOf(grant.id)
    return approval ? { grant, approval } : { grant }
  }
  if (grant.state !== 'active' || !watermarks.over(grant)) return { grant }
  const leases = await ledger.listLeases(grant.id)
  const renewAfter = watermarks.cutting(grant, leases.at(-1))
  return renewAfter ? { grant, renewAfter } : { grant }
}

/** A grant of this caller. One of somebody else does not exist for it. @throws {StintError} GRANT_NOT_FOUND */
export async function ownGrant(
  { ledger }: Pick<GrantParts, 'ledger'>,
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
