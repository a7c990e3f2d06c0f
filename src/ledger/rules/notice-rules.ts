import type { EndpointNews, NewNotice, Notice, NoticeEndpoint, NoticeOutcome } from '../notices/notice-records.ts'

/** A claim that ends later than this is damage: it would never end, so it counts as over. */
const FARTHEST_CLAIM_MS = 3_600_000

/** An endpoint that is told of events after a position. */
export function newEndpoint(name: string, position: number, quarantine: number): NoticeEndpoint {
  return { name, position, quarantine, failures: 0 }
}

/** True while nothing is sent to the endpoint. */
export function isHeldUp({ disabledAt, pausedUntil }: NoticeEndpoint, now: Date): boolean {
  return disabledAt !== undefined || (pausedUntil !== undefined && pausedUntil > now)
}

/**
 * What is stored for a new notice.
 *
 * @param waiting the notice of the same key that is due first: one that was never sent, and is due no later, takes the new one
 *   in, so that it stands for both
 */
export function addedNotice(added: NewNotice, waiting: Notice | undefined): Notice {
  if (waiting && waiting.attempts === 0 && waiting.dueAt && waiting.dueAt <= added.dueAt)
    return { ...waiting, count: waiting.count + added.count }
  return { ...added, attempts: 0 }
}

/** True for a notice that nobody sends now. */
export function isFree({ claimedUntil }: Notice, now: Date): boolean {
  if (claimedUntil === undefined || claimedUntil <= now) return true
  return claimedUntil.getTime() > now.getTime() + FARTHEST_CLAIM_MS
}

/** Chooses the due notices to send now: one of each key, and none whose key is being sent. */
export function claimable(due: readonly Notice[], now: Date, sent: ReadonlySet<string>, limit: number): Notice[] {
  const taken = new Set(sent)
  const chosen: Notice[] = []
  for (const notice of due) {
    if (chosen.length === limit) break
    if (!isFree(notice, now) || (notice.key !== undefined && taken.has(notice.key))) continue
    if (notice.key !== undefined) taken.add(notice.key)
    chosen.push(notice)
  }
  return chosen
}

/** The notice while a replica sends it. */
export function claimedNotice(notice: Notice, claim: { readonly owner: string; readonly claimUntil: Date }): Notice {
  return { ...notice, attempts: notice.attempts + 1, claimedBy: claim.owner, claimedUntil: claim.claimUntil }
}

/**
 * The notice after an attempt: `removed`, changed, or undefined if the attempt says nothing about it any more, since its claim
 * was over and somebody else has taken it.
 */
export function settledNotice(
  notice: Notice,
  outcome: NoticeOutcome,
  { owner, at }: { readonly owner: string; readonly at: Date },
): Notice | 'removed' | undefined {
  // Whoever delivered it: it has arrived.
  if (outcome.end === 'delivered') return 'removed'
  if (notice.claimedBy !== owner || notice.attempts !== outcome.attempts) return undefined
  if (outcome.end === 'dropped') return 'removed'
  if (outcome.end === 'dead') return deadNotice(notice, outcome.error, at)
  const { awaitsEndpoint: _, ...free } = withoutClaim(notice)
  const { dueAt, error, awaitsEndpoint } = outcome
  return { ...free, dueAt, lastError: error, ...(awaitsEndpoint && { awaitsEndpoint }) }
}

/** The notice as a dead letter. */
export function deadNotice(notice: Notice, error: string, at: Date): Notice {
  const { awaitsEndpoint: _, dueAt: __, ...rest } = withoutClaim(notice)
  return { ...rest, lastError: error, deadAt: at }
}

/** A dead letter that is sent again as if it were new. */
export function resentNotice(
  notice: Notice,
  { at, retryUntil }: { readonly at: Date; readonly retryUntil: Date },
): Notice {
  const { deadAt: _, lastError: __, ...rest } = withoutClaim(notice)
  return { ...rest, attempts: 0, dueAt: at, retryUntil }
}

function withoutClaim({ claimedBy: _, claimedUntil: __, ...notice }: Notice): Notice {
  return notice
}

/** The endpoint after attempts. */
export function endpointAfter(endpoint: NoticeEndpoint, news: EndpointNews, at: Date): NoticeEndpoint {
  const { failures, failingSince = at, lastError: _, pausedUntil: __, disabledAt: ___, ...rest } = endpoint
  if (news.kind === 'well') {
    const { failingSince: ____, ...well } = { failingSince, ...rest }
    return { ...well, failures: 0, deliveredAt: at }
  }
  const failed = { ...rest, failures: failures + 1, failingSince, lastError: news.error }
  if (news.kind === 'gone') return { ...failed, disabledAt: at }
  return { ...failed, pausedUntil: news.pausedUntil }
}

/** The endpoint of a ledger that was set back; undefined if that is known. */
export function endpointSetBack(
  endpoint: NoticeEndpoint,
  { quarantine, before }: { readonly quarantine: number; readonly before: Date },
): NoticeEndpoint | undefined {
  return endpoint.quarantine >= quarantine ? undefined : { ...endpoint, quarantine, heldBefore: before }
}
