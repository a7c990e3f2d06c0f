import type { Clock } from '../core/clock.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import type { LedgerReads } from '../ledger/ledger.ts'
import { isFinalState } from '../ledger/rules/grant-rules.ts'
import { type GrantView, requireOwnGrant, toView, type ViewParts } from './read-grants.ts'

/** A watcher looks again this often even if nobody woke it: another replica may have made the change. */
const WATCH_POLL_MS = 5_000

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
    const { woken, stop } = parts.hub.listen(grantId, caller.subject)
    try {
      const view = await toView(parts, await requireOwnGrant(parts.ledger, caller, grantId))
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

/** Wakes those who watch a grant when it may have changed. It carries no state: who wakes looks into the ledger. */
export class WatchHub {
  readonly #waiting = new Map<string, { readonly agent: string; readonly wakers: Set<() => void> }>()

  /** Wakes everybody who watches this grant. */
  changed(grantId: string): void {
    const watched = this.#waiting.get(grantId)
    if (!watched) return
    this.#waiting.delete(grantId)
    for (const wake of watched.wakers) wake()
  }

  /** Wakes every watcher, e.g. when a watermark cuts leases of many grants. */
  allChanged(): void {
    for (const grantId of [...this.#waiting.keys()]) this.changed(grantId)
  }

  /** Wakes whoever watches grants of this agent. */
  agentChanged(agent: string): void {
    for (const [grantId, watched] of [...this.#waiting]) if (watched.agent === agent) this.changed(grantId)
  }

  /**
   * Begins to listen. Call it before reading the grant, so that a change between the reading and the waiting is not lost.
   *
   * @param agent the subject of the grant.
   * @returns `woken`, which resolves at the next change, and `stop`, which lets go of the place.
   */
  listen(grantId: string, agent: string): { woken: Promise<void>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const watched = this.#waiting.get(grantId) ?? { agent, wakers: new Set() }
    watched.wakers.add(resolve)
    this.#waiting.set(grantId, watched)
    return {
      woken: promise,
      stop: () => {
        watched.wakers.delete(resolve)
        if (watched.wakers.size === 0 && this.#waiting.get(grantId) === watched) this.#waiting.delete(grantId)
        resolve()
      },
    }
  }
}
