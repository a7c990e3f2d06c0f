import type { EventType } from '../../ledger/events/audit-event.ts'
import type { AuditEvent } from '../../ledger/records.ts'

/** One type of notice. */
export interface NoticeTypeSpec {
  /** Its meaning for a receiver, as one sentence. */
  readonly about: string
  /** The events of the record that it is made from. */
  readonly from: readonly EventType[]
  /** Which of these events; all of them unless given. */
  readonly when?: (event: AuditEvent) => boolean
  /** Number of notices of one agent that are sent one by one in a minute; the rest of that minute is one notice. */
  readonly perMinute: number
}

type Data = Readonly<Record<string, unknown>>

/** The notices that an agent causes are bounded for each agent, so that none can bury the others' notices. */
const FEW = 1
const SOME = 30

/** Failed writes in a row of a deny list, at which it counts as stuck: soon, then ever more seldom. */
const STUCK_AT = new Set([3, 10, 30, 100, 300, 1_000, 3_000, 10_000])

/**
 * Every type of notice. A name is part of the API: add types freely, never rename or reuse one. The table of docs/webhooks.md is
 * made of this one.
 */
export const NOTICE_TYPES = {
  'approval.asked': {
    about: 'A plan waits for a person to approve or reject it.',
    from: ['approval.requested'],
    perMinute: SOME,
  },
  'approval.voted': {
    about: 'A person approved or rejected a plan. The question may wait for further people.',
    from: ['approval.voted'],
    perMinute: SOME,
  },
  'approval.decided': {
    about: 'A question is closed: `outcome` is approved, rejected, withdrawn, expired or voided.',
    from: ['approval.approved', 'approval.rejected', 'approval.withdrawn', 'approval.expired', 'approval.voided'],
    perMinute: SOME,
  },
  'approval.lapsing': {
    about: 'A question still waits, and a part of its time is over (`notices.remindAt`). Not sent once it is closed.',
    from: ['approval.requested'],
    perMinute: SOME,
  },
  'approval.escalated': {
    about: 'Nobody has answered a question within the time of `notices.escalations`. Not sent once it is closed.',
    from: ['approval.requested'],
    perMinute: SOME,
  },
  'grant.issued': {
    about: 'The first credentials of a grant were issued.',
    from: ['lease.issued'],
    when: ({ data }) => (data as Data | undefined)?.number === 1,
    perMinute: SOME,
  },
  'grant.refused': {
    about: 'A request was denied by policy, or turned away before there was a grant.',
    from: ['grant.denied', 'grant.refused'],
    perMinute: FEW,
  },
  'grant.ended': {
    about: 'All credentials of a grant have stopped working.',
    from: ['grant.ended'],
    perMinute: SOME,
  },
  'revocation.stuck': {
    about:
      'A deny list could not be written several times in a row, or is written and not in force: revoked credentials may still work.',
    from: ['deny.failed', 'canary.failed'],
    when: isStuck,
    perMinute: SOME,
  },
  'deny_list.drift': {
    about: 'Somebody else changed the policy document of a deny list, or it belongs to another state of the ledger.',
    from: ['deny.changed', 'deny.withheld'],
    perMinute: SOME,
  },
  'agent.unregistered': {
    about: 'An agent with a valid identity asked, and no registration covers it, or its registration has ended.',
    from: ['agent.refused'],
    perMinute: FEW,
  },
  'agent.suspended': {
    about: 'Agents were suspended or offboarded: they get nothing. `offboarded` says which.',
    from: ['agent.suspended', 'agent.offboarded'],
    perMinute: SOME,
  },
  'agent.resumed': {
    about: 'Agents that were suspended or offboarded are served again.',
    from: ['agent.resumed', 'agent.reinstated'],
    perMinute: SOME,
  },
  'kill.set': {
    about: 'A scope was killed: nothing is given out in it.',
    from: ['kill.set'],
    perMinute: SOME,
  },
  'kill.enforced': {
    about: 'Every grant in the scope of a kill has ended, and every deny is in force or its last session is over.',
    from: ['kill.enforced'],
    perMinute: SOME,
  },
  'kill.lifted': {
    about: 'A kill was lifted, or whoever set it wanted to lift it alone and was refused (`refused`).',
    from: ['kill.lifted', 'kill.lift_refused'],
    perMinute: SOME,
  },
  'ledger.set_back': {
    about: 'The ledger was set back to an earlier state and gives nothing out, or it was opened again.',
    from: ['ledger.quarantined', 'ledger.opened'],
    perMinute: SOME,
  },
  'notices.held': {
    about:
      'The ledger was set back, so notices that may have been sent before wait as dead letters until somebody sends them again.',
    from: ['notices.held'],
    perMinute: SOME,
  },
  'part.broken': {
    about: 'A part of a broker has had a problem for 30 seconds, or a receiver of notices was disabled.',
    from: ['part.broken', 'endpoint.disabled'],
    perMinute: SOME,
  },
  'part.recovered': {
    about: 'A part of which `part.broken` told works again, or the ledger can be written again.',
    from: ['part.recovered', 'ledger.writable'],
    perMinute: SOME,
  },
} as const satisfies Record<string, NoticeTypeSpec>

/** The name of a type of notice. */
export type NoticeType = keyof typeof NOTICE_TYPES

/** The names of all types. */
export const NOTICE_TYPE_NAMES = Object.keys(NOTICE_TYPES) as NoticeType[]

/** The types that a receiver can choose. `approval.escalated` goes to those that `notices.escalations` names. */
export const CHOSEN_TYPES = NOTICE_TYPE_NAMES.filter((type) => type !== 'approval.escalated')

/** The type of a test message; no setting chooses it. */
export const TEST_TYPE = 'test'

/** The row of a type. */
export function noticeSpec(type: NoticeType): NoticeTypeSpec {
  return NOTICE_TYPES[type]
}

/** True for a pattern that names one of CHOSEN_TYPES: its name, `<family>.*` or `*`. */
export function isTypePattern(pattern: string): boolean {
  return expandTypePatterns([pattern]).length > 0
}

/** Those of CHOSEN_TYPES that patterns name. */
export function expandTypePatterns(patterns: readonly string[]): NoticeType[] {
  return CHOSEN_TYPES.filter((type) => patterns.some((pattern) => covers(pattern, type)))
}

function covers(pattern: string, type: string): boolean {
  return pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))
}

function isStuck({ type, data }: AuditEvent): boolean {
  const { attempt, waiting, code } = (data ?? {}) as Data
  if (type === 'canary.failed') return code === 'DENY_LIST_LATE'
  return typeof attempt === 'number' && STUCK_AT.has(attempt) && typeof waiting === 'number' && waiting > 0
}
