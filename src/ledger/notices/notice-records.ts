import type { AuditEventInput } from '../events/audit-event.ts'
import type { AuditEvent } from '../records.ts'

/** A place that notices are sent to, as the ledger knows it. Its URL and its secret are in the configuration alone. */
export interface NoticeEndpoint {
  readonly name: string
  /** Position of the last event that it has been told of, or that is not for it. */
  readonly position: number
  /** Number of the latest quarantine whose older notices were held back; 0 for none. */
  readonly quarantine: number
  /** Events from before this instant are held back: the ledger was set back, and they may have been told already. */
  readonly heldBefore?: Date
  /** Failed attempts in a row. */
  readonly failures: number
  /** When the first of those attempts failed. */
  readonly failingSince?: Date
  readonly lastError?: string
  /** Nothing is sent before then. */
  readonly pausedUntil?: Date
  readonly deliveredAt?: Date
  /** It answered 410 Gone: nothing is sent until an operator tests it with success. */
  readonly disabledAt?: Date
}

/** One message on its way to one endpoint. It stays until it is delivered, or is removed by retention. */
export interface Notice {
  /** The same in every attempt, so that a receiver can drop a repeated one. */
  readonly id: string
  readonly endpoint: string
  /** A type of NOTICE_TYPES. */
  readonly type: string
  /** Notices of one endpoint with the same key are sent one after the other; one that was not sent yet takes in the next. */
  readonly key?: string
  /** JSON, whose form is the sender's own. */
  readonly content: string
  /** Number of happenings it stands for. */
  readonly count: number
  readonly createdAt: Date
  /** Given up after the attempt that fails at or after this instant. */
  readonly retryUntil: Date
  /** Not sent before then. Missing for a dead letter. */
  readonly dueAt?: Date
  readonly attempts: number
  /** The last attempt failed because the endpoint did: once it works again, the notice is due at once. */
  readonly awaitsEndpoint?: true
  /** The replica that sends it now, and until when nobody else does. */
  readonly claimedBy?: string
  readonly claimedUntil?: Date
  readonly lastError?: string
  /** When it was given up. */
  readonly deadAt?: Date
}

/** A notice as it is added. */
export type NewNotice = Omit<
  Notice,
  'attempts' | 'awaitsEndpoint' | 'claimedBy' | 'claimedUntil' | 'lastError' | 'deadAt'
> & {
  readonly dueAt: Date
}

/** The end of one attempt. */
export type NoticeOutcome = Pick<Notice, 'id' | 'attempts'> &
  (
    | { readonly end: 'delivered' }
    /** It has no meaning any more, e.g. a reminder of a question that was answered. */
    | { readonly end: 'dropped' }
    | { readonly end: 'again'; readonly dueAt: Date; readonly error: string; readonly awaitsEndpoint: boolean }
    | { readonly end: 'dead'; readonly error: string }
  )

/** The state of an endpoint, as its attempts have shown it. */
export type EndpointNews =
  | { readonly kind: 'well' }
  | { readonly kind: 'failed'; readonly error: string; readonly pausedUntil: Date }
  | { readonly kind: 'gone'; readonly error: string }

/** An endpoint, with what waits for it. */
export interface NoticeEndpointView extends NoticeEndpoint {
  /** Notices that are sent, or are to be sent at some time. */
  readonly waiting: number
  readonly dead: number
}

/** The writes of notices; each is one atomic unit, as all writes of the ledger. */
export interface NoticeWrites {
  /**
   * Adds the notices that events have led to, and notes how far the events were read. The first call for an endpoint has no
   * `from`, and begins to count there.
   *
   * @returns false if another replica has read on from `from`; then nothing is changed
   */
  keepNotices(input: {
    readonly endpoint: string
    readonly from?: number
    readonly to: number
    /** With the first call: the number of the latest quarantine. */
    readonly quarantine?: number
    readonly notices: readonly NewNotice[]
  }): Promise<boolean>
  /** Takes notices that are due, the longest due first, until a deadline. Nothing while the endpoint is paused or disabled. */
  claimNotices(input: {
    readonly endpoint: string
    readonly owner: string
    readonly now: Date
    readonly claimUntil: Date
    readonly limit: number
  }): Promise<readonly Notice[]>
  /** Records how attempts ended. One whose claim somebody else has by now changes nothing unless it was delivered. */
  settleNotices(input: {
    readonly endpoint: string
    readonly owner: string
    readonly at: Date
    readonly outcomes: readonly NoticeOutcome[]
    readonly news?: EndpointNews
    /** Facts that a delivered notice leaves for later ones, e.g. the id of a message, under a key that the sender chooses. */
    readonly marks?: readonly NoticeMark[]
    readonly events?: readonly AuditEventInput[]
  }): Promise<void>
  /**
   * The ledger was set back: what waits for the endpoint becomes dead letters, and so do notices of events from before `before`.
   *
   * @returns how many notices that were; 0, too, if it was done before
   */
  holdNotices(input: {
    readonly endpoint: string
    readonly quarantine: number
    readonly before: Date
    readonly at: Date
    readonly error: string
  }): Promise<number>
  /** Sends dead letters again, of one endpoint or one by its id. @returns how many they are, at most `limit` */
  resendNotices(input: {
    readonly endpoint: string
    readonly id?: string
    readonly at: Date
    readonly retryUntil: Date
    readonly limit: number
    readonly by: `operator:${string}`
  }): Promise<number>
  /** Records something once: the mark and the events of it. @returns false if it is on record */
  noteOnce(input: { readonly mark: NoticeMark; readonly events: readonly AuditEventInput[] }): Promise<boolean>
  /** Forgets notices made before `before` that nobody will send, and marks that are over. @returns how many notices */
  pruneNotices(input: {
    /** Those of other endpoints go too, whatever their state. */
    readonly endpoints: readonly string[]
    readonly before: Date
    readonly now: Date
  }): Promise<number>
}

/** A fact about something that was noticed, kept until an instant. */
export interface NoticeMark {
  readonly key: string
  readonly value: string
  readonly until: Date
}

/** The reads of notices. */
export interface NoticeReads {
  /** By name. */
  noticeEndpoints(): Promise<readonly NoticeEndpointView[]>
  /** True if `claimNotices` would give some. */
  hasDueNotices(input: { readonly endpoint: string; readonly now: Date }): Promise<boolean>
  /** Dead letters, newest first; `after` is the id of the last one of the page before. */
  deadNotices(input: {
    readonly endpoint?: string
    readonly after?: string
    readonly limit: number
  }): Promise<readonly Notice[]>
  noticeMark(key: string): Promise<NoticeMark | undefined>
  /** Events of these types after a position in order, at most `limit`, and the position up to which the record was searched. */
  eventsOfTypes(input: {
    readonly types: readonly string[]
    readonly afterPosition: number
    readonly limit: number
  }): Promise<{ readonly events: readonly AuditEvent[]; readonly position: number }>
}
