import { StintError } from '../../core/errors.ts'
import type { LiveDenyList } from '../../credentials/provider.ts'
import type { AuditEventInput } from '../../ledger/events/audit-event.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { DenyList, DenyMark, LedgerIdentity } from '../../ledger/records.ts'
import { findWriter, type OwnWrites, wasChanged } from '../../ledger/rules/deny-document-rules.ts'

/** A document of a deny list, as the ledger knows it. */
export interface KnownDocument extends Pick<DenyList, 'claimVersion' | 'openedVersion' | 'claims' | 'written'> {
  readonly key: string
  readonly listKey: string
}

/** The members of an event that name the document it is about. */
export function documentFacts({ key, listKey }: Pick<KnownDocument, 'key' | 'listKey'>) {
  return { denyList: listKey, ...(key !== listKey && { document: key }) }
}

/**
 * Another ledger's document is left alone for so long: by then everything that it denies has ended. A lease lasts 15 minutes at
 * most, a session that it made an hour more, and entries stay a minute after that.
 */
const WITHHELD_MS = 80 * 60_000

interface WithheldCheck {
  readonly certain: Date | undefined
  readonly identity: LedgerIdentity
  readonly emptyDigest: string
  readonly isOnRecord: boolean
  readonly takesOver: boolean
}

/** Documents that this process does not write, since it knows less than whoever wrote them. */
export class WithheldDocuments {
  readonly #withheld = new Map<string, { readonly sequence: string; readonly since: Date }>()

  /**
   * Checks that a document may be written. One of another ledger that denies nobody may be.
   *
   * @param asked.certain an instant that has come by every clock; undefined where the cloud told no time.
   * @param asked.emptyDigest the digest of a document that denies nobody.
   * @param asked.isOnRecord the ledger has the opening of the document's mark on record.
   * @param asked.takesOver the quarantine of this ledger cuts all that a later state of it has given out and denied: the document is
   *   written, whatever it knows.
   * @returns the events of what was found.
   * @throws {WithheldError} while the document is another ledger's.
   */
  check(
    live: LiveDenyList,
    document: KnownDocument,
    { certain, identity, emptyDigest, isOnRecord, takesOver }: WithheldCheck,
  ): AuditEventInput[] {
    const { key } = document
    const found = findWriter(live, document, identity, isOnRecord)
    // An empty document of a later state lifts no deny by a write, but it shows that this ledger was set back.
    const isEmpty = live.digest === emptyDigest && found !== 'later_ledger'
    if (!found || !live.mark || isEmpty) {
      this.#withheld.delete(key)
      return []
    }
    if (found === 'later_ledger' && takesOver) {
      this.#withheld.delete(key)
      const at = live.at ?? certain
      return at ? [auditEvent('deny.changed', { at, actor: 'stint', data: { ...documentFacts(document), found } })] : []
    }
    const sequence = `${live.mark.ledgerId} ${live.mark.epoch} ${live.mark.sequence}`
    const known = this.#withheld.get(key)
    const isNew = known?.sequence !== sequence
    const since = isNew ? live.at : known.since
    if (since) this.#withheld.set(key, { sequence, since })
    const until = since && new Date(since.getTime() + WITHHELD_MS)
    if (until && certain && certain > until) {
      this.#withheld.delete(key)
      return [auditEvent('deny.changed', { at: certain, actor: 'stint', data: { ...documentFacts(document), found } })]
    }
    throw new WithheldError(document, found, until, { isNew, mark: live.mark, isOnRecord, readAt: live.at })
  }
}

/** A document is another ledger's; whoever catches it puts it on record once. */
export class WithheldError extends StintError {
  readonly document: Pick<KnownDocument, 'key' | 'listKey'>
  readonly found: 'later_ledger' | 'other_ledger'
  readonly until: Date | undefined
  readonly isNew: boolean
  /** As the document carries it. */
  readonly mark: DenyMark
  /** The ledger knows the opening of the mark, but not the number. */
  readonly isOnRecord: boolean
  /** The cloud's time, if it told any. */
  readonly readAt: Date | undefined

  constructor(
    document: KnownDocument,
    found: 'later_ledger' | 'other_ledger',
    until: Date | undefined,
    { isNew, mark, isOnRecord, readAt }: Pick<WithheldError, 'isNew' | 'mark' | 'isOnRecord' | 'readAt'>,
  ) {
    const { key } = document
    const who = found === 'later_ledger' ? 'a later state of this ledger, so this one is a copy' : 'another ledger'
    const explanation = `The document of deny list ${key} was written by ${who}. The broker does not write it, since that could lift denies. Start the broker on the newest ledger${until ? `, or wait until ${until.toISOString()}` : ''}.`
    super('LEDGER_OUTDATED', { explanation, denyList: key, found, ...(until && { until: until.toISOString() }) })
    this.document = { key, listKey: document.listKey }
    this.found = found
    this.until = until
    this.isNew = isNew
    this.mark = mark
    this.isOnRecord = isOnRecord
    this.readAt = readAt
  }
}

/** The problem of a document that somebody else changed; undefined for one that is as we left it. */
export function findChange(live: LiveDenyList, document: KnownDocument, own: OwnWrites): StintError | undefined {
  if (!wasChanged(live, document, own)) return undefined
  const { key } = document
  const explanation = `Somebody else changed the policy document of deny list ${key}; the broker has written it anew. Find out who in the cloud's own log, and take that right away.`
  return new StintError('DENY_LIST_CHANGED', { explanation, denyList: key })
}
