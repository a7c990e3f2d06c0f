import type { Clock } from '../core/clock.ts'
import { hasCode, StintError } from '../core/errors.ts'
import type { PartHealth } from '../core/health/part-health.ts'
import type { LedgerReads, LedgerWrites } from '../ledger/ledger.ts'
import type { NoticeEndpointView } from '../ledger/notices/notice-records.ts'
import type { Quarantine } from '../ledger/records.ts'
import type { PartWatch } from './part-watch.ts'
import { EndpointWorker, type WorkerParts } from './sending/endpoint-worker.ts'
import { endpointPart, type Receiver } from './sending/receiver.ts'

/** Dependencies of `Notices`. */
export interface NoticesParts extends WorkerParts {
  readonly ledger: WorkerParts['ledger'] &
    Pick<LedgerReads & LedgerWrites, 'noticeEndpoints' | 'pruneNotices' | 'quarantine'>
  readonly clock: Clock
  readonly partHealth: Pick<PartHealth, 'failed' | 'well' | 'found'>
  readonly partWatch: Pick<PartWatch, 'look'>
}

const EVERY_MS = 1_000
const WATCH_EVERY = 5
const PRUNE_EVERY = 3_600
/** Dead letters are kept so long, and what waits for an endpoint that the configuration no longer has. */
const KEPT_MS = 30 * 86_400_000
const COMPONENT = 'notices'

/** Sends notices to all endpoints, each apart from the others, so that one that hangs holds up none. */
export class Notices {
  readonly #parts: NoticesParts
  readonly #stopping = new AbortController()
  #workers: readonly EndpointWorker[] = []
  /** By endpoint: the work in hand. */
  readonly #busy = new Map<string, Promise<void>>()
  #running: Promise<void> | undefined
  #ticks = 0

  constructor(parts: NoticesParts) {
    this.#parts = parts
  }

  /** The endpoints of now. */
  get receivers(): readonly Receiver[] {
    return this.#workers.map(({ receiver }) => receiver)
  }

  /** From now on these are the endpoints. Work in hand goes on with the settings that it began with. */
  replace(receivers: readonly Receiver[]): void {
    const { partHealth } = this.#parts
    const names = new Set(receivers.map(({ name }) => name))
    for (const { receiver } of this.#workers) {
      if (names.has(receiver.name)) continue
      partHealth.well(endpointPart(receiver.name))
      partHealth.found(endpointPart(receiver.name), [])
    }
    this.#workers = receivers.map((receiver) => new EndpointWorker(receiver, this.#parts))
  }

  /** Begins to look once a second. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Gives up what is being sent: another replica, or the next start, sends it again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await Promise.all(this.#busy.values())
  }

  /** One look: begins work where there is some and none is in hand. Resolves when it has begun. */
  async tick(): Promise<void> {
    const { ledger, partHealth, partWatch } = this.#parts
    if (this.#workers.length === 0) return
    try {
      if (this.#ticks % WATCH_EVERY === 0) await partWatch.look()
      if (this.#ticks % PRUNE_EVERY === 0) await this.#prune()
      this.#ticks += 1
      const [views, quarantine] = [await ledger.noticeEndpoints(), await ledger.quarantine()]
      this.#report(views)
      for (const worker of this.#workers) this.#begin(worker, views, quarantine)
      partHealth.well(COMPONENT)
    } catch (error) {
      partHealth.failed(COMPONENT, error)
    }
  }

  /** Resolves when no endpoint has work in hand. For tests. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values())
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.tick()
      await this.#parts.clock.sleep(EVERY_MS, signal).catch(ignoreStop)
    }
  }

  #begin(worker: EndpointWorker, views: readonly NoticeEndpointView[], quarantine: Quarantine | undefined): void {
    const { name } = worker.receiver
    if (this.#busy.has(name) || this.#stopping.signal.aborted) return
    const work = this.#work(
      worker,
      views.find((view) => view.name === name),
      quarantine,
    )
    this.#busy.set(
      name,
      work.finally(() => this.#busy.delete(name)),
    )
  }

  async #work(
    worker: EndpointWorker,
    first: NoticeEndpointView | undefined,
    quarantine: Quarantine | undefined,
  ): Promise<void> {
    const { ledger, partHealth } = this.#parts
    const { signal } = this.#stopping
    const { name } = worker.receiver
    try {
      let view = first
      while ((await worker.step(view, quarantine, signal)) && !signal.aborted)
        view = (await ledger.noticeEndpoints()).find((each) => each.name === name)
      partHealth.well(`${COMPONENT}_record:${name}`)
    } catch (error) {
      if (signal.aborted && hasCode(error, 'CANCELLED')) return
      partHealth.failed(`${COMPONENT}_record:${name}`, error)
    }
  }

  /** The ledger says how an endpoint is, so that every replica shows the same. */
  #report(views: readonly NoticeEndpointView[]): void {
    const { partHealth } = this.#parts
    for (const { receiver } of this.#workers) {
      const view = views.find(({ name }) => name === receiver.name)
      const component = endpointPart(receiver.name)
      const problem = view && describeProblem(view, receiver)
      if (problem) partHealth.failed(component, problem)
      else partHealth.well(component)
      partHealth.found(component, view && view.dead > 0 ? [deadFinding(view)] : [])
    }
    const names = new Set(this.receivers.map(({ name }) => name))
    const left = views.filter(({ name, waiting }) => waiting > 0 && !names.has(name))
    partHealth.found(COMPONENT, left.map(leftFinding))
  }

  async #prune(): Promise<void> {
    const { ledger, clock } = this.#parts
    const now = clock.now()
    const endpoints = this.receivers.map(({ name }) => name)
    await ledger.pruneNotices({ endpoints, now, before: new Date(now.getTime() - KEPT_MS) })
  }
}

function describeProblem(
  { disabledAt, failures, lastError = '' }: NoticeEndpointView,
  { target }: Receiver,
): StintError | undefined {
  if (failures === 0) return undefined
  const explanation = disabledAt
    ? `${target} answered 410 Gone, so nothing is sent to it. If it is in use again, send it a test: stint webhooks test.`
    : `${target}: ${lastError} Its notices wait, and are tried again.`
  return new StintError('NOTICE_UNDELIVERED', { explanation })
}

function deadFinding({ dead }: NoticeEndpointView) {
  const explanation = `${dead} notices were given up; stint webhooks dead lists them, and stint webhooks resend sends them again.`
  return { finding: 'dead-letters', code: 'NOTICE_UNDELIVERED', explanation } as const
}

function leftFinding({ name, waiting }: NoticeEndpointView) {
  const explanation = `${waiting} notices wait for ${name}, which the configuration does not have; they are forgotten after 30 days.`
  return { finding: `left-${name}`, code: 'NOTICE_UNDELIVERED', explanation } as const
}

function ignoreStop(): void {
  // The loop ends with the signal.
}
