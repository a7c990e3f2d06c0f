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
 * @returns undefined if this ledger may write the document.
 */
export function findWriter(
  { mark }: LiveDocument,
  { claimVersion, openedVersion = 0 }: Pick<DenyList, 'claimVersion' | 'openedVersion'>,
  { ledgerId, epoch, earlierEpochs }: LedgerIdentity,
): 'later_ledger' | 'other_ledger' | undefined {
  if (!mark) return undefined
  if (mark.ledgerId !== ledgerId) return 'other_ledger'
  // A write's number is recorded before the write, so an intact ledger knows it. A copy counts on from where it was copied, so
  // numbers of earlier openings are compared with what was on record when this opening began.
  const isKnown = mark.epoch === epoch || earlierEpochs.has(mark.epoch)
  const last = mark.epoch === epoch ? claimVersion : openedVersion
  return isKnown && mark.sequence <= last ? undefined : 'later_ledger'
}

/** A process's own writes of a document, as it remembers them. */
export interface OwnWrites {
  /** The number of this opening of the ledger. */
  readonly epoch: number
  /** The digest of the write that was sent last and is not on record. */
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
