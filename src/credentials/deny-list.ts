import type { DenyListContent } from './provider.ts'

/** A grant that has to stay denied, and the newest instant at which one of its sessions can have been issued. */
export interface DenyCandidate {
  readonly grantId: string
  readonly lastIssuedAt: Date
}

/**
 * The whole list that a policy document has to hold. Every entry is either listed by name or covered by the watermark. When
 * not all fit, the newest stay in the list and a watermark covers the oldest, since it also cuts the innocent sessions
 * that are older than it, which then renew.
 *
 * No clock is read: what is denied must not hang on this machine's, which may have jumped.
 *
 * The watermark is above the issue time of all that it covers, never goes down while an entry that it may cover lives, and
 * goes away when none is left.
 *
 * @param input.entries all grants that must be denied now; those whose last session is over are not in it.
 * @param input.fits whether the document has room for a list.
 * @param input.currentWatermark the one that the document may hold now.
 * @param input.marginMs between the newest covered session and the watermark, at least a second since aws:TokenIssueTime
 *   has whole seconds. Choose more where issue times come from a clock that may be behind AWS's.
 * @returns `grants` newest first. If not even the watermark alone fits, the list is empty and the write will be refused.
 */
export function planDenyList(input: {
  readonly entries: readonly DenyCandidate[]
  readonly fits: (list: DenyListContent) => boolean
  readonly currentWatermark?: Date
  readonly marginMs?: number
}): DenyListContent {
  const marginMs = Math.max(1_000, input.marginMs ?? 1_000)
  const entries = newestFirst(input.entries)
  const floorMs = keptWatermarkMs(entries, input.currentWatermark)
  const candidate = (listed: number) => listOf(entries, listed, floorMs, marginMs)
  const all = candidate(entries.length)
  if (input.fits(all)) return all
  // The largest number of listed entries that fits; a longer list is never smaller, so halving finds it.
  let fitting = 0
  let tooMany = entries.length
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2)
    if (input.fits(candidate(middle))) fitting = middle
    else tooMany = middle
  }
  return candidate(fitting)
}

/** The first `listed` entries by name, the rest by a watermark; an entry that the watermark covers is not named. */
function listOf(entries: readonly DenyCandidate[], listed: number, floorMs: number, marginMs: number): DenyListContent {
  const oldest = entries[listed]
  const neededMs = oldest ? wholeSecondMs(oldest.lastIssuedAt.getTime() + marginMs) : Number.NEGATIVE_INFINITY
  const watermarkMs = Math.max(floorMs, neededMs)
  const named = entries.slice(0, listed).filter((entry) => entry.lastIssuedAt.getTime() + marginMs > watermarkMs)
  return {
    grants: named.map((entry) => entry.grantId),
    ...(Number.isFinite(watermarkMs) ? { watermark: new Date(watermarkMs) } : {}),
  }
}

/** The present watermark as long as some entry was issued before it, else nothing. */
function keptWatermarkMs(entries: readonly DenyCandidate[], current: Date | undefined): number {
  if (!current) return Number.NEGATIVE_INFINITY
  const covers = entries.some((entry) => entry.lastIssuedAt.getTime() < current.getTime())
  return covers ? wholeSecondMs(current.getTime()) : Number.NEGATIVE_INFINITY
}

function newestFirst(entries: readonly DenyCandidate[]): DenyCandidate[] {
  const newest = new Map<string, DenyCandidate>()
  for (const entry of entries) {
    const known = newest.get(entry.grantId)
    if (!known || known.lastIssuedAt < entry.lastIssuedAt) newest.set(entry.grantId, entry)
  }
  return [...newest.values()].sort((a, b) => b.lastIssuedAt.getTime() - a.lastIssuedAt.getTime())
}

function wholeSecondMs(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000
}
