import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events.ts'
import type { Page, PageRequest } from '../ledger/ledger.ts'
import type { GrantState } from '../ledger/records.ts'
import { isFinalState } from '../ledger/rules.ts'
import type { GrantView } from './grant-view.ts'
import type { GrantParts } from './parts.ts'
import type { Activity } from './services.ts'
import { requireOwnGrant, toView, toViews } from './view-of.ts'

/** A trail is for people to read, and its agent must not be able to fill the disk with it. */
const MAX_REPORTS = 500
/** A watcher looks again this often even if nobody woke it: another replica may have made the change. */
const WATCH_POLL_MS = 5_000

/** The caller's grants, newest first. @throws {StintError} REQUEST_INVALID for a page that is none */
export async function listOwnGrants(
  parts: GrantParts,
  caller: CallerIdentity,
  filter: { state?: GrantState },
  page: PageRequest,
): Promise<Page<GrantView>> {
  const { items, nextCursor } = await parts.ledger.listGrants({ ...filter, subject: caller.subject }, page)
  const views = await toViews(parts, items)
  return nextCursor ? { items: views, nextCursor } : { items: views }
}

/** Yields the grant, then again whenever it has changed, until it is final or the signal aborts. */
export async function* watchGrant(
  parts: GrantParts,
  caller: CallerIdentity,
  grantId: string,
  signal: AbortSignal,
): AsyncGenerator<GrantView> {
  let shown: string | undefined
  while (!signal.aborted) {
    const { woken, stop } = parts.hub.listen(grantId)
    try {
      const view = await toView(parts, await requireOwnGrant(parts, caller, grantId))
      const mark = `${view.grant.version}/${view.renewAfter?.getTime() ?? 0}`
      if (mark !== shown) yield view
      shown = mark
      if (isFinalState(view.grant.state)) return
      await wokenOrPoll(parts, woken, signal)
    } finally {
      stop()
    }
  }
}

async function wokenOrPoll({ clock }: GrantParts, woken: Promise<void>, signal: AbortSignal): Promise<void> {
  const poll = new AbortController()
  const either = AbortSignal.any([signal, poll.signal])
  const slept = clock.sleep(WATCH_POLL_MS, either).catch((error: unknown) => {
    if (!either.aborted) throw error
  })
  await Promise.race([woken, slept])
  poll.abort()
}

/**
 * Puts the agent's own account on the trail, as the agent's word.
 *
 * @throws {StintError} GRANT_NOT_ACTIVE once the grant is over, QUOTA_EXCEEDED beyond 500 reports of one grant
 */
export async function reportActivity(
  parts: GrantParts,
  caller: CallerIdentity,
  grantId: string,
  activities: readonly Activity[],
): Promise<void> {
  const grant = await requireOwnGrant(parts, caller, grantId)
  const at = parts.clock.now()
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
  await parts.ledger.appendReports({ grantId: grant.id, maxReports: MAX_REPORTS, events })
}
