import type { LedgerReads } from '../ledger/ledger.ts'
import type { Grant, Lease } from '../ledger/records.ts'
import { undefinedIfCorrupt } from './load-plan.ts'

/**
 * The leases of a grant that are not ended, for a grant that is about to end. If a row of them is damaged, one stand-in is
 * given instead: it may have been issued just now and lasts until the deadline, so that no lease is missed and the grant ends
 * all the same.
 */
export async function loadOpenLeases(
  ledger: Pick<LedgerReads, 'listLeases'>,
  grant: Grant,
  now: Date,
): Promise<readonly Lease[]> {
  const leases = await undefinedIfCorrupt(ledger.listLeases(grant.id))
  return leases ? leases.filter(({ state }) => state !== 'ended') : [worstLease(grant, now)]
}

function worstLease(grant: Grant, now: Date): Lease {
  return {
    id: '',
    grantId: grant.id,
    number: grant.leaseCount,
    roleArn: grant.roleArn,
    sessionName: '',
    state: 'intended',
    notAfter: grant.deadline ?? now,
    intendedAt: now,
  }
}
