import type { DenyList, DenyMark, LedgerIdentity } from '../records.ts'

/** The content of a policy document, whoever wrote it. */
export interface LiveDocument {
  /** Equal for documents with the same content. */
  readonly digest: string
  readonly mark?: DenyMark
}

/**
 * Names the writer of a document if it knows more than this ledger: a later state of the same ledger, of which this one is a
 * copy (a restored backup), or another ledger. A write would lift denies that only that writer knows.
 *
 * @param isOnRecord the ledger has the opening of the mark on record, although it began after this process was started.
 * @returns undefined if this ledger may write the document.
 */
export function findWriter(
  { mark }: LiveDocument,
  list: ClaimFacts,
  identity: Pick<LedgerIdentity, 'ledgerId' | 'epoch' | 'earlierEpochs'>,
  isOnRecord = false,
): 'later_ledger' | 'other_ledger' | undefined {
  if (!mark) return undefined
  if (mark.ledgerId !== identity.ledgerId) return 'other_ledger'
  const isKnown = isOnRecord || isKnownOpening(mark.epoch, list, identity)
  return isKnown && mark.sequence <= lastNumber(mark.epoch, list, identity) ? undefined : 'later_ledger'
}

/** The claims that a list has had. */
type ClaimFacts = Pick<DenyList, 'claimVersion' | 'openedVersion' | 'claims'>

/** True for an opening of this ledger, as far as is known without asking the ledger. */
export function isKnownOpening(
  opening: number,
  { claims }: Pick<DenyList, 'claims'>,
  { epoch, earlierEpochs }: Pick<LedgerIdentity, 'epoch' | 'earlierEpochs'>,
): boolean {
  return opening === epoch || earlierEpochs.has(opening) || (claims ?? []).some((claim) => claim.epoch === opening)
}

/**
 * The highest number that a write of an opening can have. A write's number is recorded before the write, so an intact ledger knows
 * it; but a copy counts on from where it was copied. Where claims are on record, each opening is compared with its own last one;
 * otherwise, those before this opening with what was on record when it began.
 */
function lastNumber(
  opening: number,
  { claimVersion, openedVersion = 0, claims }: ClaimFacts,
  { epoch }: Pick<LedgerIdentity, 'epoch'>,
): number {
  if (opening === epoch) return claimVersion
  if (!claims) return openedVersion
  const own = claims.find((claim) => claim.epoch === opening)
  // An opening that is not listed any more took its last claim before all those that are.
  return own ? own.version : Math.min(claimVersion, ...claims.map(({ version }) => version)) - 1
}

/** A process's own writes of a document, as it remembers them. */
export interface OwnWrites {
  /** The number of this opening of the ledger. */
  readonly epoch: number
  /** The digest of the write that was sent last, if nothing later is on record. */
  readonly sent: string | undefined
  /** The document held an entry that is still needed. */
  readonly holdsNeeded: boolean
}

/**
 * True if somebody else changed a document since the last confirmed write. A write of our own that is not on record is no change:
 * this process knows what it sent, and one before it left its mark with a later number. Both take a document away only once
 * nothing that it held is needed.
 */
export function wasChanged(
  { digest, mark, exists }: LiveDocument & { readonly exists: boolean },
  { written }: Pick<DenyList, 'written'>,
  { epoch, sent, holdsNeeded }: OwnWrites,
): boolean {
  if (!written || digest === written.digest || digest === sent) return false
  if (!exists) return holdsNeeded
  // Anybody can copy our mark, or make up a number for it.
  return !mark || mark.epoch === epoch || mark.sequence <= written.sequence
}
