import { later } from '../../core/instant.ts'
import type { GrantMove, WriteInput } from '../ledger.ts'
import type { DenyAgentWatermark, DenyClaim, DenyEntry, DenyList, DenyProof } from '../records.ts'
import { conflict } from './rule-errors.ts'

/**
 * The entry of a grant after a wish to deny it. One that is on another list already stays there, since it can leave that one only by
 * its document: the configuration has given the role another list meanwhile.
 */
export function wantedDenyEntry(
  entry: DenyEntry | undefined,
  grantId: string,
  wish: NonNullable<GrantMove['deny']>,
): DenyEntry {
  const { until, lastIssuedAt, namesAgent, chains, urgent, holdId } = wish
  if (!entry) return { grantId, ...wish }
  // A lease issued later than known before may escape a watermark, so the document has to be written again.
  const escapes = lastIssuedAt > entry.lastIssuedAt || (entry.byWatermark && (!namesAgent || chains))
  const { namesAgent: _, ...kept } = escapes ? unwritten(entry) : entry
  return {
    ...kept,
    until: later(entry.until, until),
    lastIssuedAt: later(entry.lastIssuedAt, lastIssuedAt),
    ...(entry.namesAgent && namesAgent && { namesAgent }),
    ...(chains && { chains }),
    ...(urgent && { urgent }),
    ...(holdId && { holdId }),
  }
}

/** A deny list with something to write from an instant on. */
export function dueDenyList(list: DenyList, at: Date): DenyList {
  return { ...list, nextAttemptAt: list.nextAttemptAt && list.nextAttemptAt < at ? list.nextAttemptAt : at }
}

/** A deny list that nobody has written to. */
export function newDenyList(key: string): DenyList {
  return { key, attempts: 0, claimVersion: 0 }
}

/** The readable part of a damaged deny list: `undefined` is lost, `null` was never there. */
export interface ReadableDenyList {
  readonly key: string
  readonly claimVersion: number | undefined
  readonly watermark: Date | null | undefined
}

/**
 * P6: a damaged deny list is written again at once rather than set aside, since only its document denies. A lost watermark may
 * have been any instant up to now, so it becomes now; an agent that this cuts without need renews. A lost version is replaced
 * by one that no earlier claim can have had.
 */
export function mendedDenyList({ key, claimVersion, watermark }: ReadableDenyList, now: Date): DenyList {
  const lost = watermark === undefined
  const kept = lost ? new Date(Math.ceil(now.getTime() / 1_000) * 1_000) : watermark
  return {
    key,
    nextAttemptAt: now,
    attempts: 0,
    lastError: `Its row in the ledger was damaged and is written again${lost ? '; the lost watermark is set to now' : ''}.`,
    ...(kept ? { watermark: kept } : {}),
    claimVersion: claimVersion ?? now.getTime(),
  }
}

/** No attempt or claim lasts longer: an instant farther ahead was written by a clock that has stepped back since. */
export const FARTHEST_MS = 120_000

/** True if a deny list is due and nobody holds a claim on it. */
export function isClaimable({ nextAttemptAt, claimedUntil }: DenyList, now: Date): boolean {
  return nextAttemptAt !== undefined && hasCome(nextAttemptAt, now) && (!claimedUntil || hasCome(claimedUntil, now))
}

function hasCome(at: Date, now: Date): boolean {
  return at <= now || at.getTime() > now.getTime() + FARTHEST_MS
}

/**
 * The deny list in the hands of one process until `claimUntil`; its version fences off the claim before.
 *
 * @param epoch the opening that takes the claim, in a ledger that several processes use at the same time.
 */
export function claimedDenyList(
  list: DenyList,
  { owner, claimUntil }: Pick<WriteInput<'claimDenyList'>, 'owner' | 'claimUntil'>,
  epoch?: number,
): DenyList {
  const claimVersion = list.claimVersion + 1
  const claims = epoch === undefined ? undefined : notedClaims(list, { epoch, version: claimVersion })
  return { ...list, claimedBy: owner, claimedUntil: claimUntil, claimVersion, ...(claims && { claims }) }
}

/** Openings whose last claim on a list is kept. A write of another one has a lower number than all of these. */
const KEPT_CLAIMS = 16

function notedClaims({ claims: noted = [], claimVersion }: DenyList, claim: DenyClaim): DenyClaim[] {
  // An older release claims without a note. What it wrote is told by its opening alone.
  const claims = (noted.at(-1)?.version ?? 0) < claimVersion ? [] : noted
  return [...claims.filter(({ epoch }) => epoch !== claim.epoch), claim].slice(-KEPT_CLAIMS)
}

/** P6: an entry is in the document until its last session is over. */
export function isNeeded({ until }: DenyEntry, now: Date): boolean {
  return until > now
}

/** The stand-in for an entry of which only the grant can be read. The row itself stays until somebody mends it. */
export function damagedDenyEntry(grantId: string, listKey: string, now: Date): DenyEntry {
  return { grantId, listKey, wantedAt: now, until: new Date(now.getTime() + DAMAGED_ENTRY_MS), lastIssuedAt: now }
}

/** Longer than any session. The list is written again before it is over. */
const DAMAGED_ENTRY_MS = 24 * 3_600_000

/** The version fences off whoever had the claim before. @throws {StintError} LEDGER_CONFLICT */
export function requireClaim(
  list: DenyList | undefined,
  claim: { readonly listKey: string; readonly claimVersion: number },
): DenyList {
  if (list && list.claimVersion === claim.claimVersion && list.claimedBy !== undefined) return list
  throw conflict('The claim on this deny list was given back or taken over: claim it again.', {
    denyList: claim.listKey,
    claimVersion: list?.claimVersion ?? 0,
  })
}

/**
 * A write of a list, or a look at it. Grant ids: those in it, those that only a watermark denies, those that left it, and those that
 * were not found in place.
 */
export interface DocumentWrite extends Pick<WriteInput<'denyWritten'>, 'at' | 'settledBy'> {
  readonly listed: ReadonlySet<string>
  readonly byWatermark: ReadonlySet<string>
  readonly removed: ReadonlySet<string>
  readonly anew?: ReadonlySet<string>
}

/**
 * An entry of a deny list after its document was written.
 *
 * @returns undefined if the entry leaves the ledger; the very same record if nothing changes.
 */
export function denyEntryAfterWrite(known: DenyEntry, write: DocumentWrite): DenyEntry | undefined {
  const { removed, at, settledBy, anew } = write
  // P6: an entry that was extended while the document was written without it is written again instead.
  if (removed.has(known.grantId)) return isNeeded(known, at) ? unwritten(known) : undefined
  // P6: its time to settle begins again with the document that holds it again.
  const isAnew = known.writtenAt !== undefined && anew?.has(known.grantId) === true
  const entry = writtenDenyEntry(isAnew ? unwritten(known) : known, write)
  const isSettled = settledBy && !isAnew && known.writtenAt && known.writtenAt <= settledBy && canBeProven(entry)
  return isSettled ? enforcedDenyEntry(entry, at, 'settle_time') : entry
}

function writtenDenyEntry(entry: DenyEntry, { listed, byWatermark, at }: DocumentWrite): DenyEntry {
  if (!listed.has(entry.grantId)) return entry
  const covered = byWatermark.has(entry.grantId)
  if (entry.writtenAt && (entry.byWatermark ?? false) === covered) return entry
  const { byWatermark: _, ...kept } = entry
  return { ...kept, writtenAt: entry.writtenAt ?? at, ...(covered && { byWatermark: true }) }
}

type WrittenInput = Pick<
  WriteInput<'denyWritten'>,
  'at' | 'now' | 'watermark' | 'cut' | 'wrote' | 'documents' | 'nextAttemptAt'
>

/**
 * The deny list after its document was written: the claim is given back, and failures are forgotten.
 *
 * @param hasUnwritten an entry was added while the document was being written, and waits for the next write.
 */
export function writtenDenyList(
  list: DenyList,
  { at, now = at, watermark, cut, wrote, documents, nextAttemptAt }: WrittenInput,
  hasUnwritten: boolean,
): DenyList {
  const {
    lastError: _,
    failingSince: __,
    watermark: ___,
    nextAttemptAt: ____,
    documents: _____,
    cut: ______,
    ...kept
  } = unclaimed(list)
  const written: DenyList = {
    ...kept,
    attempts: 0,
    ...(wrote || documents?.some((one) => one.written?.sequence === list.claimVersion) ? { lastWrittenAt: at } : {}),
    ...(wrote ? { written: wrote } : {}),
    ...(documents ? { documents } : {}),
    ...(watermark ? { watermark } : {}),
    ...(cut ? { cut } : {}),
    ...(nextAttemptAt ? { nextAttemptAt } : {}),
  }
  return hasUnwritten ? dueDenyList(written, now) : written
}

/** No session of the agent that was issued before this works under the list: the later of its own watermark and the common one. */
export function watermarkOver(
  agent: string,
  { watermark }: DenyList,
  agents: readonly DenyAgentWatermark[],
): Date | undefined {
  const own = agents.find((one) => one.agent === agent)?.before
  return own && watermark ? later(own, watermark) : (own ?? watermark)
}

/** The deny list after a failed write: one attempt more, and the claim given back. */
export function failedDenyList(
  list: DenyList,
  { error, at, nextAttemptAt, unsent }: Pick<WriteInput<'denyFailed'>, 'error' | 'at' | 'nextAttemptAt' | 'unsent'>,
): DenyList {
  const { failingSince = at } = list
  // P13: a copy that only looks must not count up to the numbers of writes that it does not know.
  const claimVersion = unsent ? list.claimVersion - 1 : list.claimVersion
  return {
    ...unclaimed(list),
    claimVersion,
    attempts: list.attempts + 1,
    lastError: error,
    failingSince,
    nextAttemptAt,
  }
}

/** The entry after its deny came into force; the very same record if no document holds it, or it was in force already. */
export function enforcedDenyEntry(entry: DenyEntry, at: Date, by: DenyProof): DenyEntry {
  return entry.writtenAt && !entry.enforcedAt ? { ...entry, enforcedAt: at, enforcedBy: by } : entry
}

/** True if a document that holds the entry may be all that is needed to call its deny enforced. */
export function canBeProven({ chains, byWatermark, enforcedAt }: DenyEntry): boolean {
  // A watermark reaches the sessions of the leases, but not those that they made.
  return !enforcedAt && !(chains && byWatermark)
}

/** An entry of a document that was shown to be in force as it was written at an instant. */
export function provenDenyEntry(
  entry: DenyEntry,
  { writtenBy, at }: Pick<WriteInput<'denyProven'>, 'writtenBy' | 'at'>,
): DenyEntry {
  if (!entry.writtenAt || entry.writtenAt > writtenBy || !canBeProven(entry)) return entry
  return enforcedDenyEntry(entry, at, 'canary')
}

function unclaimed({ claimedBy: _, claimedUntil: __, ...list }: DenyList): DenyList {
  return list
}

function unwritten(written: DenyEntry): DenyEntry {
  const { writtenAt: _, enforcedAt: __, enforcedBy: ___, byWatermark: ____, ...entry } = written
  return entry
}
