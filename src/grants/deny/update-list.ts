import { StintError } from '../../core/errors.ts'
import { earlier, later } from '../../core/instant.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import type { DenyCandidate } from '../../credentials/deny-list.ts'
import { spreadDenyList } from '../../credentials/deny-spread.ts'
import type { DenyListContent } from '../../credentials/provider.ts'
import type { ClaimedDenyList } from '../../ledger/ledger.ts'
import type { DenyEntry, DenyList, Quarantine, QuarantineCut } from '../../ledger/records.ts'
import { canBeProven, isNeeded } from '../../ledger/rules/deny-list-rules.ts'
import { cutAfterPass, takesOver, wantedCut } from '../../ledger/rules/quarantine-rules.ts'
import type { DenyCanaries } from '../canaries/deny-canaries.ts'
import type { LifeSettings } from '../lifecycle.ts'
import { type DocumentParts, type ListDocument, ListDocuments } from './list-documents.ts'
import { isClaimLost, type WriteClaim } from './write-claim.ts'
import { writeInOrder } from './write-in-order.ts'

/** Each document is read at least so often: somebody else may have changed it, and entries may be over. */
const LOOK_MS = 60_000
const SOONEST_LOOK_MS = 1_000
/** The same for a document that its canary is still allowed by. */
const PROBED_LOOK_MS = 10_000
/** After so long in a pass nothing more is begun, since another write must have ended before the claim does. */
const BEGIN_WITHIN_MS = 15_000

/** The result of a pass over one list. */
export interface ListUpdate {
  /** Entries that its documents have to hold. */
  readonly entries: readonly DenyEntry[]
  /** Those of them that some document holds by now. */
  readonly held: readonly DenyEntry[]
  /** Those of them that the document with the canary holds by itself: no other document is shown to be in force by it. */
  readonly provable: readonly DenyEntry[]
  /** Entries that have left it. */
  readonly expired: readonly DenyEntry[]
  readonly content: DenyListContent
  /** The grant of a canary's session that the first document denies besides. */
  readonly canary: string | undefined
  readonly documents: ListDocuments
  readonly at: Date
  /** An entry written by this instant and found in place by this pass has settled. Missing where a canary has to prove it. */
  readonly settledBy: Date | undefined
  /** Entries that were on record as written and that this pass did not find in a document as it was left. */
  readonly anew: readonly DenyEntry[]
  /** The cut of a quarantine that the list has; missing when it never had one. */
  readonly cut: QuarantineCut | undefined
  /** When the list has to be looked at again, at the latest. */
  readonly againInMs: number
}

/** Dependencies of a pass over one list. */
export interface UpdateParts extends DocumentParts {
  readonly settings: Pick<LifeSettings, 'settleMs'>
  readonly proofs?: Pick<DenyCanaries, 'choose' | 'isProbed'> | undefined
}

/**
 * Reads the documents, works out what they have to hold as of the cloud's time of the answers, and writes those that differ. An
 * entry leaves only when the cloud's own clock is past its end: ours may have jumped, or may be wrong. Where one of several
 * documents fails, the others hold what it would have to.
 */
export async function updateList(
  parts: UpdateParts,
  claimed: Pick<ClaimedDenyList, 'list' | 'entries'> & {
    readonly claim: WriteClaim
    /** The latest one of the ledger. */
    readonly quarantine: Quarantine | undefined
  },
  signal: AbortSignal,
): Promise<ListUpdate> {
  const { provider, clock, clockGuard, proofs, settings } = parts
  const { list, quarantine } = claimed
  const beganMs = clock.monotonicMs()
  const documents = new ListDocuments(parts, claimed, { signal, takesOver: takesOver(quarantine, list.cut) })
  await documents.read()
  const { cut, isCutFound, floor } = decideCut(parts, claimed, documents)
  // Answers whose Date is ahead let nothing go that our own clocks say is not over.
  const certain = documents.readAt && earlier(documents.readAt, clockGuard.earliestNow())
  const isOver = (entry: DenyEntry) => certain !== undefined && !isNeeded(entry, certain)
  const expired = claimed.entries.filter(isOver)
  const entries = claimed.entries.filter((entry) => !isOver(entry))
  const candidates = entries.map(toCandidate)
  documents.findChanges((document) =>
    claimed.entries.some((entry) => entry.writtenAt && !isOver(entry) && !isElsewhere(entry, document, documents)),
  )
  const settledBy = findSettled(parts, list.key, certain)
  const anew = entries.filter((entry, at) => entry.writtenAt && !isInPlace(candidates[at], documents.all))
  const canary = proofs?.choose(
    list.key,
    entries.filter((_, at) => !isBeyondCanary(candidates[at], documents.all)),
  )
  const complete = (key: string, part: DenyListContent) => (key === list.key ? withCanary(part, canary) : part)
  const fits = (key: string, content: DenyListContent, spare?: number) => provider.fits(key, content, spare)
  const order = {
    ...{ documents, entries: candidates, fits },
    beforeWrite: () => failpoint('reconcile.before_write'),
    afterWrite: () => failpoint('reconcile.after_write'),
  }
  for (;;) {
    const { usable, all } = documents
    if (usable.length === 0) throw all[0]?.failure ?? new StintError('INTERNAL')
    const { whole, parts: contents } = spreadDenyList({
      entries: candidates,
      documents: usable.map(({ key, now }) => ({
        ...{ key, now },
        fits: (content: DenyListContent, spare: number) => fits(key, complete(key, content), spare),
      })),
      elsewhere: heldElsewhere(candidates, documents),
      ...(list.watermark ? { currentWatermark: list.watermark } : {}),
      ...(floor ? { floor } : {}),
    })
    const wanted = new Map([...contents].map(([key, part]) => [key, complete(key, part)]))
    const end = await writeInOrder(order, wanted)
    const lost = all.find(({ failure }) => isClaimLost(failure))
    if (lost?.failure) throw lost.failure
    const isLate = clock.monotonicMs() - beganMs > BEGIN_WITHIN_MS
    if (end === 'failed' && !(isLate && all.length > 1)) continue
    if (end === 'done') documents.confirm()
    documents.tellWell()
    const held = all.length === 1 ? entries : entries.filter((_, at) => isHeld(candidates[at], all))
    const provable = entries.filter((_, at) => isProvable(candidates[at], all[0], all.length))
    const at = latest(all.map((document) => document.at)) ?? clockGuard.earliestNow()
    const found = {
      found: isCutFound,
      holds: cut !== undefined && isCutHeld(cut, all),
      at,
      settleMs: settings.settleMs,
    }
    const common = {
      ...{ entries, held, provable, expired, content: whole, canary, documents, at, settledBy, anew },
      cut: cut && floor ? cutAfterPass(cut, found) : cut,
    }
    const againInMs = end === 'done' ? Math.min(untilNextLook(parts, list.key, common), documents.retryInMs) : 0
    return { ...common, againInMs }
  }
}

/**
 * The cut of a quarantine that the list must have, and the watermark that this asks for as long as anything from before can live. By
 * the settle time alone, since the session of a canary is cut with all others.
 */
function decideCut(
  { clock, clockGuard, settings }: UpdateParts,
  { list, quarantine }: { readonly list: DenyList; readonly quarantine: Quarantine | undefined },
  { all, readAt }: ListDocuments,
): { readonly cut: QuarantineCut | undefined; readonly isCutFound: boolean; readonly floor: Date | undefined } {
  const now = later(later(clock.now(), clockGuard.earliestNow()), latest(all.map(({ at }) => at)) ?? new Date(0))
  const isCutFound = list.cut?.writtenAt !== undefined && isCutHeld(list.cut, all)
  const cut = wantedCut(quarantine, list.cut, { isInPlace: isCutFound, now, settleMs: settings.settleMs })
  const certain = readAt && earlier(readAt, clockGuard.earliestNow())
  const isOver = cut !== undefined && certain !== undefined && cut.until < certain
  return { cut, isCutFound, floor: isOver ? undefined : cut?.before }
}

/** Each document has all watermarks and reaches all roles of the list, so that one is enough. */
function isCutHeld({ before }: QuarantineCut, documents: readonly ListDocument[]): boolean {
  const newest = new Date(before.getTime() - 1)
  return documents.some(({ now }) => now.covers({ grantId: '', lastIssuedAt: newest }))
}

/**
 * P6: the settle time proves nothing of an entry that has left its document meanwhile: an edit, another broker or the late effect
 * of an earlier write may have removed it. So it counts only if a look at its end finds the entry in an unchanged document.
 */
function findSettled({ settings, proofs }: UpdateParts, key: string, at: Date | undefined): Date | undefined {
  return at && !proofs?.isProbed(key) ? new Date(at.getTime() - settings.settleMs) : undefined
}

function isInPlace(candidate: DenyCandidate | undefined, documents: readonly ListDocument[]): boolean {
  return candidate !== undefined && documents.some(({ asLeft }) => asLeft?.covers(candidate))
}

/**
 * Until the next look: a minute, or less for an entry whose time to settle is over before that. Up to a quarter less by chance,
 * so that the lists of thousands of accounts, which are all read after a start, do not stay due together.
 */
function untilNextLook(
  { settings: { settleMs }, proofs, random }: UpdateParts,
  key: string,
  { entries, anew, at, settledBy, cut }: Pick<ListUpdate, 'entries' | 'anew' | 'at' | 'settledBy' | 'cut'>,
): number {
  const begun = new Set(anew)
  const waits = entries.filter(canBeProven).flatMap((entry) => {
    const before = begun.has(entry) ? undefined : entry.writtenAt
    // The write that has just named an entry cannot prove it, not even where there is no time to wait for.
    if (settledBy && before && before <= settledBy) return []
    return [(before ?? at).getTime() + settleMs - at.getTime()]
  })
  // The settle time counts again if the canary turns out not to work.
  const soonestMs = proofs?.isProbed(key) ? PROBED_LOOK_MS : SOONEST_LOOK_MS
  if (cut?.writtenAt && !cut.enforcedAt) waits.push(cut.writtenAt.getTime() + settleMs - at.getTime())
  return Math.max(soonestMs, Math.min(LOOK_MS * (1 - random() / 4), ...waits))
}

function withCanary(content: DenyListContent, canary: string | undefined): DenyListContent {
  return canary === undefined ? content : { ...content, grants: [...content.grants, canary] }
}

/** True if another document denies an entry: then its absence from this one shows no edit. */
function isElsewhere(entry: DenyEntry, document: ListDocument, { all }: ListDocuments): boolean {
  return all.some((other) => other !== document && other.now.covers(toCandidate(entry)))
}

/** Grants that documents which are left alone in this pass name, and no other. */
function heldElsewhere(candidates: readonly DenyCandidate[], { all, usable }: ListDocuments): ReadonlySet<string> {
  const left = all.filter(({ failure }) => failure)
  const named = candidates.filter(
    ({ grantId }) => left.some(({ now }) => now.names(grantId)) && !usable.some(({ now }) => now.names(grantId)),
  )
  return new Set(named.map(({ grantId }) => grantId))
}

function isHeld(candidate: DenyCandidate | undefined, documents: readonly ListDocument[]): boolean {
  return candidate !== undefined && documents.some(({ now }) => now.covers(candidate))
}

/** True if only a further document holds the entry: the canary in the first document proves nothing of it. */
function isBeyondCanary(candidate: DenyCandidate | undefined, [first, ...further]: readonly ListDocument[]): boolean {
  if (!candidate || first?.now.covers(candidate)) return false
  return further.some(({ now }) => now.covers(candidate))
}

/** A document that is left alone in this pass has no canary of this pass. */
function isProvable(candidate: DenyCandidate | undefined, first: ListDocument | undefined, documents: number): boolean {
  if (!candidate || !first || first.failure) return false
  return documents === 1 || first.now.covers(candidate)
}

function latest(times: readonly (Date | undefined)[]): Date | undefined {
  const known = times.flatMap((time) => time?.getTime() ?? [])
  return known.length > 0 ? new Date(Math.max(...known)) : undefined
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
