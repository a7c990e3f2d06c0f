import type { NewNotice } from '../../ledger/notices/notice-records.ts'
import { contentText, type Happening } from '../types/notice-content.ts'
import { noticeSpec } from '../types/notice-types.ts'
import { endpointPart, passes, type Receiver } from './receiver.ts'

const MINUTE_MS = 60_000
/** Agents of one minute that have a notice of their own; the others share one. */
const MAX_AGENTS = 50
/** The rest of a minute is sent when it is surely over on every replica. */
const AFTER_MINUTE_MS = 5_000

/** Counts what one endpoint was told of in a minute, so that no agent can bury what others cause. */
export class MinuteCounts {
  #minute = 0
  readonly #counts = new Map<string, number>()
  readonly #agents = new Set<string>()

  /** One more of a type, of an agent, at an instant. @returns how many there are, and the agent to count it for */
  add(type: string, agent: string, at: number): { readonly count: number; readonly agent: string } {
    const minute = Math.floor(at / MINUTE_MS)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#counts.clear()
      this.#agents.clear()
    }
    const counted = this.#agents.has(agent) || this.#agents.size < MAX_AGENTS ? agent : ''
    if (counted !== '') this.#agents.add(counted)
    const key = `${type} ${counted}`
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    return { count, agent: counted }
  }
}

/** Settings that all endpoints share. */
export interface GatherSettings {
  /** Parts of the time of a question after which a reminder is sent, 0 to 1. */
  readonly remindAt: readonly number[]
}

/** The notices for one endpoint that happenings lead to, reminders of questions included. */
export function gatherNotices(
  receiver: Receiver,
  happenings: readonly Happening[],
  counts: MinuteCounts,
  { now, remindAt }: GatherSettings & { readonly now: Date },
): NewNotice[] {
  return happenings.flatMap((happening) => {
    const { type, content } = happening
    // The receiver knows by then that it can be reached again.
    const isItself = content.facts.part === endpointPart(receiver.name)
    const isWanted = receiver.types.includes(type) && passes(receiver.filter, happening) && !isItself
    const first = isWanted ? [boundedNotice(receiver, happening, counts, now)] : []
    if (type !== 'approval.asked') return first
    const isAlone = first.every(({ id }) => !id.endsWith(MORE))
    const later = isAlone ? laterNotices(receiver, happening, { now, remindAt }) : []
    return [...first, ...later]
  })
}

const MORE = '.more'

function boundedNotice(receiver: Receiver, happening: Happening, counts: MinuteCounts, now: Date): NewNotice {
  const { type, content } = happening
  const atMs = Date.parse(content.at)
  const { agent: name } = content
  const notice = newNotice(receiver, happening, { now })
  if (name === undefined) return notice
  const { count, agent } = counts.add(type, name, atMs)
  if (agent !== '' && count <= noticeSpec(type).perMinute) return notice
  const minuteEnd = (Math.floor(atMs / MINUTE_MS) + 1) * MINUTE_MS + AFTER_MINUTE_MS
  const dueAt = new Date(Math.max(now.getTime(), minuteEnd))
  return newNotice(receiver, happening, { now, dueAt, suffix: MORE, key: `more ${type} ${agent}` })
}

/** Reminders and escalations of a question; those whose time is over at once. A closed question drops them when they are due. */
function laterNotices(
  receiver: Receiver,
  happening: Happening,
  { now, remindAt }: GatherSettings & { readonly now: Date },
): NewNotice[] {
  const { content } = happening
  const [atMs, endMs] = [Date.parse(content.at), Date.parse(content.approval?.expiresAt ?? '')]
  if (!(endMs > now.getTime())) return []
  const reminds = receiver.types.includes('approval.lapsing') && passes(receiver.filter, happening)
  const lapsing = (reminds ? remindAt : []).map((part) => {
    const dueAt = new Date(atMs + Math.round((endMs - atMs) * part))
    const facts = { ...content.facts, elapsed: part }
    const summary = `${content.agent ?? 'An agent'} still waits for an approval, until ${content.approval?.expiresAt}.`
    const reminder = { type: 'approval.lapsing', content: { ...content, facts, summary } } as const
    return laterNotice(receiver, reminder, { now, dueAt, suffix: `.lapsing${Math.round(part * 100)}` })
  })
  const escalated = receiver.escalations
    .filter(({ filter, afterMs }) => passes(filter, happening) && atMs + afterMs < endMs)
    .map(({ afterMs }) => {
      const minutes = Math.round(afterMs / MINUTE_MS)
      const summary = `${content.agent ?? 'An agent'} has waited ${minutes} min for an approval that nobody answered; it lapses at ${content.approval?.expiresAt}.`
      const facts = { ...content.facts, afterSeconds: Math.round(afterMs / 1_000) }
      const escalation = { type: 'approval.escalated', content: { ...content, facts, summary } } as const
      return laterNotice(receiver, escalation, { now, dueAt: new Date(atMs + afterMs), suffix: `.escalated${minutes}` })
    })
  return [...lapsing, ...escalated].filter(({ dueAt }) => dueAt.getTime() < endMs)
}

/** It takes in nothing that happens to the question meanwhile, since it may be dropped. */
function laterNotice(
  receiver: Receiver,
  happening: Happening,
  when: { readonly now: Date; readonly dueAt: Date; readonly suffix: string },
): NewNotice {
  return newNotice(receiver, happening, { ...when, key: `later ${happening.content.eventId}${when.suffix}` })
}

function newNotice(
  { name, retryMs, oneByQuestion }: Receiver,
  { type, content }: Happening,
  {
    now,
    dueAt = now,
    suffix = '',
    key = oneByQuestion && content.approval ? `question ${content.approval.id}` : undefined,
  }: { readonly now: Date; readonly dueAt?: Date; readonly suffix?: string; readonly key?: string | undefined },
): NewNotice {
  // Retried for as long as the setting says, since it happened; a reminder, since it is due.
  const since = Math.max(Date.parse(content.at), dueAt.getTime())
  return {
    id: `${content.eventId}.${type}${suffix}.${name}`,
    endpoint: name,
    type,
    ...(key !== undefined && { key }),
    content: contentText(content),
    count: 1,
    createdAt: now,
    retryUntil: new Date(since + retryMs),
    dueAt,
  }
}
