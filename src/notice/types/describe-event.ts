import type { Json } from '../../core/canonical-json.ts'
import type { EventType } from '../../ledger/events/audit-event.ts'
import type { AuditEvent } from '../../ledger/records.ts'
import type { GrantBook } from './grant-facts.ts'
import type { Happening, NoticeContent } from './notice-content.ts'
import { NOTICE_TYPE_NAMES, type NoticeType, noticeSpec } from './notice-types.ts'

type Facts = Readonly<Record<string, Json>>
type Data = Readonly<Record<string, Json | undefined>>

/** Types of which an event itself is the notice. The others are made from a question that waits. */
const LATER_TYPES: readonly NoticeType[] = ['approval.lapsing', 'approval.escalated']
const MAX_TEXT = 500
const MAX_LISTED = 50

/** The notices that an event leads to at once. */
export async function describeEvent(event: AuditEvent, book: GrantBook): Promise<Happening[]> {
  const types = NOTICE_TYPE_NAMES.filter((type) => !LATER_TYPES.includes(type) && isFrom(type, event))
  if (types.length === 0) return []
  const described = event.grantId === undefined ? undefined : await book.find(event.grantId)
  const agent = described?.grant.agent ?? actingAgent(event)
  const told = await withApproval(describe(event, agent), event, book)
  const head = { eventId: event.id, at: event.at.toISOString() }
  return types.map((type) => ({
    type,
    content: { ...head, ...told, ...described, ...(agent !== undefined && { agent }) },
  }))
}

/** Some events name their approval by its grant alone. */
async function withApproval(told: Described, { grantId }: AuditEvent, book: GrantBook): Promise<Described> {
  if (told.approval?.id !== '' || grantId === undefined) return told
  const id = await book.findApproval(grantId)
  return { ...told, approval: { ...told.approval, id: id ?? '' } }
}

function isFrom(type: NoticeType, event: AuditEvent): boolean {
  const { from, when } = noticeSpec(type)
  return (from as readonly string[]).includes(event.type) && (when?.(event) ?? true)
}

/** The actor of an event is an agent unless it is a person or the broker. */
function actingAgent({ actor }: AuditEvent): string | undefined {
  return actor === 'stint' || actor.startsWith('operator:') ? undefined : actor
}

type Described = Pick<NoticeContent, 'summary' | 'facts' | 'approval'>

function describe(event: AuditEvent, agent = 'An agent'): Described {
  const { actor } = event
  const type = event.type as EventType
  const data = (event.data ?? {}) as Data
  const name = (key: string) => text(data[key])
  switch (type) {
    case 'approval.requested':
      return {
        summary: `${agent} waits for an approval until ${name('expiresAt')}.`,
        approval: { id: name('approvalId'), expiresAt: name('expiresAt') },
        facts: pick(data, 'policies'),
      }
    case 'approval.voted':
      return {
        summary: `${actor} voted on the question of ${agent}: ${name('verdict')}.`,
        approval: { id: name('approvalId') },
        facts: { actor, ...pick(data, 'verdict', 'channel', 'assurance', 'note') },
      }
    case 'approval.voided':
    case 'approval.approved':
    case 'approval.rejected':
    case 'approval.withdrawn':
    case 'approval.expired':
      return decided(event, data, agent)
    case 'lease.issued':
      return {
        summary: `${agent} got its first credentials, which work until ${name('notAfter')} unless they are renewed.`,
        facts: { leaseId: event.leaseId ?? '', ...pick(data, 'sessionName', 'notAfter', 'accessKeyId') },
      }
    case 'grant.denied':
      return { summary: `Policy denied a request of ${agent}.`, facts: pick(data, 'policies') }
    case 'grant.refused':
      return { summary: `A request of ${agent} was refused: ${name('code')}.`, facts: pick(data, 'code') }
    case 'grant.ended':
      return {
        summary: `A grant of ${agent} has ended: ${name('reason')}.`,
        facts: { ...pick(data, 'reason', 'by', 'enforcedBy', 'lagMs'), actor },
      }
    case 'deny.failed':
      return {
        summary: `The deny list ${name('denyList')} could not be written ${name('attempt')} times in a row; ${name('waiting')} grants wait for it.`,
        facts: pick(data, 'denyList', 'document', 'code', 'attempt', 'waiting', 'nextAttemptAt'),
      }
    case 'canary.failed':
      return {
        summary: `The deny list ${name('denyList')} is written and not in force yet; ${name('waiting')} grants wait for it.`,
        facts: pick(data, 'denyList', 'code', 'waiting'),
      }
    case 'deny.changed':
      return {
        summary: `Somebody else changed the document of the deny list ${name('denyList')}; the broker writes it anew.`,
        facts: pick(data, 'denyList', 'document', 'found'),
      }
    case 'deny.withheld':
      return {
        summary: `The deny list ${name('denyList')} is not written: another ledger, or a later state of this one, wrote its document.`,
        facts: pick(data, 'denyList', 'document', 'found', 'until'),
      }
    case 'agent.refused':
      return { summary: `${agent} asked and was refused: ${name('code')}.`, facts: pick(data, 'code', 'authMethod') }
    case 'agent.suspended':
    case 'agent.offboarded':
    case 'agent.resumed':
    case 'agent.reinstated':
      return {
        summary: `${actor} has ${SERVICE_ACTS[type]} ${name('agents')}.`,
        facts: {
          ...{ actor, offboarded: type === 'agent.offboarded' || type === 'agent.reinstated' },
          ...pick(data, 'registration', 'hold', 'agents', 'note'),
        },
      }
    case 'kill.set':
      return {
        summary: `${actor} killed the ${name('scope')} ${name('value')}: nothing is given out in it until the kill is lifted.`,
        facts: { actor, ...pick(data, 'hold', 'scope', 'value', 'why', 'by') },
      }
    case 'kill.enforced':
      return {
        summary: `Every deny of the kill ${name('hold')} is in force, or its last session is over.`,
        facts: pick(data, 'hold', 'afterMs'),
      }
    case 'kill.lifted':
      return {
        summary: `${actor} lifted the kill ${name('hold')}; grants are given again in its scope.`,
        facts: { actor, ...pick(data, 'hold', 'note', 'setBy', 'since', 'alone') },
      }
    case 'kill.lift_refused':
      return {
        summary: `${actor} wanted to lift the kill ${name('hold')} alone and was refused.`,
        facts: { actor, refused: true, ...pick(data, 'hold', 'note') },
      }
    case 'ledger.quarantined':
      return {
        summary: 'The ledger was set back to an earlier state. Nothing is granted until an operator opens it.',
        facts: pick(data, 'number', 'reason', 'found'),
      }
    case 'ledger.opened':
      return {
        summary: `${actor} opened the ledger that was set back; grants are given again.`,
        facts: { ...pick(data, 'number', 'acceptedRisk'), actor },
      }
    case 'notices.held':
      return {
        summary: `The ledger was set back: ${name('count')} notices for ${name('endpoint')} wait as dead letters, since they may have been sent before.`,
        facts: pick(data, 'endpoint', 'count', 'quarantine'),
      }
    case 'endpoint.disabled':
      return {
        summary: `The receiver ${name('endpoint')} answered 410 Gone; nothing is sent to it any more.`,
        facts: { part: `notices:${name('endpoint')}` },
      }
    case 'part.broken':
      return {
        summary: `The part ${name('part')} of a broker has a problem since ${name('since')}: ${name('code')}.`,
        facts: pick(data, 'part', 'code', 'explanation', 'since', 'replica'),
      }
    case 'part.recovered':
      return {
        summary: `The part ${name('part')} of a broker works again after ${name('brokenSeconds')} s.`,
        facts: pick(data, 'part', 'since', 'brokenSeconds', 'replica'),
      }
    case 'ledger.writable':
      return {
        summary: `The ledger can be written again; it could not since ${name('since')}.`,
        facts: { part: 'ledger_writes', ...pick(data, 'since', 'failures') },
      }
    default:
      return { summary: `${type}.`, facts: {} }
  }
}

const SERVICE_ACTS = {
  'agent.suspended': 'suspended',
  'agent.offboarded': 'offboarded',
  'agent.resumed': 'resumed',
  'agent.reinstated': 'reinstated',
} as const

const OUTCOMES: Readonly<Partial<Record<EventType, string>>> = {
  'approval.approved': 'approved',
  'approval.rejected': 'rejected',
  'approval.withdrawn': 'withdrawn',
  'approval.expired': 'expired',
  'approval.voided': 'voided',
}

function decided({ type, actor }: AuditEvent, data: Data, agent: string): Described {
  const outcome = OUTCOMES[type as EventType] ?? ''
  const id = text(data.approvalId)
  const by = actor.startsWith('operator:') ? ` by ${actor}` : ''
  return {
    summary: `The question of ${agent} is closed: ${outcome}${by}.`,
    approval: { id, outcome },
    // The note of a withdrawal is the agent's own.
    facts: { actor, ...(outcome === 'withdrawn' ? {} : pick(data, 'note', 'because', 'by', 'voters', 'changes')) },
  }
}

/** These members of the data, as far as they are there; texts are cut. */
function pick(data: Data, ...names: string[]): Facts {
  const found = names.flatMap((name) => {
    const value = data[name]
    return value === undefined ? [] : [[name, bounded(value)] as const]
  })
  return Object.fromEntries(found)
}

/** Cuts a list to its first entries, and a text to its first characters. */
function bounded(value: Json): Json {
  if (Array.isArray(value)) return value.slice(0, MAX_LISTED).map(bounded)
  return typeof value === 'string' ? cut(value) : value
}

function text(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? cut(String(value)) : ''
}

function cut(value: string): string {
  return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
}
