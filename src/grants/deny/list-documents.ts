import type { Clock } from '../../core/clock.ts'
import type { ClockGuard } from '../../core/clock-guard.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import { earlier } from '../../core/instant.ts'
import { backoffMs } from '../../core/limits/backoff.ts'
import { toDenies } from '../../credentials/deny-spread.ts'
import type { CredentialProvider, DenyListContent, DocumentDenies, LiveDenyList } from '../../credentials/provider.ts'
import { type AuditEventInput, auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { DenyDocumentRecord, DenyList } from '../../ledger/records.ts'
import { findWriter, isKnownOpening } from '../../ledger/rules/deny-document-rules.ts'
import { documentFacts, findChange, type KnownDocument, WithheldError } from './deny-document.ts'
import { type DenyMemory, RECENT_MS } from './deny-memory.ts'
import type { DenyProblems } from './deny-problems.ts'
import { isClaimLost, type WriteClaim } from './write-claim.ts'

/** Timeout of a call about one of several documents; the others go on without it. */
const PATIENCE_MS = 5_000
const RETRY = { baseMs: 1_000, capMs: 60_000, leastShare: 0.5 }

/** Dependencies of reading and writing the documents of a list. */
export interface DocumentParts {
  readonly ledger: Pick<Ledger, 'identity' | 'isLive' | 'getDenyList' | 'knowsEpoch'>
  readonly provider: CredentialProvider
  readonly clock: Clock
  readonly clockGuard: Pick<ClockGuard, 'earliestNow'>
  /** This process's memory of the documents, beside the ledger. */
  readonly memory: DenyMemory
  /** 0 to 1, for jitter. */
  readonly random: () => number
  readonly problems: Pick<DenyProblems, 'tell' | 'well'>
}

/** One document of a list during a pass. */
export interface ListDocument extends KnownDocument {
  readonly record: DenyDocumentRecord | undefined
  /** The sessions that it certainly denies now. */
  now: DocumentDenies
  /** The sessions that it was found to deny; undefined unless it was found as our last write left it. */
  asLeft: DocumentDenies | undefined
  /** Its content as this pass read it. */
  live: LiveDenyList | undefined
  digest: string | undefined
  /** It carries our mark, or there is no document yet. */
  isMarked: boolean
  /** The cloud's time of its last answer. */
  at: Date | undefined
  wrote: DenyList['written']
  /** Set where it is left as it is for the rest of the pass. */
  failure: StintError | undefined
}

const NOBODY: DocumentDenies = toDenies({ grants: [] })
/** A list's only document, unchanged since our last write, denies every entry on record as written. */
const EVERYBODY: DocumentDenies = { names: () => true, covers: () => true }

/** The documents of one list, each read once and then written as often as the plan asks. */
export class ListDocuments {
  readonly all: readonly ListDocument[]
  /** Everything that was found, in order. */
  readonly events: AuditEventInput[] = []
  readonly #parts: DocumentParts
  readonly #list: DenyList
  readonly #claim: WriteClaim
  readonly #signal: AbortSignal
  readonly #takesOver: boolean

  /** @param context.takesOver a later state of this ledger keeps nothing from being written. */
  constructor(
    parts: DocumentParts,
    { list, claim }: { list: DenyList; claim: WriteClaim },
    { signal, takesOver }: { readonly signal: AbortSignal; readonly takesOver: boolean },
  ) {
    this.#parts = parts
    this.#takesOver = takesOver
    this.#list = list
    this.#claim = claim
    this.#signal = signal
    const further = (parts.provider.listDocuments?.(list.key) ?? []).filter((key) => key !== list.key)
    this.all = [list.key, ...further].map((key) => toDocument(key, list))
  }

  /** True for a list with one document: it fails with that document. */
  get #isAlone(): boolean {
    return this.all.length === 1
  }

  /** The documents that this pass writes. */
  get usable(): readonly ListDocument[] {
    return this.all.filter(({ failure }) => !failure)
  }

  /** The earliest time that an answer told: what is over by it is over by all. */
  get readAt(): Date | undefined {
    const times = this.all.flatMap(({ at }) => at?.getTime() ?? [])
    return times.length > 0 ? new Date(Math.min(...times)) : undefined
  }

  /**
   * Reads all of them side by side; one that cannot be read fails alone.
   *
   * @throws {WithheldError} where a later state of this ledger wrote any of them, unless it is taken over: then none may be written.
   */
  async read(): Promise<void> {
    await Promise.all(this.all.map((document) => this.#read(document)))
    const outdated = this.all.find(
      ({ failure }) => failure instanceof WithheldError && failure.found === 'later_ledger',
    )
    if (outdated?.failure) throw outdated.failure
  }

  async #read(document: ListDocument): Promise<void> {
    const { memory, clock } = this.#parts
    const failing = memory.failing.get(document.key)
    const isWaiting = failing && !(failing.error instanceof WithheldError) && clock.monotonicMs() < failing.retryAtMs
    if (!this.#isAlone && isWaiting) {
      this.#leave(document, failing.error)
      return
    }
    try {
      await this.#look(
        document,
        await this.#inTime((signal) => this.#parts.provider.readDenyList(document.key, signal)),
      )
    } catch (thrown) {
      if (!memory.shown.has(document.key)) memory.shown.set(document.key, false)
      this.#leave(document, asStintError(thrown))
      this.#tellFailure(document, asStintError(thrown))
    }
  }

  async #look(document: ListDocument, live: LiveDenyList): Promise<void> {
    const { provider, ledger, memory, clockGuard } = this.#parts
    memory.shown.set(document.key, true)
    document.at = live.at
    const asked = {
      identity: ledger.identity,
      certain: live.at && earlier(live.at, clockGuard.earliestNow()),
      emptyDigest: provider.digestDenyList(document.key, { grants: [] }),
      isOnRecord: await this.#isOnRecord(live, document),
      takesOver: this.#takesOver,
    }
    // A later claim has a higher number, too: that is no other ledger's document, but another replica's list by now.
    if (findWriter(live, document, asked.identity, asked.isOnRecord)) await this.#claim.confirm()
    this.events.push(...memory.withheld.check(live, document, asked))
    document.digest = live.digest
    // A later state's mark is replaced even where nothing else changes, or the document would look withheld for ever.
    const isOurs = findWriter(live, document, ledger.identity, asked.isOnRecord) === undefined
    document.isMarked = !live.exists || (isOurs && live.mark !== undefined)
    document.live = live
    this.#see(document, live.denies ?? NOBODY)
  }

  /** A replica that began after this process may have written the document: then the ledger knows its opening. */
  async #isOnRecord({ mark }: LiveDenyList, document: ListDocument): Promise<boolean> {
    const { ledger } = this.#parts
    if (mark?.ledgerId !== ledger.identity.ledgerId) return false
    return isKnownOpening(mark.epoch, document, ledger.identity) || ledger.knowsEpoch(mark.epoch)
  }

  /**
   * Finds out which of the documents that were read somebody else has changed.
   *
   * @param holdsNeeded true if a document, should it be gone, held an entry that is still needed.
   */
  findChanges(holdsNeeded: (document: ListDocument) => boolean): void {
    for (const document of this.usable) {
      const { live, written } = document
      if (!live) continue
      const changes = this.#lookForChange(document, live, holdsNeeded(document))
      this.events.push(...changes)
      if (!written || changes.length > 0 || this.#isEarlier(document, live)) continue
      document.asLeft = this.#isAlone ? EVERYBODY : document.now
    }
  }

  #see(document: ListDocument, denies: DocumentDenies): void {
    document.now = denies
    if (!this.#isAlone) this.#parts.memory.seen.set(document.key, { denies, claimVersion: document.claimVersion })
  }

  /** Somebody else's edit stays on the status until the document is found as it was left. */
  #lookForChange(document: ListDocument, live: LiveDenyList, holdsNeeded: boolean): AuditEventInput[] {
    const { ledger, memory, clockGuard, problems } = this.#parts
    const component = `deny:${document.key}:changed`
    const { epoch } = ledger.identity
    const error = this.#isEarlier(document, live)
      ? undefined
      : findChange(live, document, { epoch, sent: this.#sentDigest(document), holdsNeeded })
    if (!error) {
      if (memory.changed.delete(document.key)) problems.well(document.listKey, component)
      return []
    }
    memory.changed.add(document.key)
    problems.tell(document.listKey, { component, error })
    const data = { ...documentFacts(document), found: 'content' } as const
    return [auditEvent('deny.changed', { at: live.at ?? clockGuard.earliestNow(), actor: 'stint', data })]
  }

  /**
   * True if the document has the content of an earlier write of ours: the read is behind, or that write came into effect late. It
   * has to be written again, but nobody else changed it.
   */
  #isEarlier(document: ListDocument, live: LiveDenyList): boolean {
    const { memory, clock } = this.#parts
    const { key, written } = document
    if (live.digest === written?.digest || live.digest === this.#sentDigest(document)) return false
    return memory.recent.has(key, live.digest, clock.monotonicMs()) || this.#isEarlierOfAnother(document, live)
  }

  /** The same of a write that another replica made: what that one wrote is not remembered here, but its mark has its number. */
  #isEarlierOfAnother({ written, claims }: ListDocument, { mark, at }: LiveDenyList): boolean {
    const { lastWrittenAt } = this.#list
    if (!mark || !written || !at || !lastWrittenAt || mark.sequence >= written.sequence) return false
    const isAnother = mark.epoch !== this.#parts.ledger.identity.epoch
    const isOurs = claims?.some(({ epoch, version }) => epoch === mark.epoch && mark.sequence <= version) === true
    return isAnother && isOurs && at.getTime() - lastWrittenAt.getTime() < RECENT_MS
  }

  /** The digest of the last write that this process has sent, unless a later write is on record. */
  #sentDigest({ key, written }: ListDocument): string | undefined {
    const sent = this.#parts.memory.sent.get(key)
    return sent && sent.sequence > (written?.sequence ?? 0) ? sent.digest : undefined
  }

  /** True if a document has to be written to have this content. */
  differs({ key, digest, isMarked }: ListDocument, content: DenyListContent): boolean {
    return !isMarked || digest !== this.#parts.provider.digestDenyList(key, content)
  }

  /** Writes one; where that fails, the document is left for the rest of the pass. */
  async write(document: ListDocument, content: DenyListContent): Promise<void> {
    const { provider, ledger, memory, clock } = this.#parts
    const { key } = document
    const wrote = { digest: provider.digestDenyList(key, content), sequence: this.#list.claimVersion }
    const { ledgerId, epoch } = ledger.identity
    const mark = { ledgerId, epoch, sequence: wrote.sequence }
    const then = toDenies(content)
    let isSent = false
    try {
      await this.#claim.confirm()
      isSent = true
      memory.sending.add(this.#list.key)
      memory.sent.set(key, wrote)
      memory.recent.add(key, wrote.digest, clock.monotonicMs())
      const { at } = await this.#inTime((signal) => provider.writeDenyList(key, content, signal, mark, this.#claim))
      this.#see(document, then)
      Object.assign(document, { wrote, digest: wrote.digest, isMarked: true, at: at ?? document.at })
    } catch (thrown) {
      const error = asStintError(thrown)
      // A write whose answer is lost may have been made or not: only sessions that both contents deny are certainly denied.
      if (isSent && error.code !== 'PROVIDER_REFUSED') this.#see(document, intersectDenies(document.now, then))
      document.failure = error
      this.#tellFailure(document, error)
    }
  }

  /** Leaves a document that has no room for what it would have to take on first. */
  holdBack(document: ListDocument): void {
    const explanation = `The document ${document.key} keeps its content: what it holds has to be in another document first, and none has room.`
    document.failure = new StintError('DENY_LIST_FULL', { explanation, denyList: document.listKey })
    this.#tellFailure(document, document.failure)
  }

  /** Takes a write that is not on record for done where its content was found, so that a later edit of it shows. */
  confirm(): void {
    for (const document of this.usable) {
      const { digest, live, written, claimVersion } = document
      if (document.wrote || digest === undefined || digest === written?.digest) continue
      document.wrote = { digest, sequence: live?.mark?.sequence ?? claimVersion }
    }
  }

  /** To be called once the pass is on record. */
  recorded(): void {
    for (const { key, wrote } of this.all) if (wrote) this.#parts.memory.sent.delete(key)
  }

  /** Reports at the end of a pass that the documents which did not fail work again. */
  tellWell(): void {
    const { memory, problems } = this.#parts
    if (this.#isAlone) return
    for (const { key, listKey } of this.usable) {
      memory.failing.delete(key)
      problems.well(listKey, `deny:${key}`)
    }
  }

  /** The documents for the ledger; undefined for a list that has one. */
  toRecords(now: Date): DenyDocumentRecord[] | undefined {
    if (this.#isAlone) return undefined
    return this.all.map(({ key, wrote, record, failure }) => {
      const written = wrote ?? record?.written
      return {
        key,
        ...(written && key !== this.#list.key ? { written } : {}),
        ...(failure
          ? {
              attempts: this.#parts.memory.failing.get(key)?.attempts ?? 1,
              lastError: failure.message,
              failingSince: record?.failingSince ?? now,
            }
          : { attempts: 0 }),
      }
    })
  }

  /** Milliseconds until the first of the failing documents is tried again; Infinity if none fails. */
  get retryInMs(): number {
    const { memory, clock } = this.#parts
    const retries = this.all.flatMap(({ key, failure }) => (failure && memory.failing.get(key)?.retryAtMs) ?? [])
    return Math.max(0, Math.min(...retries) - clock.monotonicMs())
  }

  /** A document that cannot be read counts as last seen, unless the cloud refuses to show it or has it no more. */
  #leave(document: ListDocument, error: StintError): void {
    const isGone = error.code === 'PROVIDER_REFUSED' || error instanceof WithheldError
    const seen = isGone ? undefined : this.#parts.memory.seen.get(document.key)
    const isNewest = seen?.claimVersion === document.claimVersion - 1
    this.#see(document, seen && isNewest ? seen.denies : NOBODY)
    document.failure = error
  }

  /** Reports a failing document. Where it is the list's only one, the writer of the list reports it. */
  #tellFailure(document: ListDocument, error: StintError): void {
    if (this.#isAlone || this.#signal.aborted || isClaimLost(error)) return
    const { memory, clock, random, problems } = this.#parts
    const attempts = (memory.failing.get(document.key)?.attempts ?? document.record?.attempts ?? 0) + 1
    const pauseMs = backoffMs(attempts, { ...RETRY, random })
    memory.failing.set(document.key, { error, attempts, retryAtMs: clock.monotonicMs() + pauseMs })
    problems.tell(document.listKey, { component: `deny:${document.key}`, error })
    const at = clock.now()
    const nextAttemptAt = new Date(at.getTime() + pauseMs).toISOString()
    const data = { ...documentFacts(document), document: document.key, code: error.code, attempt: attempts }
    this.events.push(
      auditEvent('deny.failed', { at, actor: 'stint', data: { ...data, waiting: 0, nextAttemptAt } }),
      ...toWithheldEvents(error, at),
    )
  }

  async #inTime<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#isAlone) return call(this.#signal)
    const [over, stop] = [new AbortController(), new AbortController()]
    const timer = this.#parts.clock.sleep(PATIENCE_MS, stop.signal).then(
      () => over.abort(),
      () => undefined,
    )
    try {
      return await call(AbortSignal.any([this.#signal, over.signal]))
    } catch (thrown) {
      if (!over.signal.aborted || this.#signal.aborted) throw thrown
      const explanation = `The cloud did not answer within ${PATIENCE_MS / 1_000} s, and the other documents of the list do not wait for this one.`
      throw new StintError('PROVIDER_UNAVAILABLE', { explanation, outcome: 'unknown' }, thrown)
    } finally {
      stop.abort()
      await timer
    }
  }
}

/** The event of a withheld document; empty where it is on record already, and for any other error. */
export function toWithheldEvents(error: StintError, at: Date): AuditEventInput[] {
  if (!(error instanceof WithheldError) || !error.isNew) return []
  const { document, found, until } = error
  const data = { ...documentFacts(document), found, ...(until && { until: until.toISOString() }) }
  return [auditEvent('deny.withheld', { at, actor: 'stint', data })]
}

function toDocument(key: string, list: DenyList): ListDocument {
  const record = list.documents?.find((one) => one.key === key)
  const { claimVersion, openedVersion, claims } = list
  const written = key === list.key ? list.written : record?.written
  return {
    ...{ key, listKey: list.key, record, claimVersion },
    ...(openedVersion === undefined ? {} : { openedVersion }),
    ...(claims && { claims }),
    ...(written && { written }),
    ...{
      now: NOBODY,
      asLeft: undefined,
      live: undefined,
      digest: undefined,
      isMarked: false,
      at: undefined,
      wrote: undefined,
      failure: undefined,
    },
  }
}

function intersectDenies(a: DocumentDenies, b: DocumentDenies): DocumentDenies {
  return {
    names: (grantId) => a.names(grantId) && b.names(grantId),
    covers: (grant) => a.covers(grant) && b.covers(grant),
  }
}
