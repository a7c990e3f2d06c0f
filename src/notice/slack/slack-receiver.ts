import type { Clock } from '../../core/clock.ts'
import { z } from '../../core/documents/schema.ts'
import { asStintError, hasCode, StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import type { FetchedDocument, GuardedFetch } from '../../core/net/guarded-fetch.ts'
import { Secret } from '../../core/secret.ts'
import type { LedgerReads } from '../../ledger/ledger.ts'
import type { Approval } from '../../ledger/records.ts'
import type { OutgoingNotice, Sent } from '../sending/receiver.ts'
import { readRetryAfter } from '../webhook/webhook-receiver.ts'
import { plainMessage, questionMessage, type SlackMessage } from './slack-message.ts'

/** Dependencies of sending to one channel. */
export interface SlackDeps {
  readonly name: string
  readonly channel: string
  /** e.g. `https://slack.com/api`, without a slash at its end. */
  readonly apiUrl: string
  readonly tokenFile: string
  /** See `WebhookDeps`. */
  readonly openFetch: () => Promise<GuardedFetch>
  readonly ledger: Pick<LedgerReads, 'getApproval' | 'noticeMark'>
  readonly clock: Pick<Clock, 'now'>
  readonly adminUrl?: string | undefined
}

/** Where the message about a question is. */
const place = z.object({ channel: z.string(), ts: z.string() })
type Place = z.infer<typeof place>

const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().max(200).optional(),
  channel: z.string().optional(),
  ts: z.string().optional(),
})

/** The message of a question is remembered so long after the question lapses. */
const REMEMBERED_MS = 30 * 86_400_000
const JSON_TYPE = 'application/json; charset=utf-8'
/** The message is the reason, not the channel. */
const REFUSED: ReadonlySet<string> = new Set(['msg_too_long', 'invalid_blocks', 'invalid_blocks_format', 'no_text'])
/** Somebody removed the message, or it cannot be changed any more. */
const LOST: ReadonlySet<string> = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed'])

/** A call that Slack answered with an error. */
class SlackRefusal extends Error {
  override readonly name = 'SlackRefusal'
  readonly code: string
  readonly retryAfterMs: number | undefined

  constructor(code: string, retryAfterMs?: number) {
    super(`Slack answered ${code}.`)
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Tells one channel. A question has one message, which shows its state of now: the first notice posts it, the others change it, and
 * reminders answer to it. A broker that dies between Slack's answer and its own record posts a second one.
 */
export async function sendToSlack(deps: SlackDeps, notice: OutgoingNotice, signal: AbortSignal): Promise<Sent> {
  try {
    const call = await openCalls(deps, signal)
    const { approval: named } = notice.content
    const approval = named && (await deps.ledger.getApproval(named.id))
    if (approval) return await tellQuestion(deps, call, notice, approval)
    await call('chat.postMessage', { channel: deps.channel, ...plainMessage(notice) })
    return { kind: 'delivered' }
  } catch (error) {
    if (hasCode(error, 'CANCELLED')) throw error
    return toFailure(error)
  }
}

type Call = (method: string, body: object) => Promise<Place>

async function tellQuestion(
  { name, channel, ledger, adminUrl }: SlackDeps,
  call: Call,
  notice: OutgoingNotice,
  approval: Approval,
): Promise<Sent> {
  const key = `slack:${name}:${approval.id}`
  const known = readPlace((await ledger.noticeMark(key))?.value)
  const shown = questionMessage(notice, approval, adminUrl)
  if (notice.type === 'approval.lapsing' && known) {
    await call('chat.postMessage', {
      channel: known.channel,
      thread_ts: known.ts,
      reply_broadcast: true,
      ...plainMessage(notice),
    })
    return { kind: 'delivered' }
  }
  const isNews =
    notice.type === 'approval.asked' || notice.type === 'approval.escalated' || approval.state === 'pending'
  if (!known && !isNews) return { kind: 'delivered' }
  const at = known ? await change(call, known, shown, channel) : await call('chat.postMessage', { channel, ...shown })
  const until = new Date(approval.expiresAt.getTime() + REMEMBERED_MS)
  return { kind: 'delivered', marks: [{ key, value: JSON.stringify(at), until }] }
}

/** A message that is gone is posted anew, so that the end of a question is seen. */
async function change(call: Call, known: Place, shown: SlackMessage, channel: string): Promise<Place> {
  try {
    return await call('chat.update', { ...known, ...shown })
  } catch (error) {
    if (!(error instanceof SlackRefusal) || !LOST.has(error.code)) throw error
    return call('chat.postMessage', { channel, ...shown })
  }
}

function readPlace(value: string | undefined): Place | undefined {
  if (value === undefined) return undefined
  try {
    return place.parse(JSON.parse(value))
  } catch {
    // Damaged: a second message is better than none.
    return undefined
  }
}

async function openCalls({ apiUrl, tokenFile, openFetch, clock }: SlackDeps, signal: AbortSignal): Promise<Call> {
  const token = await readSlackToken(tokenFile)
  const fetch = await openFetch()
  return async (method, body) => {
    const post = { type: JSON_TYPE, body: JSON.stringify(body) }
    const authorization = `Bearer ${token.reveal()}`
    return readAnswer(await fetch(`${apiUrl}/${method}`, { post, authorization, signal }), clock.now())
  }
}

function readAnswer({ status, headers, body }: FetchedDocument, now: Date): Place {
  const retryAfterMs = readRetryAfter(headers['retry-after'], now)
  if (status !== 200) throw new SlackRefusal(String(status), retryAfterMs)
  const answer = answerSchema.safeParse(parseJson(body))
  if (!answer.success) throw new SlackRefusal('something that is not an answer of its API')
  const { ok, error = 'an error without a name', channel = '', ts = '' } = answer.data
  if (!ok) throw new SlackRefusal(error.replace(/[^\w .-]/g, '?'), retryAfterMs)
  return { channel, ts }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function toFailure(error: unknown): Sent {
  if (!(error instanceof SlackRefusal)) return { kind: 'failed', error: asStintError(error).message, isEndpoint: true }
  const { code, message, retryAfterMs } = error
  const isEndpoint = !REFUSED.has(code)
  return { kind: 'failed', error: message, isEndpoint, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

/** Reads a bot token. @throws {StintError} CONFIG_INVALID; the token is not shown */
export async function readSlackToken(file: string): Promise<Secret> {
  const text = (await readText(file)).trim()
  if (/^xox[a-z]-[\w-]{10,300}$/.test(text)) return new Secret(text)
  throw unusable(file, 'must contain one token that begins with xoxb-')
}

async function readText(file: string): Promise<string> {
  try {
    return (await readSmallFile(file, { maxBytes: 4_096 })).text
  } catch (error) {
    throw unusable(file, error instanceof Error ? error.message : 'cannot be read', error)
  }
}

function unusable(file: string, problem: string, cause?: unknown): StintError {
  return new StintError('CONFIG_INVALID', { explanation: `The token file ${file} of Slack ${problem}.` }, cause)
}
