import type { Clock } from '../core/clock.ts'
import type { ClockGuard } from '../core/clock-guard.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { backoffMs } from '../core/limits/backoff.ts'
import { failpoint } from '../core/process/failpoint.ts'
import { type DenyCandidate, planDenyList } from '../credentials/deny-list.ts'
import type { CredentialProvider, DenyListContent } from '../credentials/provider.ts'
import { type AuditEventInput, auditEvent } from '../ledger/events.ts'
import type { ClaimedDenyList, Ledger } from '../ledger/ledger.ts'
import type { DenyEntry, DenyList } from '../ledger/records.ts'
import { isNeeded } from '../ledger/rules.ts'
import type { WatchHub } from './watch-grant.ts'

/** A replica that dies with a claim gives it back by not being heard of for this long. */
const CLAIM_MS = 30_000
const FIRST_BACKOFF_MS = 1_000
const LONGEST_BACKOFF_MS = 60_000
/** Entries that are no longer needed leave the document together, at the latest this long after the first could. */
const PRUNE_BATCH_MS = 60_000

/** Dependencies of the one writer of deny lists. */
export interface DenyReconcilerParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly clock: Clock
  readonly clockGuard: Pick<ClockGuard, 'earliestNow'>
  readonly hub: WatchHub
  /** Names this process on its claims. */
  readonly owner: string
  /** 0 to 1, for jitter. */
  readonly random: () => number
  /** A deny list that cannot be written has the component `deny:<list>` until a write of it succeeds. */
  readonly onProblem: (problem: { component: string; error: unknown }) => void
  /** The component works again. */
  readonly onWell: (component: string) => void
}

/**
 * Begins to bring every due deny list to what the ledger wants. One writer per list by claim; each write is the whole
 * list, so a repeat after a crash is harmless. A list that fails backs off alone, and one that hangs keeps nobody waiting.
 *
 * @param begun is given each write as it begins; it never rejects. What fails, the ledger included, is a problem of that
 *   list until a write of it is done and on record: the next pass, which may have nothing to write, says nothing of it.
 */
export async function beginDenyWrites(
  parts: DenyReconcilerParts,
  signal: AbortSignal,
  begun: (write: Promise<void>) => void,
): Promise<void> {
  while (!signal.aborted) {
    const now = parts.clock.now()
    const claimUntil = new Date(now.getTime() + CLAIM_MS)
    const claimed = await parts.ledger.claimDenyList({ owner: parts.owner, now, claimUntil })
    if (!claimed) return
    begun(reconcile(parts, claimed, signal).catch((error: unknown) => tellProblem(parts, claimed, error)))
  }
}

async function reconcile(parts: DenyReconcilerParts, claimed: ClaimedDenyList, signal: AbortSignal): Promise<void> {
  const { ledger, provider, clock, clockGuard } = parts
  const { list } = claimed
  // A clock that has jumped ahead would take entries off the list whose sessions still work.
  const certainNow = clockGuard.earliestNow()
  const entries = claimed.entries.filter((entry) => isNeeded(entry, certainNow))
  const expired = claimed.entries.filter((entry) => !isNeeded(entry, certainNow))
  let content: DenyListContent
  try {
    content = planDenyList({
      entries: entries.map(toCandidate),
      ...(list.watermark ? { currentWatermark: list.watermark } : {}),
      fits: (candidate, spare) => provider.fits(list.key, candidate, spare),
    })
    failpoint('reconcile.before_write')
    await provider.writeDenyList(list.key, content, signal)
    failpoint('reconcile.after_write')
  } catch (thrown) {
    await recordFailure(parts, claimed, thrown)
    return
  }
  const at = clockGuard.earliestNow()
  const nextAttemptAt = findNextPrune(entries, clock.now())
  await ledger.denyWritten({
    listKey: list.key,
    claimVersion: list.claimVersion,
    grantIds: entries.map((entry) => entry.grantId),
    byWatermark: listUnnamed(entries, content),
    agents: content.agents ?? [],
    removedGrantIds: expired.map((entry) => entry.grantId),
    ...(content.watermark ? { watermark: content.watermark } : {}),
    at,
    ...(nextAttemptAt ? { nextAttemptAt } : {}),
    events: toWrittenEvents({ ...claimed, entries }, expired.length, content, at),
  })
  failpoint('reconcile.after_record')
  parts.onWell(`deny:${list.key}`)
  tellWatermarks(parts, list, content)
}

/** Whom a watermark cuts has to renew; that it cuts everybody is a problem for as long as it stands. */
function tellWatermarks(
  { hub, onProblem, onWell }: DenyReconcilerParts,
  list: DenyList,
  content: DenyListContent,
): void {
  for (const { agent } of content.agents ?? []) hub.agentChanged(agent)
  const component = `deny:${list.key}:full`
  if (!content.watermark) {
    if (list.watermark) onWell(component)
    return
  }
  // Not only with a new watermark: that of a list that was mended has been in the ledger since it was claimed.
  hub.allChanged()
  const before = content.watermark.toISOString()
  const explanation = `The deny list is full beyond what watermarks of agents can cover: it cuts every session of its roles that was issued before ${before}. Give busy roles a boundary of their own, or let completed grants run out (grants.cutOnCompletion).`
  onProblem({ component, error: new StintError('DENY_LIST_FULL', { explanation, denyList: list.key, before }) })
}

function toCandidate({ grantId, lastIssuedAt, agent, namesAgent, chains, urgent }: DenyEntry): DenyCandidate {
  return {
    grantId,
    lastIssuedAt,
    ...(agent === undefined ? {} : { agent }),
    named: namesAgent === true,
    chains: chains === true,
    urgent: urgent === true,
  }
}

function listUnnamed(entries: readonly DenyEntry[], { grants }: DenyListContent): string[] {
  const named = new Set(grants)
  return entries.flatMap(({ grantId }) => (named.has(grantId) ? [] : [grantId]))
}

async function recordFailure(parts: DenyReconcilerParts, claimed: ClaimedDenyList, thrown: unknown): Promise<void> {
  const { ledger, clock, random } = parts
  const { list, entries } = claimed
  const error = asStintError(thrown)
  tellProblem(parts, claimed, error)
  const at = clock.now()
  const limits = { baseMs: FIRST_BACKOFF_MS, capMs: LONGEST_BACKOFF_MS, random, leastShare: 0.5 }
  const nextAttemptAt = new Date(at.getTime() + backoffMs(list.attempts + 1, limits))
  const data = {
    denyList: list.key,
    code: error.code,
    attempt: list.attempts + 1,
    waiting: entries.length,
    nextAttemptAt: nextAttemptAt.toISOString(),
  }
  await ledger.denyFailed({
    listKey: list.key,
    claimVersion: list.claimVersion,
    error: error.message,
    at,
    nextAttemptAt,
    events: [auditEvent('deny.failed', { at, actor: 'stint', data })],
  })
}

function tellProblem({ onProblem }: DenyReconcilerParts, { list }: ClaimedDenyList, error: unknown): void {
  onProblem({ component: `deny:${list.key}`, error })
}

function findNextPrune(entries: readonly DenyEntry[], now: Date): Date | undefined {
  if (entries.length === 0) return undefined
  const nextMs = Math.min(...entries.map((entry) => entry.until.getTime()))
  return new Date(Math.max(nextMs, now.getTime()) + PRUNE_BATCH_MS)
}

/** What was written, and who came under a watermark with it or left one. */
function toWrittenEvents(
  { list, agents, entries }: ClaimedDenyList,
  removed: number,
  content: DenyListContent,
  at: Date,
): AuditEventInput[] {
  const head = { at, actor: 'stint' } as const
  const denyList = list.key
  const [before, now] = [agents, content.agents ?? []].map((all) => new Set(all.map(({ agent }) => agent)))
  const came = (content.agents ?? []).filter(({ agent }) => !before?.has(agent))
  const left = agents.filter(({ agent }) => !now?.has(agent))
  const data = {
    denyList,
    listed: content.grants.length,
    wanted: entries.length,
    removed,
    agents: content.agents?.length ?? 0,
    ...(content.watermark ? { watermark: content.watermark.toISOString() } : {}),
  }
  return [
    auditEvent('deny.written', { ...head, data }),
    ...came.map((one) =>
      auditEvent('agent_watermark.set', {
        ...head,
        data: { denyList, agent: one.agent, before: one.before.toISOString() },
      }),
    ),
    ...left.map(({ agent }) => auditEvent('agent_watermark.lifted', { ...head, data: { denyList, agent } })),
    ...(content.watermark && !list.watermark
      ? [auditEvent('common_watermark.set', { ...head, data: { denyList, before: content.watermark.toISOString() } })]
      : []),
    ...(list.watermark && !content.watermark
      ? [auditEvent('common_watermark.lifted', { ...head, data: { denyList } })]
      : []),
  ]
}
