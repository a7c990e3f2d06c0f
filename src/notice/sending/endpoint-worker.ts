import type { Clock } from '../../core/clock.ts'
import { backoffMs } from '../../core/limits/backoff.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { LedgerReads, LedgerWrites } from '../../ledger/ledger.ts'
import type {
  EndpointNews,
  Notice,
  NoticeEndpointView,
  NoticeMark,
  NoticeOutcome,
} from '../../ledger/notices/notice-records.ts'
import type { Quarantine } from '../../ledger/records.ts'
import { describeEvent } from '../types/describe-event.ts'
import type { GrantBook } from '../types/grant-facts.ts'
import { type NoticeContent, parseContent } from '../types/notice-content.ts'
import { noticeSpec } from '../types/notice-types.ts'
import { type GatherSettings, gatherNotices, MinuteCounts } from './gather-notices.ts'
import type { Receiver, Sent } from './receiver.ts'
import { retryPauseMs } from './retry-schedule.ts'

/** Dependencies of an endpoint's worker. */
export interface WorkerParts {
  readonly ledger: Pick<
    LedgerReads & LedgerWrites,
    | 'auditHeads'
    | 'claimNotices'
    | 'eventsOfTypes'
    | 'getApproval'
    | 'hasDueNotices'
    | 'holdNotices'
    | 'keepNotices'
    | 'settleNotices'
  >
  readonly book: GrantBook
  readonly owner: string
  readonly clock: Pick<Clock, 'now'>
  readonly random: () => number
  readonly gather: GatherSettings
  /** Told of each attempt that has ended. */
  readonly onSent?: (endpoint: string, sent: Sent['kind'] | 'dead' | 'dropped') => void
}

/** Events that one step turns into notices. */
const EVENTS_AT_ONCE = 100
/** Position that is noted although no event was for the endpoint, so that a restart need not search far. */
const NOTED_EVERY = 5_000
/** Notices that wait for an endpoint; over it no event becomes one, until some are delivered. The record keeps the events. */
const MAX_WAITING = 10_000
const SENT_AT_ONCE = 8
/** Beyond the timeout of an attempt: for the commit of its end. */
const CLAIM_MARGIN_MS = 50_000
/** A failing endpoint is tried with one notice at a time, after a pause that grows. */
const PAUSE = { baseMs: 2_000, capMs: 300_000 } as const

/** Tells one endpoint what happened: reads on in the record, and sends what is due. Another replica may do the same. */
export class EndpointWorker {
  readonly receiver: Receiver
  readonly #parts: WorkerParts
  readonly #counts = new MinuteCounts()
  readonly #eventTypes: readonly string[]
  /** The position up to which the record was searched since `position` was noted. */
  #searched = 0

  constructor(receiver: Receiver, parts: WorkerParts) {
    this.receiver = receiver
    this.#parts = parts
    const ofQuestions = receiver.escalations.length > 0 ? (['approval.asked'] as const) : []
    this.#eventTypes = [...new Set([...receiver.types, ...ofQuestions].flatMap((type) => noticeSpec(type).from))]
  }

  /** Does what there is to do now. @returns true if there may be more */
  async step(
    view: NoticeEndpointView | undefined,
    quarantine: Quarantine | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!view) return this.#begin(quarantine)
    if (quarantine && quarantine.number > view.quarantine) return this.#hold(quarantine)
    const hasRead = await this.#read(view)
    const hasSent = await this.#send(view, signal)
    return hasRead || hasSent
  }

  /** An endpoint is told of what happens from now on. */
  async #begin(quarantine: Quarantine | undefined): Promise<boolean> {
    const { ledger } = this.#parts
    const { position } = await ledger.auditHeads()
    const endpoint = this.receiver.name
    await ledger.keepNotices({ endpoint, to: position, quarantine: quarantine?.number ?? 0, notices: [] })
    return true
  }

  async #hold({ number, since }: Quarantine): Promise<boolean> {
    const { ledger, clock } = this.#parts
    const error =
      'The ledger was set back, so this may have been sent before. It is sent only if an operator asks for it.'
    const at = clock.now()
    await ledger.holdNotices({ endpoint: this.receiver.name, quarantine: number, before: since, at, error })
    return true
  }

  async #read({ position, waiting, heldBefore }: NoticeEndpointView): Promise<boolean> {
    if (waiting >= MAX_WAITING) return false
    const { ledger, book, clock, gather } = this.#parts
    const after = Math.max(position, this.#searched)
    const found = await ledger.eventsOfTypes({ types: this.#eventTypes, afterPosition: after, limit: EVENTS_AT_ONCE })
    const happenings = []
    for (const event of found.events)
      if (!heldBefore || event.at >= heldBefore) happenings.push(...(await describeEvent(event, book)))
    const notices = gatherNotices(this.receiver, happenings, this.#counts, { ...gather, now: clock.now() })
    this.#searched = found.position
    if (notices.length === 0 && found.position - position < NOTED_EVERY) return found.events.length === EVENTS_AT_ONCE
    failpoint('notice.before_keep')
    await ledger.keepNotices({ endpoint: this.receiver.name, from: position, to: found.position, notices })
    return true
  }

  async #send(view: NoticeEndpointView, signal: AbortSignal): Promise<boolean> {
    const { ledger, owner, clock } = this.#parts
    const { name: endpoint, timeoutMs } = this.receiver
    const now = clock.now()
    if (!(await ledger.hasDueNotices({ endpoint, now }))) return false
    const claimUntil = new Date(now.getTime() + timeoutMs + CLAIM_MARGIN_MS)
    const limit = view.failures > 0 ? 1 : SENT_AT_ONCE
    const claimed = await ledger.claimNotices({ endpoint, owner, now, claimUntil, limit })
    if (claimed.length === 0) return false
    failpoint('notice.before_send')
    const ends = await Promise.all(claimed.map((notice) => this.#attempt(notice, signal)))
    failpoint('notice.before_settle')
    await this.#settle(claimed, ends, view)
    return true
  }

  async #attempt(notice: Notice, signal: AbortSignal): Promise<End> {
    const content = readContent(notice.content)
    if (!content) return { kind: 'unreadable' }
    if (!(await this.#stillMatters(notice, content))) return { kind: 'dropped' }
    const { id, count, attempts, type } = notice
    const sent = await this.receiver.send({ id, count, attempts, type, content }, signal)
    return { ...sent, content }
  }

  /** A reminder of a question that is closed would send people to nothing. */
  async #stillMatters({ type }: Notice, { approval }: NoticeContent): Promise<boolean> {
    if (type !== 'approval.lapsing' && type !== 'approval.escalated') return true
    const found = approval && (await this.#parts.ledger.getApproval(approval.id))
    return found?.state === 'pending' && found.expiresAt > this.#parts.clock.now()
  }

  async #settle(claimed: readonly Notice[], ends: readonly End[], { failures }: NoticeEndpointView): Promise<void> {
    const { ledger, owner, clock, onSent } = this.#parts
    const { name: endpoint } = this.receiver
    const at = clock.now()
    const outcomes = claimed.map((notice, index) => this.#outcome(notice, ends[index] ?? { kind: 'unreadable' }, at))
    const news = this.#news(ends, failures, at)
    const marks = ends.flatMap((end): readonly NoticeMark[] => (end.kind === 'delivered' ? (end.marks ?? []) : []))
    const events = [
      ...claimed.flatMap((notice, index) => this.#escalation(notice, ends[index], at)),
      ...(news?.kind === 'gone' ? [auditEvent('endpoint.disabled', { at, actor: 'stint', data: { endpoint } })] : []),
    ]
    await ledger.settleNotices({ endpoint, owner, at, outcomes, ...(news && { news }), marks, events })
    for (const [index, { end }] of outcomes.entries())
      onSent?.(endpoint, end === 'again' ? (ends[index]?.kind === 'gone' ? 'gone' : 'failed') : end)
  }

  #outcome({ id, attempts, retryUntil }: Notice, end: End, at: Date): NoticeOutcome {
    if (end.kind === 'delivered' || end.kind === 'dropped') return { id, attempts, end: end.kind }
    if (end.kind === 'unreadable') return { id, attempts, end: 'dead', error: 'Its text in the ledger is damaged.' }
    if (at >= retryUntil) return { id, attempts, end: 'dead', error: end.error }
    const { retryAfterMs = 0 } = end.kind === 'failed' ? end : {}
    const pauseMs = Math.max(retryAfterMs, retryPauseMs(attempts, this.#parts.random))
    // The last attempt is at the end of the time, whatever the pause would be.
    const dueAt = new Date(Math.min(at.getTime() + pauseMs, retryUntil.getTime()))
    return {
      id,
      attempts,
      end: 'again',
      dueAt,
      error: end.error,
      awaitsEndpoint: end.kind === 'gone' || end.isEndpoint,
    }
  }

  /** One delivery shows that the endpoint works; one failure that is its own shows that it does not. */
  #news(ends: readonly End[], failures: number, at: Date): EndpointNews | undefined {
    const gone = ends.find((end) => end.kind === 'gone')
    if (gone?.kind === 'gone') return { kind: 'gone', error: gone.error }
    if (ends.some(({ kind }) => kind === 'delivered')) return { kind: 'well' }
    const failed = ends.find((end) => end.kind === 'failed' && end.isEndpoint)
    if (failed?.kind !== 'failed') return undefined
    const pauseMs = backoffMs(failures + 1, { ...PAUSE, random: this.#parts.random })
    return {
      kind: 'failed',
      error: failed.error,
      pausedUntil: new Date(at.getTime() + Math.max(pauseMs, failed.retryAfterMs ?? 0)),
    }
  }

  #escalation({ type }: Notice, end: End | undefined, at: Date) {
    if (type !== 'approval.escalated' || end?.kind !== 'delivered' || !end.content) return []
    const { grant, approval } = end.content
    if (!grant || approval?.expiresAt === undefined) return []
    const data = { approvalId: approval.id, endpoint: this.receiver.name, expiresAt: approval.expiresAt }
    return [auditEvent('approval.escalated', { at, actor: 'stint', grantId: grant.id, data })]
  }
}

type End =
  | (Sent & { readonly content?: NoticeContent })
  | { readonly kind: 'dropped' }
  | { readonly kind: 'unreadable' }

function readContent(text: string): NoticeContent | undefined {
  try {
    return parseContent(text)
  } catch {
    return undefined
  }
}
