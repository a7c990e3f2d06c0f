import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import type { Ids } from '../core/ids.ts'
import { auditEvent, operatorActor } from '../ledger/events/audit-event.ts'
import type { LedgerReads, LedgerWrites, Page, PageRequest } from '../ledger/ledger.ts'
import type { Notice, NoticeEndpointView } from '../ledger/notices/notice-records.ts'
import type { Receiver } from './sending/receiver.ts'
import { parseContent } from './types/notice-content.ts'
import { TEST_TYPE } from './types/notice-types.ts'

/** An endpoint, as an operator sees it. */
export interface EndpointStatus extends Omit<Partial<NoticeEndpointView>, 'name' | 'position' | 'quarantine'> {
  readonly name: string
  /** False: the configuration does not have it any more. */
  readonly configured: boolean
  readonly target?: string
  readonly events: readonly string[]
  readonly waiting: number
  readonly dead: number
}

/** A dead letter, as an operator sees it. */
export interface DeadNotice
  extends Pick<Notice, 'id' | 'endpoint' | 'type' | 'count' | 'attempts' | 'createdAt' | 'lastError' | 'deadAt'> {
  readonly summary: string
}

/** The end of a test message. */
export interface TestOutcome {
  readonly endpoint: string
  readonly delivered: boolean
  /** Why not. */
  readonly error?: string
}

/** The actions of operators on notices. The edge has checked the role. */
export interface NoticeService {
  listEndpoints(): Promise<readonly EndpointStatus[]>
  /** Newest first. @throws {StintError} NOTICE_ENDPOINT_NOT_FOUND for a receiver that there is not and was not */
  listDead(filter: { endpoint?: string }, page: PageRequest): Promise<Page<DeadNotice>>
  /**
   * Sends a message that is none of the record. One that is delivered enables the endpoint again.
   *
   * @throws {StintError} NOTICE_ENDPOINT_NOT_FOUND
   */
  test(operator: { readonly name: string }, endpoint: string, signal?: AbortSignal): Promise<TestOutcome>
  /** Sends dead letters again, or one by its id. @throws {StintError} NOTICE_ENDPOINT_NOT_FOUND */
  resend(
    operator: { readonly name: string },
    endpoint: string,
    id?: string,
  ): Promise<{ endpoint: string; count: number }>
}

/** Dependencies of the actions. */
export interface NoticeServiceParts {
  readonly ledger: Pick<
    LedgerReads & LedgerWrites,
    'noticeEndpoints' | 'deadNotices' | 'resendNotices' | 'settleNotices'
  >
  readonly clock: Pick<Clock, 'now'>
  readonly ids: Ids
  readonly owner: string
  readonly receivers: () => readonly Receiver[]
}

/** Dead letters that one call sends again. */
const RESENT_AT_ONCE = 500

/** The actions of operators on notices. */
export function createNoticeService(parts: NoticeServiceParts): NoticeService {
  const { ledger, receivers } = parts
  return {
    listEndpoints: async () => {
      const views = await ledger.noticeEndpoints()
      const configured = receivers()
      const names = [...new Set([...configured, ...views].map(({ name }) => name))].sort()
      return names.map((name) =>
        toStatus(
          name,
          configured.find((each) => each.name === name),
          views.find((each) => each.name === name),
        ),
      )
    },
    listDead: async ({ endpoint }, { limit, cursor }) => {
      const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString()
      const filter = { ...(endpoint !== undefined && { endpoint }), ...(after !== undefined && { after }) }
      const found = await ledger.deadNotices({ ...filter, limit: limit + 1 })
      if (endpoint !== undefined && found.length === 0) await requireKnown(parts, endpoint)
      const items = found.slice(0, limit)
      const last = items.at(-1)
      const nextCursor = found.length > limit && last ? Buffer.from(last.id).toString('base64url') : undefined
      return { items: items.map(toDead), ...(nextCursor !== undefined && { nextCursor }) }
    },
    test: (operator, endpoint, signal) => testEndpoint(parts, operator, endpoint, signal),
    resend: async (operator, endpoint, id) => {
      const { retryMs } = requireReceiver(parts, endpoint)
      const at = parts.clock.now()
      const again = { endpoint, at, retryUntil: new Date(at.getTime() + retryMs), by: operatorActor(operator) }
      const count = await ledger.resendNotices({ ...again, ...(id !== undefined && { id }), limit: RESENT_AT_ONCE })
      return { endpoint, count }
    },
  }
}

async function testEndpoint(
  parts: NoticeServiceParts,
  operator: { readonly name: string },
  endpoint: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<TestOutcome> {
  const { ledger, clock, ids, owner } = parts
  const receiver = requireReceiver(parts, endpoint)
  const at = clock.now()
  const eventId = ids.next('evt', at)
  const summary = `This is a test of the receiver ${endpoint}.`
  const content = { eventId, at: at.toISOString(), summary, facts: {} }
  const id = `${eventId}.${TEST_TYPE}.${endpoint}`
  const sent = await receiver.send({ id, type: TEST_TYPE, count: 1, attempts: 1, content }, signal)
  const delivered = sent.kind === 'delivered'
  const outcome = { endpoint, delivered, ...(sent.kind !== 'delivered' && { error: sent.error }) }
  const event = auditEvent('endpoint.tested', { at, actor: operatorActor(operator), data: outcome })
  const news = delivered ? ({ kind: 'well' } as const) : undefined
  await ledger.settleNotices({ endpoint, owner, at: clock.now(), outcomes: [], ...(news && { news }), events: [event] })
  return outcome
}

/** One that has left the configuration may still have dead letters. */
async function requireKnown({ ledger, receivers }: NoticeServiceParts, name: string): Promise<void> {
  const known = [...receivers(), ...(await ledger.noticeEndpoints())]
  if (!known.some((each) => each.name === name)) throw noSuchReceiver(receivers())
}

function requireReceiver({ receivers }: NoticeServiceParts, name: string): Receiver {
  const all = receivers()
  const found = all.find((receiver) => receiver.name === name)
  if (found) return found
  throw noSuchReceiver(all)
}

function noSuchReceiver(all: readonly Receiver[]): StintError {
  const known = all.map((receiver) => receiver.name).join(', ')
  const others = known === '' ? 'it has none' : `it has: ${known}`
  const explanation = `The configuration has no receiver of notices with this name; ${others}.`
  return new StintError('NOTICE_ENDPOINT_NOT_FOUND', { explanation })
}

function toStatus(name: string, receiver: Receiver | undefined, view: NoticeEndpointView | undefined): EndpointStatus {
  const { position: _, quarantine: __, heldBefore: ___, name: ____, ...state } = view ?? { name }
  return {
    name,
    configured: receiver !== undefined,
    ...(receiver && { target: receiver.target }),
    events: receiver ? [...receiver.types, ...(receiver.escalations.length > 0 ? ['approval.escalated'] : [])] : [],
    waiting: 0,
    dead: 0,
    ...state,
  }
}

function toDead({ id, endpoint, type, count, attempts, createdAt, lastError, deadAt, content }: Notice): DeadNotice {
  const times = { createdAt, ...(lastError !== undefined && { lastError }), ...(deadAt && { deadAt }) }
  return { id, endpoint, type, count, attempts, ...times, summary: readSummary(content) }
}

function readSummary(content: string): string {
  try {
    return parseContent(content).summary
  } catch {
    return 'Its text in the ledger is damaged.'
  }
}
