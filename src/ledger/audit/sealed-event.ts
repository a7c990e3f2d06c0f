import { hash as hashOnce } from 'node:crypto'
import { canonicalJson, type Json } from '../../core/canonical-json.ts'
import type { AuditEvent, EventContent } from '../records.ts'

/** The last event of a chain, or any earlier one: it vouches for all events of the chain up to itself. */
export interface ChainHead {
  /** The chain's writer: `rpl_<ULID>`. Empty for events that were recorded before chains had names. */
  readonly chain: string
  readonly seq: number
  /** Lower-case hex SHA-256. */
  readonly hash: string
}

const EMPTY_HASH = '0'.repeat(64)

/** The head of a chain without events. */
export function emptyHead(chain: string): ChainHead {
  return { chain, seq: 0, hash: EMPTY_HASH }
}

/** The hash before the first event of a chain. */
export const FIRST_PREV_HASH = EMPTY_HASH

/** The event as a head of its chain. */
export function toHead({ chain = '', seq, hash }: Pick<AuditEvent, 'chain' | 'seq' | 'hash'>): ChainHead {
  return { chain, seq, hash }
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
  const place = { chain: prev.chain, seq: prev.seq + 1, prevHash: prev.hash }
  const data = event.data === undefined ? undefined : dataText(event.data)
  const hash = sealText(eventText(event, id, place, data))
  return { head: { chain: place.chain, seq: place.seq, hash }, data }
}

/** Lower-case hex SHA-256 of an event's text. */
export function sealText(text: string): string {
  return hashOnce('sha256', text, 'hex')
}

/** Where an event is in its chain. */
export interface EventPlace {
  /** Empty for events that were recorded before chains had names. */
  readonly chain: string
  readonly seq: number
  readonly prevHash: string
}

/**
 * Canonical JSON of an event without its hash: RFC 8785 with the member order written out, since it is always the same.
 *
 * @param data the canonical JSON of the event's data, if it has any.
 */
export function eventText(
  event: EventContent,
  id: string,
  { chain, seq, prevHash }: EventPlace,
  data: string | undefined,
): string {
  return `{"actor":${text(event.actor)},"at":"${event.at.toISOString()}"${chain === '' ? '' : `,"chain":${text(chain)}`}${
    data === undefined ? '' : `,"data":${data}`
  }${event.grantId === undefined ? '' : `,"grantId":${text(event.grantId)}`},"id":${text(id)}${
    event.leaseId === undefined ? '' : `,"leaseId":${text(event.leaseId)}`
  },"prevHash":"${prevHash}"${event.requestId === undefined ? '' : `,"requestId":${text(event.requestId)}`},"seq":${seq}${
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

/** Canonical JSON of a whole event, hash included: one line of an export. Its position is no part of it. */
export function sealedText(event: AuditEvent): string {
  return canonicalJson({ ...hashedJson(event), hash: event.hash })
}

/** The input of the hash of an event. */
export function hashedText(event: AuditEvent): string {
  return canonicalJson(hashedJson(event))
}

function hashedJson(event: AuditEvent) {
  const { at, chain, data, grantId, leaseId, requestId, traceId } = event
  return {
    actor: event.actor,
    at: at.toISOString(),
    ...(chain === undefined ? {} : { chain }),
    ...(data === undefined ? {} : { data }),
    ...(grantId === undefined ? {} : { grantId }),
    id: event.id,
    ...(leaseId === undefined ? {} : { leaseId }),
    prevHash: event.prevHash,
    ...(requestId === undefined ? {} : { requestId }),
    seq: event.seq,
    ...(traceId === undefined ? {} : { traceId }),
    type: event.type,
  }
}

function text(value: string): string {
  // RFC 8785 has no form for a lone surrogate; neither have we.
  if (!value.isWellFormed()) throw new TypeError('text with a lone surrogate has no canonical JSON form')
  return JSON.stringify(value)
}
