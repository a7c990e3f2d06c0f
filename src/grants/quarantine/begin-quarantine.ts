import { later } from '../../core/instant.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { DenyMark } from '../../ledger/records.ts'
import { WithheldError } from '../deny/deny-document.ts'

type Quarantining = Pick<Ledger, 'beginQuarantine'>

/** A document whose mark the ledger does not know. */
interface LaterDocument {
  readonly key: string
  readonly listKey: string
  readonly mark: DenyMark
  /** The ledger knows the opening of the mark, but not the number. */
  readonly isOnRecord: boolean
  /** The cloud's time when it was read, if it told any. */
  readonly readAt: Date | undefined
}

/**
 * P13: quarantines a ledger of which a later state wrote a deny document.
 *
 * @returns false for a further document that does not prove it: the configuration can move one from list to list, and then its
 *   number is one of another list.
 */
export async function quarantineAsOutdated(
  ledger: Quarantining,
  { key, listKey, mark, isOnRecord, readAt }: LaterDocument,
  now: Date,
): Promise<boolean> {
  if (isOnRecord && key !== listKey) return false
  const found = `the document ${key} carries write ${mark.sequence} of opening ${mark.epoch}, which this ledger does not know`
  // Some time after its beginning it is over, whatever was cut; and the clock of a machine that was set back too is behind at first.
  const since = readAt ? later(now, readAt) : now
  await ledger.beginQuarantine({ quarantine: { reason: 'outdated', since, by: 'stint', found }, supersedes: true })
  return true
}

/**
 * The same, if an error of writing a document says so.
 *
 * @returns true for such an error: the document may be written from now on, since the quarantine cuts all that it knows.
 */
export async function quarantineIfOutdated(ledger: Quarantining, error: unknown, now: Date): Promise<boolean> {
  if (!(error instanceof WithheldError) || error.found !== 'later_ledger') return false
  const { document, mark, isOnRecord, readAt } = error
  return quarantineAsOutdated(ledger, { ...document, mark, isOnRecord, readAt }, now)
}
