import type { Clock } from '../core/clock.ts'
import { asStintError } from '../core/errors.ts'
import { backoffMs } from '../core/limits/backoff.ts'
import { failpoint } from '../core/process/failpoint.ts'
import { planDenyList } from '../credentials/deny-list.ts'
import type { CredentialProvider, DenyList } from '../credentials/provider.ts'
import { auditEvent } from '../ledger/events.ts'
import type { ClaimedDenyTarget, Ledger } from '../ledger/ledger.ts'
import type { WatchHub } from './watch-grant.ts'

/** A replica that dies with a claim gives it back by not being heard of for this long. */
const CLAIM_MS = 30_000
const FIRST_BACKOFF_MS = 1_000
const LONGEST_BACKOFF_MS = 60_000
/** Entries that are no longer needed leave the document together, at the latest this long after the first could. */
const PRUNE_BATCH_MS = 60_000

/** What the one writer of deny lists works with. */
export interface DenyReconcilerParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly clock: Clock
  readonly hub: WatchHub
  /** Names this process on its claims. */
  readonly owner: string
  /** 0 to 1, for jitter. */
  readonly random: () => number
  /** A deny list that cannot be written has the component `deny:<target>` until a write of it succeeds. */
  readonly onProblem: (problem: { component: string; error: unknown }) => void
  /** The component works again. */
  readonly onWell: (component: string) => void
}

/**
 * Begins to bring every due deny target to what the ledger wants. One writer per target by claim; each write is the whole
 * list, so a repeat after a crash is harmless. A target that fails backs off alone, and one that hangs keeps nobody waiting.
 *
 * @param begun is given each write as it begins; it never rejects. What fails, the ledger included, is a problem of that
 *   target until a write of it is done and on record: the next pass, which may have nothing to write, says nothing of it.
 */
export async function beginDenyWrites(
  parts: DenyReconcilerParts,
  signal: AbortSignal,
  begun: (write: Promise<void>) => void,
): Promise<void> {
  while (!signal.aborted) {
    const now = parts.clock.now()
    const claimUntil = new Date(now.getTime() + CLAIM_MS)
    const claimed = await parts.ledger.claimDenyTarget({ owner: parts.owner, now, claimUntil })
    if (!claimed) return
    begun(reconcile(parts, claimed, signal).catch((error: unknown) => tellProblem(parts, claimed, error)))
  }
}

async function reconcile(parts: DenyReconcilerParts, claimed: ClaimedDenyTarget, signal: AbortSignal): Promise<void> {
  const { ledger, provider, clock } = parts
  const { target, entries, expired } = claimed
  let list: DenyList
  try {
    list = planDenyList({
      entries,
      ...(target.watermark ? { currentWatermark: target.watermark } : {}),
      fits: (candidate) => provider.fits(target.target, candidate),
    })
    failpoint('reconcile.before_write')
    await provider.writeDenyList(target.target, list, signal)
    failpoint('reconcile.after_write')
  } catch (thrown) {
    await recordFailure(parts, claimed, thrown)
    return
  }
  const at = clock.now()
  const nextAttemptAt = findNextPrune(claimed)
  await ledger.denyWritten({
    target: target.target,
    claimVersion: target.claimVersion,
    grantIds: entries.map((entry) => entry.grantId),
    removedGrantIds: expired.map((entry) => entry.grantId),
    ...(list.watermark ? { watermark: list.watermark } : {}),
    at,
    ...(nextAttemptAt ? { nextAttemptAt } : {}),
    events: [auditEvent('deny.written', { at, actor: 'stint', data: toWrittenData(claimed, list) })],
  })
  failpoint('reconcile.after_record')
  parts.onWell(`deny:${target.target}`)
  // Not only with a new watermark: that of a target that was mended has been in the ledger since it was claimed.
  if (list.watermark) parts.hub.allChanged()
}

async function recordFailure(parts: DenyReconcilerParts, claimed: ClaimedDenyTarget, thrown: unknown): Promise<void> {
  const { ledger, clock, random } = parts
  const { target, entries } = claimed
  const error = asStintError(thrown)
  tellProblem(parts, claimed, error)
  const at = clock.now()
  const limits = { baseMs: FIRST_BACKOFF_MS, capMs: LONGEST_BACKOFF_MS, random, leastShare: 0.5 }
  const nextAttemptAt = new Date(at.getTime() + backoffMs(target.attempts + 1, limits))
  const data = {
    target: target.target,
    code: error.code,
    attempt: target.attempts + 1,
    waiting: entries.length,
    nextAttemptAt: nextAttemptAt.toISOString(),
  }
  await ledger.denyFailed({
    target: target.target,
    claimVersion: target.claimVersion,
    error: error.message,
    at,
    nextAttemptAt,
    events: [auditEvent('deny.failed', { at, actor: 'stint', data })],
  })
}

function tellProblem({ onProblem }: DenyReconcilerParts, { target }: ClaimedDenyTarget, error: unknown): void {
  onProblem({ component: `deny:${target.target}`, error })
}

function findNextPrune({ entries }: ClaimedDenyTarget): Date | undefined {
  if (entries.length === 0) return undefined
  return new Date(Math.min(...entries.map((entry) => entry.until.getTime())) + PRUNE_BATCH_MS)
}

function toWrittenData(
  { target, entries, expired }: ClaimedDenyTarget,
  list: { grants: readonly string[]; watermark?: Date },
) {
  return {
    target: target.target,
    listed: list.grants.length,
    wanted: entries.length,
    removed: expired.length,
    ...(list.watermark ? { watermark: list.watermark.toISOString() } : {}),
  }
}
