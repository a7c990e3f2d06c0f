import type { Clock } from '../core/clock.ts'
import { failpoint } from '../core/process/failpoint.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Grant } from '../ledger/records.ts'
import { type EndParts, endGrant } from './end-grant.ts'
import { type GrantView, requireOwnGrant, retryOnConflict, toView, undefinedIfCorrupt } from './read-grants.ts'

/** Dependencies of completing a grant. */
export interface CompleteParts extends EndParts {
  readonly ledger: Ledger
  readonly clock: Clock
}

/**
 * The agent says that its task is over. An active grant ends; one that still waits is withdrawn, so that nobody is
 * asked any more; any other stays as it is, so that a repeat is harmless. Of a withdrawal and an approval at once the one that is
 * on record first holds: after the approval, the grant ends.
 */
export async function completeGrant(
  parts: CompleteParts,
  caller: CallerIdentity,
  grantId: string,
  note: string,
): Promise<GrantView> {
  const grant = await retryOnConflict(async () => {
    const current = await requireOwnGrant(parts.ledger, caller, grantId)
    failpoint('complete.before_record')
    if (current.state === 'active') return complete(parts, caller, current, note)
    if (current.state === 'awaiting_approval') return withdraw(parts, caller, current, note)
    return current
  })
  failpoint('complete.after_record')
  return toView(parts, grant)
}

function complete(parts: CompleteParts, caller: CallerIdentity, grant: Grant, note: string): Promise<Grant> {
  return endGrant(parts, {
    grant,
    reason: 'completed',
    now: parts.clock.now(),
    deny: 'by_class',
    actor: caller.subject,
    eventData: note ? { note } : {},
  })
}

async function withdraw(
  { ledger, hub, clock }: CompleteParts,
  caller: CallerIdentity,
  grant: Grant,
  note: string,
): Promise<Grant> {
  const now = clock.now()
  // A damaged row of the approval is no reason to keep asking people.
  const approval = await undefinedIfCorrupt(ledger.findApproval(grant.id))
  const withdrawn = await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'withdrawn', dueAt: null },
    approval: { state: 'withdrawn', decidedBy: caller.subject, decidedAt: now, note: 'withdrawn by the agent' },
    events: [
      auditEvent('approval.withdrawn', {
        at: now,
        actor: caller.subject,
        grantId: grant.id,
        data: { ...(approval && { approvalId: approval.id }), ...(note && { note }) },
      }),
    ],
  })
  hub.changed(grant.id)
  return withdrawn
}
