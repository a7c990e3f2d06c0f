import type { DenyList, DenyMark, LedgerIdentity } from '../records.ts'

/** The content of a policy document, whoever wrote it. */
export interface LiveDocument {
  /** The same for documents that say the same. */
  readonly digest: string
  readonly mark?: DenyMark
}

/**
 * Whether a document was written by a ledger that knows more than this one: a later state of the same ledger, of which this one
 * is a copy (a restored backup), or another ledger. A write would lift denies that only that one knows.
 */
export function findWriter(
  { mark }: LiveDocument,
  { claimVersion, openedVersion = 0 }: Pick<DenyList, 'claimVersion' | 'openedVersion'>,
  { ledgerId, epoch, earlierEpochs }: LedgerIdentity,
): 'later_ledger' | 'other_ledger' | undefined {
  if (!mark) return undefined
  if (mark.ledgerId !== ledgerId) return 'other_ledger'
  // The number of a write is on record before it is made, so a ledger that is whole knows it. A copy may count on from where it
  // was copied: numbers of earlier openings are compared with what was on record as this one began.
  const isKnown = mark.epoch === epoch || earlierEpochs.has(mark.epoch)
  const last = mark.epoch === epoch ? claimVersion : openedVersion
  return isKnown && mark.sequence <= last ? undefined : 'later_ledger'
}

/**
 * Whether somebody else changed a document since the last write that was confirmed. A write of ours whose answer was lost is no
 * change: it has our mark with a later number, or, where it took the document away, follows failed attempts.
 */
export function wasChanged({ digest, mark }: LiveDocument, { written, attempts }: DenyList): boolean {
  if (!written || digest === written.digest) return false
  return mark ? mark.sequence <= written.sequence : attempts === 0
}
