import { hash as hashOnce } from 'node:crypto'
import { canonicalJson, type Json } from '../../core/canonical-json.ts'
import type { AuditEvent, EventContent } from '../records.ts'

/** The last event of a chain; every checkpoint of the log is one. */
export interface ChainHead {
  readonly seq: number
  /** Lower-case hex SHA-256. */
  readonly hash: string
}

/** The head of a log without events. */
export const EMPTY_HEAD: ChainHead = { seq: 0, hash: '0'.repeat(64) }

/** What is wrong with a log at its first bad place. */
export const CHAIN_PROBLEMS = ['edited', 'missing', 'reordered', 'truncated', 'forked', 'unreadable'] as const
export type ChainProblem = (typeof CHAIN_PROBLEMS)[number]

/** What a walk along the chain found; `seq` is the first bad place. */
export type ChainVerdict =
  | { readonly ok: true; readonly head: ChainHead; readonly events: number }
  | { readonly ok: false; readonly seq: number; readonly problem: ChainProblem; readonly explanation: string }

/** One event as it is verified: `text` is the canonical JSON that its hash is over. */
export interface ChainLink {
  readonly seq: number
  readonly prevHash: string
  readonly hash: string
  readonly text: string
  /** Set when the stored form cannot be an event at all. */
  readonly unreadable?: string
}

/**
 * Puts an event into its place: the hash is over the canonical JSON (RFC 8785) of every other field.
 *
 * @returns the head that the chain has then, and the text of the event's data.
 */
export function sealEvent(
  prev: ChainHead,
  event: EventContent,
  id: string,
): { readonly head: ChainHead; readonly data: string | undefined } {
  const seq = prev.seq + 1
  const data = event.data === undefined ? undefined : dataText(event.data)
  return { head: { seq, hash: sealText(eventText(event, id, seq, prev.hash, data)) }, data }
}

/** Lower-case hex SHA-256 of an event's text. */
function sealText(text: string): string {
  return hashOnce('sha256', text, 'hex')
}

/**
 * Canonical JSON of an event without its hash: RFC 8785 with the member order written out, since it is always the same.
 *
 * @param data the canonical JSON of the event's data, if it has any.
 */
export function eventText(
  event: EventContent,
  id: string,
  seq: number,
  prevHash: string,
  data: string | undefined,
): string {
  return `{"actor":${text(event.actor)},"at":"${event.at.toISOString()}"${data === undefined ? '' : `,"data":${data}`}${
    event.grantId === undefined ? '' : `,"grantId":${text(event.grantId)}`
  },"id":${text(id)}${event.leaseId === undefined ? '' : `,"leaseId":${text(event.leaseId)}`},"prevHash":"${prevHash}"${event.requestId === undefined ? '' : `,"requestId":${text(event.requestId)}`},"seq":${seq}${
    event.traceId === undefined ? '' : `,"traceId":${text(event.traceId)}`
  },"type":${text(event.type)}}`
}

/** Canonical JSON of an event's data; the same text as `canonicalJson`, sooner for the usual flat object. */
export function dataText(data: Json): string {
  if (data === null || typeof data !== 'object' || Array.isArray(data) || 'toJSON' in data) return canonicalJson(data)
  const members = data as { readonly [key: string]: Json | undefined }
  let out = ''
  for (const key of Object.keys(members).sort()) {
    const value = members[key]
    if (value === undefined) continue
    const member =
      typeof value === 'string' ? text(value) : typeof value === 'boolean' ? String(value) : canonicalJson(value)
    out += `${out === '' ? '' : ','}${text(key)}:${member}`
  }
  return `{${out}}`
}

/** Canonical JSON of a whole event, hash included: one line of an export. */
export function sealedText(event: AuditEvent): string {
  return canonicalJson(sealedJson(event))
}

/**
 * Walks a chain and finds the first place that is not as it was written.
 *
 * @param options.start what comes before the first event; the empty log if not given.
 * @param options.expect heads known from elsewhere (a checkpoint, the head row): the log must hold each of them.
 */
export function verifyChain(
  events: AsyncIterable<AuditEvent> | Iterable<AuditEvent>,
  options: { readonly start?: ChainHead; readonly expect?: readonly ChainHead[] } = {},
): Promise<ChainVerdict> {
  return verifyLinks(links(events), options)
}

/** `verifyChain` over stored forms. `linkOf` is told the hash of the event before, which the text has to name. */
export async function verifyLinks(
  source: AsyncIterable<(prevHash: string) => ChainLink> | Iterable<(prevHash: string) => ChainLink>,
  options: { readonly start?: ChainHead; readonly expect?: readonly ChainHead[] } = {},
): Promise<ChainVerdict> {
  const start = options.start ?? EMPTY_HEAD
  const expected = new Map((options.expect ?? []).map((head) => [head.seq, head]))
  let head = start
  let broken: ChainVerdict | undefined = contradiction(options.expect ?? [], head)
  if (broken) return broken
  for await (const linkOf of source) {
    const link = linkOf(head.hash)
    if (broken) {
      // Something is missing; if it turns up later, the log was reordered.
      if (link.seq === head.seq + 1 && link.unreadable === undefined) return reordered(link.seq)
      continue
    }
    broken = judge(head, link)
    if (broken && !(broken.ok === false && broken.problem === 'missing')) return broken
    if (broken) continue
    head = { seq: link.seq, hash: link.hash }
    const known = expected.get(head.seq)
    if (known && known.hash !== head.hash) return forked(head.seq)
  }
  if (broken) return broken
  const last = Math.max(start.seq, ...expected.keys())
  if (head.seq < last) return truncated(head.seq, last)
  return { ok: true, head, events: head.seq - start.seq }
}

async function* links(events: AsyncIterable<AuditEvent> | Iterable<AuditEvent>) {
  for await (const event of events) yield () => linkOfEvent(event)
}

function linkOfEvent(event: AuditEvent): ChainLink {
  const { hash, ...rest } = sealedJson(event)
  return { seq: event.seq, prevHash: event.prevHash, hash: event.hash, text: canonicalJson(rest) }
}

function sealedJson(event: AuditEvent) {
  const { at, data, grantId, leaseId, requestId, traceId } = event
  return {
    actor: event.actor,
    at: at.toISOString(),
    ...(data === undefined ? {} : { data }),
    ...(grantId === undefined ? {} : { grantId }),
    hash: event.hash,
    id: event.id,
    ...(leaseId === undefined ? {} : { leaseId }),
    prevHash: event.prevHash,
    ...(requestId === undefined ? {} : { requestId }),
    seq: event.seq,
    ...(traceId === undefined ? {} : { traceId }),
    type: event.type,
  }
}

function judge(head: ChainHead, link: ChainLink): ChainVerdict | undefined {
  const seq = head.seq + 1
  if (link.unreadable !== undefined) return bad(seq, 'unreadable', link.unreadable)
  if (link.seq > seq) return bad(seq, 'missing', `Event ${seq} is not there; event ${link.seq} comes in its place.`)
  if (link.seq < seq) return reordered(link.seq)
  if (sealText(link.text) !== link.hash) return bad(seq, 'edited', `Event ${seq} is not what its hash was made of.`)
  if (link.prevHash !== head.hash) {
    return bad(seq, 'edited', `Event ${seq} does not follow from the event before: one of the two was changed.`)
  }
  return undefined
}

/** Two known heads that cannot both be of one log, or one that contradicts the start. */
function contradiction(expect: readonly ChainHead[], start: ChainHead): ChainVerdict | undefined {
  const seen = new Map([[start.seq, start.hash]])
  for (const head of expect) {
    const known = seen.get(head.seq)
    if (known !== undefined && known !== head.hash) return forked(head.seq)
    seen.set(head.seq, head.hash)
  }
  return undefined
}

function text(value: string): string {
  // RFC 8785 has no form for a lone surrogate; neither have we.
  if (!value.isWellFormed()) throw new TypeError('text with a lone surrogate has no canonical JSON form')
  return JSON.stringify(value)
}

function reordered(seq: number): ChainVerdict {
  return bad(seq, 'reordered', `Event ${seq} is not in its place: the order was changed, or it is there twice.`)
}

function truncated(seq: number, last: number): ChainVerdict {
  return bad(seq + 1, 'truncated', `The log ends with event ${seq}, but is known to have had event ${last}.`)
}

function forked(seq: number): ChainVerdict {
  return bad(seq, 'forked', `Event ${seq} has another hash than the one known from elsewhere: this is another log.`)
}

function bad(seq: number, problem: ChainProblem, explanation: string): ChainVerdict {
  return { ok: false, seq, problem, explanation }
}
