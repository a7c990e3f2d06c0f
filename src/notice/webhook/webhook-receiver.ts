import type { Clock } from '../../core/clock.ts'
import { asStintError, hasCode } from '../../core/errors.ts'
import type { GuardedFetch } from '../../core/net/guarded-fetch.ts'
import type { OutgoingNotice, Sent } from '../sending/receiver.ts'
import { CLOUD_EVENT_TYPE, toCloudEvent } from './cloud-event.ts'
import { readSigningSecrets, signatureHeaders } from './signature.ts'

/** Dependencies of sending to one webhook. */
export interface WebhookDeps {
  readonly name: string
  readonly url: string
  readonly secretFile: string
  /** With the guard on URLs, the timeout and the trust of this endpoint. Made for each attempt, since its files may change. */
  readonly openFetch: () => Promise<GuardedFetch>
  readonly clock: Pick<Clock, 'now'>
  readonly ledgerId: string
  readonly adminUrl?: string | undefined
}

const LONGEST_PAUSE_MS = 3_600_000
/** Statuses that are the fault of the message, not of the receiver. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422])

/** Sends one notice as a signed CloudEvent. The secrets are read anew each time, so that one can be changed at any time. */
export async function sendToWebhook(deps: WebhookDeps, notice: OutgoingNotice, signal: AbortSignal): Promise<Sent> {
  const { name, url, clock, ledgerId, adminUrl } = deps
  const body = JSON.stringify(toCloudEvent(notice, { ledgerId, adminUrl, endpoint: name }))
  try {
    const secrets = await readSigningSecrets(deps.secretFile)
    const fetch = await deps.openFetch()
    const headers = signatureHeaders({ id: notice.id, at: clock.now(), body }, secrets)
    const answer = await fetch(url, { post: { type: CLOUD_EVENT_TYPE, body }, headers, statusOnly: true, signal })
    return judgeAnswer(answer, clock.now())
  } catch (error) {
    if (hasCode(error, 'CANCELLED')) throw error
    return { kind: 'failed', error: asStintError(error).message, isEndpoint: true }
  }
}

/**
 * What a status says about an attempt. Any 2xx is a delivery, 410 the end of all; the rest is tried again.
 *
 * @see Standard Webhooks, "Deliverability and reliability"
 */
export function judgeAnswer(
  { status, headers }: { readonly status: number; readonly headers: Readonly<Record<string, unknown>> },
  now: Date,
): Sent {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone', error: 'The receiver answered 410 Gone.' }
  const redirect = status >= 300 && status < 400 ? ' Redirects are not followed; configure the final URL.' : ''
  const error = `The receiver answered ${status}.${redirect}`
  const retryAfterMs = readRetryAfter(headers['retry-after'], now)
  return {
    kind: 'failed',
    error,
    isEndpoint: !REFUSALS.has(status),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3), at most an hour; undefined for anything else. */
export function readRetryAfter(value: unknown, now: Date): number | undefined {
  if (typeof value !== 'string') return undefined
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now.getTime()
  return Number.isNaN(ms) || ms <= 0 ? undefined : Math.min(ms, LONGEST_PAUSE_MS)
}
