import type { Clock } from '../../core/clock.ts'
import type { CredentialProvider } from '../../credentials/provider.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { findWriter } from '../../ledger/rules/deny-document-rules.ts'
import { isInForce } from '../../ledger/rules/quarantine-rules.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'
import { quarantineAsOutdated } from './begin-quarantine.ts'
import { findListsToCut } from './keep-quarantine.ts'

/** Documents that are read at the same time. */
const AT_ONCE = 32

/** Dependencies of looking at the documents once. */
export interface LookParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly clock: Clock
}

/**
 * P13: reads every document of every deny list once and quarantines the ledger if a later state of it wrote one. It begins before the
 * first call is served: a ledger that was set back may not even have the list on record, and then nobody else reads its documents.
 */
export class LaterStateLook {
  readonly #parts: LookParts
  /** Keys of documents that were read. */
  readonly #read = new Set<string>()

  constructor(parts: LookParts) {
    this.#parts = parts
  }

  /**
   * Reads the documents that were not read before. One that cannot be read is left to the next look.
   *
   * @param signal gives up what has not been read by then.
   */
  async look(signal: AbortSignal): Promise<void> {
    const { ledger, provider } = this.#parts
    // Nobody can have a later state of a ledger that was never open before.
    if (ledger.identity.earlierEpochs.size === 0) return
    // The writers of the lists look at each document before they cut it.
    if (isInForce(await ledger.quarantine())) return
    const documents = [...(await findListsToCut(this.#parts)).keys()].flatMap((listKey) =>
      (provider.listDocuments?.(listKey) ?? [listKey]).map((key) => ({ key, listKey })),
    )
    const next = documents.filter(({ key }) => !this.#read.has(key)).values()
    const reader = async () => {
      for (const document of next) {
        if (signal.aborted) return
        if (await wasRead(this.#parts, document, signal)) this.#read.add(document.key)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, reader))
  }
}

async function wasRead(
  { ledger, provider, clock }: LookParts,
  { key, listKey }: { readonly key: string; readonly listKey: string },
  signal: AbortSignal,
): Promise<boolean> {
  // The writer of the list reports a document that cannot be read.
  const live = await provider.readDenyList(key, signal).catch(() => undefined)
  if (!live) return false
  const { mark } = live
  if (!mark || mark.ledgerId !== ledger.identity.ledgerId) return true
  // After the document: another replica may be writing it, and puts the number of a write on record before that.
  const list = await undefinedIfCorrupt(ledger.getDenyList(listKey))
  const isOnRecord = await ledger.knowsEpoch(mark.epoch)
  if (findWriter(live, list ?? { claimVersion: 0 }, ledger.identity, isOnRecord) === 'later_ledger')
    await quarantineAsOutdated(ledger, { key, listKey, mark, isOnRecord, readAt: live.at }, clock.now())
  return true
}
