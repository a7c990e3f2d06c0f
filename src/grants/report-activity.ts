import type { Clock } from '../core/clock.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { requireOwnGrant } from './read-grants.ts'

/** A trail is for people to read, and its agent must not be able to fill the disk with it. */
const MAX_REPORTS = 500

/** An agent's report of what it did; goes to the trail as the agent's word, not as fact. */
export interface Activity {
  readonly at: Date
  readonly action: string
  readonly resource: string
  readonly note: string
}

/**
 * Puts the agent's own account on the trail, as the agent's word.
 *
 * @throws {StintError} GRANT_NOT_ACTIVE once the grant is over, QUOTA_EXCEEDED beyond 500 reports of one grant
 */
export async function reportActivity(
  { ledger, clock }: { readonly ledger: Pick<Ledger, 'getGrant' | 'appendReports'>; readonly clock: Clock },
  caller: CallerIdentity,
  grantId: string,
  activities: readonly Activity[],
): Promise<void> {
  const grant = await requireOwnGrant(ledger, caller, grantId)
  const at = clock.now()
  const events = activities.map((activity) =>
    auditEvent('agent.reported', {
      at,
      actor: caller.subject,
      grantId: grant.id,
      data: {
        at: activity.at.toISOString(),
        action: activity.action,
        resource: activity.resource,
        note: activity.note,
      },
    }),
  )
  await ledger.appendReports({ grantId: grant.id, maxReports: MAX_REPORTS, events })
}
