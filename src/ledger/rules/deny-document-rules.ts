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

/**
 * True if somebody else changed a document since the last confirmed write. A write of our own whose answer was lost is no
 * change: it carries our mark with a later number, or, if it removed the document, it follows failed attempts.
 */
export function wasChanged({ digest, mark }: LiveDocument, { written, attempts }: DenyList): boolean {
  if (!written || digest === written.digest) return false
  return mark ? mark.sequence <= written.sequence : attempts === 0
}
