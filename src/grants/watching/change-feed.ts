import type { Clock } from '../../core/clock.ts'
import type { LedgerSharing } from '../../ledger/sharing.ts'
import type { WatchHub } from './watch-hub.ts'

/** Between two looks at everything that is watched, where other replicas cannot tell of their changes. */
const LOOK_MS = 500
/** The same where they can: only what was lost on the way is found by looking. */
const SELDOM_LOOK_MS = 2_000
/** After a look that somebody asked for; so a flood of notifications costs a bounded number of looks. */
const PAUSE_MS = 50
const PAUSE_AFTER_ALL_MS = 250
/** A look at very many grants takes longer; then looks are rarer, so that they take at most this share of the time. */
const LOOKING_SHARE = 1 / 20
/** The same for looks that somebody asked for. */
const TOLD_SHARE = 1 / 3

/** Dependencies of the feed, and callbacks for its state. */
export interface ChangeFeedDeps {
  readonly hub: WatchHub
  readonly sharing: Pick<LedgerSharing, 'listen' | 'isListening' | 'findChanged' | 'watermarkMarks'>
  readonly clock: Clock
  readonly onProblem: (error: unknown) => void
  readonly onWell: () => void
}

/**
 * Wakes those who watch a grant here when another replica has changed it. Other replicas tell of their changes; because anybody can
 * claim that and a notification can be lost, the feed asks the ledger what has changed, and looks by itself from time to time.
 */
export class ChangeFeed {
  readonly #deps: ChangeFeedDeps
  readonly #stop = new AbortController()
  /** Grants of which another replica has told since the last look. */
  #told = new Set<string>()
  #isAllTold = false
  #wake: () => void = () => undefined
  #marks: { byAgent: ReadonlyMap<string, string>; common: string | undefined } = {
    byAgent: new Map(),
    common: undefined,
  }
  #running: Promise<void> | undefined

  constructor(deps: ChangeFeedDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#deps.sharing.listen({
      onTold: (grantIds) => this.#noteTold(grantIds),
      // While nobody listened, anything may have been told.
      onListening: () => this.#noteTold(undefined),
    })
    this.#running = this.#run()
  }

  /** Waits for a look in hand. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  #noteTold(grantIds: readonly string[] | undefined): void {
    if (grantIds === undefined) this.#isAllTold = true
    else for (const id of grantIds) if (this.#deps.hub.findWatched(id)) this.#told.add(id)
    if (this.#isTold()) this.#wake()
  }

  #isTold(): boolean {
    return this.#isAllTold || this.#told.size > 0
  }

  async #run(): Promise<void> {
    const { clock, onProblem, onWell } = this.#deps
    const { signal } = this.#stop
    let waitMs = this.#lookEveryMs(0)
    while (!signal.aborted) {
      await this.#untilTold(waitMs)
      if (signal.aborted) return
      const isAboutAll = this.#isAllTold || this.#told.size === 0
      const beganMs = clock.monotonicMs()
      try {
        await (isAboutAll ? this.#lookAtAll() : this.#lookAtTold())
        onWell()
      } catch (error) {
        // A look at everything finds what was told before the failure.
        this.#isAllTold = true
        onProblem(error)
      }
      const tookMs = clock.monotonicMs() - beganMs
      const pauseMs = Math.max(isAboutAll ? PAUSE_AFTER_ALL_MS : PAUSE_MS, tookMs / TOLD_SHARE)
      await clock.sleep(pauseMs, signal).catch(() => undefined)
      waitMs = Math.max(0, this.#lookEveryMs(isAboutAll ? tookMs : 0) - pauseMs)
    }
  }

  #lookEveryMs(tookMs: number): number {
    return Math.max(this.#deps.sharing.isListening ? SELDOM_LOOK_MS : LOOK_MS, tookMs / LOOKING_SHARE)
  }

  async #untilTold(ms: number): Promise<void> {
    if (this.#isTold()) return
    const told = Promise.withResolvers<void>()
    const slept = new AbortController()
    this.#wake = told.resolve
    const either = AbortSignal.any([this.#stop.signal, slept.signal])
    await Promise.race([told.promise, this.#deps.clock.sleep(ms, either).catch(() => undefined)])
    slept.abort()
    this.#wake = () => undefined
  }

  async #lookAtTold(): Promise<void> {
    const { hub } = this.#deps
    const told = this.#told
    this.#told = new Set()
    const seen: { grantId: string; version: number }[] = []
    for (const grantId of told) {
      const { version } = hub.findWatched(grantId) ?? { version: 0 }
      // A watcher that has not seen the grant yet may be reading it as it was before the change.
      if (version === undefined) hub.wake(grantId)
      else seen.push({ grantId, version })
    }
    await this.#wakeChanged(seen)
  }

  async #lookAtAll(): Promise<void> {
    const { hub, sharing } = this.#deps
    this.#told = new Set()
    this.#isAllTold = false
    const seen: { grantId: string; version: number }[] = []
    const agents = new Set<string>()
    for (const { grantId, agent, version } of hub.watched()) {
      agents.add(agent)
      if (version !== undefined) seen.push({ grantId, version })
    }
    if (agents.size === 0) return
    await this.#wakeChanged(seen)
    const marks = await sharing.watermarkMarks([...agents])
    const before = this.#marks
    this.#marks = marks
    if (marks.common !== before.common) for (const { grantId } of [...hub.watched()]) hub.wake(grantId)
    else for (const [agent, mark] of marks.byAgent) if (before.byAgent.get(agent) !== mark) hub.wakeAgent(agent)
  }

  async #wakeChanged(seen: readonly { grantId: string; version: number }[]): Promise<void> {
    const { hub, sharing } = this.#deps
    if (seen.length === 0) return
    for (const grantId of await sharing.findChanged(seen)) hub.wake(grantId)
  }
}
