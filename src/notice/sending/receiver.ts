import type { Notice, NoticeMark } from '../../ledger/notices/notice-records.ts'
import { matchCovers } from '../../registry/agent-match.ts'
import type { Happening, NoticeContent } from '../types/notice-content.ts'
import type { NoticeType } from '../types/notice-types.ts'

/** The filter of an endpoint. All members that are given must match; of a list, one entry. */
export interface NoticeFilter {
  readonly teams?: readonly string[] | undefined
  readonly owners?: readonly string[] | undefined
  /** As `matchCovers` reads them. */
  readonly agents?: readonly string[] | undefined
  readonly classes?: readonly string[] | undefined
  /** Labels that the plan touches. */
  readonly labels?: readonly string[] | undefined
  /** Accounts of the role. */
  readonly accounts?: readonly string[] | undefined
}

/** A place that notices are sent to, with the settings of now. */
export interface Receiver {
  readonly name: string
  /** For people, e.g. the host; never a secret part of a URL. */
  readonly target: string
  readonly types: readonly NoticeType[]
  readonly filter: NoticeFilter
  /** It is told of questions that nobody has answered for so long. */
  readonly escalations: readonly { readonly afterMs: number; readonly filter: NoticeFilter }[]
  /** Notices of a question are sent one after the other, so that a message can follow its question. */
  readonly oneByQuestion?: boolean
  readonly timeoutMs: number
  readonly retryMs: number
  send(message: OutgoingNotice, signal: AbortSignal): Promise<Sent>
}

/** A notice as it is sent. */
export interface OutgoingNotice extends Pick<Notice, 'id' | 'count' | 'attempts'> {
  readonly type: string
  readonly content: NoticeContent
}

/** The outcome of an attempt. */
export type Sent =
  | { readonly kind: 'delivered'; readonly marks?: readonly NoticeMark[] }
  | {
      readonly kind: 'failed'
      readonly error: string
      /** True if the next notice would fail too; false if the receiver did not take this one. */
      readonly isEndpoint: boolean
      /** The receiver asked for this pause. */
      readonly retryAfterMs?: number
    }
  /** The receiver wants nothing more, ever. */
  | { readonly kind: 'gone'; readonly error: string }

/** True if a filter lets a happening through. One without such a fact does not pass. */
export function passes(filter: NoticeFilter, { content }: Pick<Happening, 'content'>): boolean {
  const { grant, agent } = content
  const has = (wanted: readonly string[] | undefined, found: readonly (string | undefined)[]) =>
    wanted === undefined || found.some((one) => one !== undefined && wanted.includes(one))
  return (
    has(filter.teams, [grant?.team]) &&
    has(filter.owners, [grant?.owner]) &&
    has(filter.classes, grant?.classes ?? []) &&
    has(filter.labels, grant?.labels ?? []) &&
    has(filter.accounts, [grant?.account]) &&
    (filter.agents === undefined || (agent !== undefined && filter.agents.some((match) => matchCovers(match, agent))))
  )
}

/** The part of an endpoint, as the status names it. */
export function endpointPart(name: string): string {
  return `notices:${name}`
}
