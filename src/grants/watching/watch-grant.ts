import type { Clock } from '../../core/clock.ts'
import type { CallerIdentity } from '../../identity/caller-identity.ts'
import type { LedgerReads } from '../../ledger/ledger.ts'
import { isFinalState } from '../../ledger/rules/grant-rules.ts'
import { type GrantView, requireOwnGrant, toView, type ViewParts } from '../read-grants.ts'
import type { WatchHub } from './watch-hub.ts'

/** A watcher looks again this often even if nobody woke it. */
const WATCH_POLL_MS = 30_000

/** Dependencies of watching. */
export interface WatchParts extends ViewParts {
  readonly ledger: ViewParts['ledger'] & Pick<LedgerReads, 'getGrant'>
  readonly hub: WatchHub
  readonly clock: Clock
}

/** Yields the grant, then again whenever it has changed, until it is final or the signal aborts. */
export async function* watchGrant(
  parts: WatchParts,
  caller: CallerIdentity,
  grantId: string,
  signal: AbortSignal,
): AsyncGenerator<GrantView> {
  let shown: string | undefined
  while (!signal.aborted) {
    const { woken, saw, stop } = parts.hub.listen(grantId, caller.subject)
    try {
      const view = await toView(parts, await requireOwnGrant(parts.ledger, caller, grantId))
      saw(view.grant.version)
      const mark = `${view.grant.version}/${view.renewAfter?.getTime() ?? 0}`
      if (mark !== shown) yield view
      shown = mark
      if (isFinalState(view.grant.state)) return
      await waitForWakeOrPoll(parts, woken, signal)
    } finally {
      stop()
    }
  }
}

async function waitForWakeOrPoll(
  { clock }: Pick<WatchParts, 'clock'>,
  woken: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const poll = new AbortController()
  const either = AbortSignal.any([signal, poll.signal])
  const slept = clock.sleep(WATCH_POLL_MS, either).catch((error: unknown) => {
    if (!either.aborted) throw error
  })
  await Promise.race([woken, slept])
  poll.abort()
}
