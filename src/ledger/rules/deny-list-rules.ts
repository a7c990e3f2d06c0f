import { later } from '../../core/instant.ts'
import type { GrantMove, WriteInput } from '../ledger.ts'
import type { DenyAgentWatermark, DenyEntry, DenyList, DenyProof } from '../records.ts'
import { conflict } from './rule-errors.ts'

/**
 * The entry of a grant after a wish to deny it.
 *
 * @throws {StintError} LEDGER_CONFLICT when it is on another deny list.
 */
export function wantedDenyEntry(
  entry: DenyEntry | undefined,
  grantId: string,
  wish: NonNullable<GrantMove['deny']>,
): DenyEntry {
  const { listKey, until, lastIssuedAt, namesAgent, chains, urgent } = wish
  if (!entry) return { grantId, ...wish }
  if (entry.listKey !== listKey) {
    const explanation = 'The grant is on another deny list already; it can leave that one only by its document.'
    throw conflict(explanation, { grantId })
  }
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

/** The remains of a damaged deny list: `undefined` is lost, `null` was never there. */
export interface ReadableDenyList {
  readonly key: string
  readonly claimVersion: number | undefined
  readonly watermark: Date | null | undefined
}

/**
 * P6: a damaged deny list is written anew at once rather than left aside, since its document is all that denies. A lost watermark
 * may have been any up to now: one of now denies more, and whom it cuts without need renews. A lost version is replaced by one
 * that no claim before can have had.
 */
export function mendedDenyList({ key, claimVersion, watermark }: ReadableDenyList, now: Date): DenyList {
  const lost = watermark === undefined
  const kept = lost ? new Date(Math.ceil(now.getTime() / 1_000) * 1_000) : watermark
  return {
    key,
    nextAttemptAt: now,
    attempts: 0,
    lastError: `Its row in the ledger was damaged and is written anew${lost ? '; the lost watermark is one of now' : ''}.`,
    ...(kept ? { watermark: kept } : {}),
    claimVersion: claimVersion ?? now.getTime(),
  }
}

/** Nothing is put off for longer: an instant farther ahead was written by a clock that has stepped back since. */
export const FARTHEST_MS = 120_000

/** Whether a deny list is due and in nobody's hands. */
export function isClaimable({ nextAttemptAt, claimedUntil }: DenyList, now: Date): boolean {
  return nextAttemptAt !== undefined && hasCome(nextAttemptAt, now) && (!claimedUntil || hasCome(claimedUntil, now))
}

function hasCome(at: Date, now: Date): boolean {
  return at <= now || at.getTime() > now.getTime() + FARTHEST_MS
}

export function claimedDenyList(
  list: DenyList,
  { owner, claimUntil }: Pick<WriteInput<'claimDenyList'>, 'owner' | 'claimUntil'>,
): DenyList {
  return { ...list, claimedBy: owner, claimedUntil: claimUntil, claimVersion: list.claimVersion + 1 }
}

/** P6: an entry is in the document until its last session is over. */
export function isNeeded({ until }: DenyEntry, now: Date): boolean {
  return until > now
}

/** Stands in a document for an entry of which only the grant can be read. The entry itself stays until it is mended. */
export function damagedDenyEntry(grantId: string, listKey: string, now: Date): DenyEntry {
  return { grantId, listKey, wantedAt: now, until: new Date(now.getTime() + DAMAGED_ENTRY_MS), lastIssuedAt: now }
}

/** Longer than any session: the list is written again before that. */
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

/** The document is written: what becomes of one entry of its deny list. Undefined: it leaves the ledger. */
export function denyEntryAfterWrite(
  entry: DenyEntry,
  {
    listed,
    byWatermark,
    removed,
    at,
  }: {
    readonly listed: ReadonlySet<string>
    readonly byWatermark: ReadonlySet<string>
    readonly removed: ReadonlySet<string>
    readonly at: Date
  },
): DenyEntry | undefined {
  // P6: one that came to last longer while the document was written without it is written again instead.
  if (removed.has(entry.grantId)) return isNeeded(entry, at) ? unwritten(entry) : undefined
  if (!listed.has(entry.grantId)) return entry
  const covered = byWatermark.has(entry.grantId)
  if (entry.writtenAt && (entry.byWatermark ?? false) === covered) return entry
  const { byWatermark: _, ...kept } = entry
  return { ...kept, writtenAt: entry.writtenAt ?? at, ...(covered && { byWatermark: true }) }
}

type WrittenInput = Pick<WriteInput<'denyWritten'>, 'at' | 'now' | 'watermark' | 'wrote' | 'nextAttemptAt'>

/** @param hasUnwritten an entry was wanted while the document was being written, and waits for the next one. */
export function writtenDenyList(
  list: DenyList,
  { at, now = at, watermark, wrote, nextAttemptAt }: WrittenInput,
  hasUnwritten: boolean,
): DenyList {
  const { lastError: _, failingSince: __, watermark: ___, nextAttemptAt: ____, ...kept } = unclaimed(list)
  const written: DenyList = {
    ...kept,
    attempts: 0,
    ...(wrote ? { lastWrittenAt: at, written: wrote } : {}),
    ...(watermark ? { watermark } : {}),
    ...(nextAttemptAt ? { nextAttemptAt } : {}),
  }
  return hasUnwritten ? dueDenyList(written, now) : written
}

/** The instant before which no session of an agent works under a list: the later of its own watermark and everybody's. */
export function watermarkOver(
  agent: string,
  { watermark }: DenyList,
  agents: readonly DenyAgentWatermark[],
): Date | undefined {
  const own = agents.find((one) => one.agent === agent)?.before
  return own && watermark ? later(own, watermark) : (own ?? watermark)
}

export function failedDenyList(
  list: DenyList,
  { error, at, nextAttemptAt }: Pick<WriteInput<'denyFailed'>, 'error' | 'at' | 'nextAttemptAt'>,
): DenyList {
  const { failingSince = at } = list
  return { ...unclaimed(list), attempts: list.attempts + 1, lastError: error, failingSince, nextAttemptAt }
}

/** The deny is in force, as far as a document holds it. */
export function enforcedDenyEntry(entry: DenyEntry, at: Date, by: DenyProof): DenyEntry {
  return entry.writtenAt && !entry.enforcedAt ? { ...entry, enforcedAt: at, enforcedBy: by } : entry
}

/** Whether a document that holds the entry may be all that is needed to call its deny enforced. */
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
