/** Who wrote a document, and when in the order of its writes: it stands in a Sid. */
export interface DocumentMark {
  /** Of the ledger that the list comes from: 12 characters of Crockford's base32. */
  readonly ledgerId: string
  /** How often the ledger was opened. */
  readonly epoch: number
  /** Number of the write, higher with each one to this document. */
  readonly sequence: number
}

/** A Sid has letters and digits only. */
export function markSid({ ledgerId, epoch, sequence }: DocumentMark): string {
  return `Stint${ledgerId}E${epoch}S${sequence}`
}
