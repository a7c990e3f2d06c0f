import { setTimeout as pause } from 'node:timers/promises'
import { StintError } from '../../core/errors.ts'
import type { Ids } from '../../core/ids.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import type { ChainHead } from '../audit/sealed-event.ts'
import type { Waiting } from '../write-queue.ts'
import { changedByOthers, refused, takenOver } from './batch-errors.ts'
import { PgConnection } from './database/pg-connection.ts'
import { databaseError, isConflict, isConstraint, isLockTimeout, isLost, isUnitFault } from './database/pg-errors.ts'
import { checkServer, type PgServer, SERVER_FACTS, type ServerFacts, serverText } from './database/pg-server.ts'
import type { Statement } from './database/statement.ts'
import type { TransactionFrame } from './database/transaction-frame.ts'
import { decideAll, type Outcome, toWrites, type Work } from './decide-batch.ts'
import { ChainPlace } from './working-set/chain-place.ts'
import { Journal } from './working-set/journal.ts'
import type { RowReader } from './working-set/row-reader.ts'
import { WantedRows } from './working-set/wanted-rows.ts'
import { WorkingSet } from './working-set/working-set.ts'

type Batch = readonly Waiting<Work>[]

/** A batch that was sent: until its commit is confirmed, or looked up, nobody knows whether it is on record. */
interface Sent {
  readonly batch: Batch
  readonly number: number
  readonly head: ChainHead
  readonly outcomes: readonly Outcome[]
  /** By `performance.now()`, before it was sent. */
  readonly at: number
}

/** How often a batch failed, by kind. */
interface Failures {
  conflicts: number
  waits: number
  faults: number
  lost: number
}

/** A connection could not be made, or not taken up: nothing was sent on it. */
class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

const MAX_CONFLICTS = 8
/** With the usual time for a lock this is longer than the server leaves one to a replica that stands still. */
const MAX_WAITS = 3
const MAX_LOST = 4
/** Another writer may have made the row, or removed a plan that was remembered: a further try reads the rows again. */
const MAX_FAULTS = 2
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1_000
/** Plans and decisions remembered as being there; over it the memory starts anew. */
const MAX_KNOWN_DOCUMENTS = 20_000

/** Dependencies of the writer. */
export interface BatchWriterDeps {
  readonly server: PgServer
  readonly frame: TransactionFrame
  /** On record as open. */
  readonly replica: string
  readonly ids: Ids
  readonly reader: RowReader
  /** A batch waits so long for a database that cannot be reached. After one has waited in vain, the next ones do not wait. */
  readonly patienceMs: number
  /** Called when a transaction collided with another one and is undone, to be tried again. */
  readonly onConflict?: () => void
  /** Called with the error that keeps the ledger from writing, and with `undefined` once it writes again. */
  readonly onStore?: (error: StintError | undefined) => void
}

/**
 * Writes batches, one after another: a round trip that reads and locks what the units need, the units' decisions in one turn, and
 * a round trip that writes and commits. A commit whose answer was lost is looked up by its number on a new connection, which
 * first fences off whatever the old one may still be sending.
 */
export class BatchWriter {
  readonly #deps: BatchWriterDeps
  readonly #where: string
  #connection: PgConnection | undefined
  #fence = 0
  #lastNumber = 0
  #head: ChainHead
  #sent: Sent | undefined
  #confirmed: Sent | undefined
  #liveAt = performance.now()
  #isDown = false
  #isTold = false
  #failed: StintError | undefined
  readonly #knownDocuments = new Set<string>()

  /** @param head the last event of the chain of this process */
  constructor(deps: BatchWriterDeps, head: ChainHead) {
    this.#deps = deps
    this.#where = serverText(deps.server)
    this.#head = head
  }

  /** True if a batch that was sent within this time is on record, so that the other replicas cannot take this one for silent yet. */
  isLiveWithin(ms: number): boolean {
    return this.#failed === undefined && performance.now() - this.#liveAt < ms
  }

  /** The number of the last batch that is known to be on record. */
  get lastBatch(): number {
    return this.#lastNumber
  }

  /** Says so when no batch of this replica has been on record for this time; taken back with the next one that is. */
  checkLive(ms: number): void {
    if (this.#failed || this.#isTold || this.isLiveWithin(ms)) return
    const seconds = Math.floor((performance.now() - this.#liveAt) / 1_000)
    const explanation = `Nothing could be committed to the database at ${this.#where} for ${seconds} s. Until that works again, nothing is granted, and another broker may take over from this one.`
    this.#tell(new StintError('LEDGER_UNAVAILABLE', { explanation, server: this.#where }))
  }

  /** Settles every unit of a batch. */
  async write(batch: Batch): Promise<void> {
    try {
      const outcomes = await this.#settle(batch)
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index]
        if (outcome && 'value' in outcome) resolve(outcome.value as never)
        else reject(outcome?.error)
      }
    } catch (error) {
      if (batch.length > 1 && isUnitFault(error)) return this.#oneByOne(batch)
      const told = isUnitFault(error) ? refused(error) : databaseError(error, this.#where)
      for (const { reject } of batch) reject(told)
    }
  }

  async close(): Promise<void> {
    await this.#connection?.close()
  }

  /** One unit of the batch is at fault: each is written by itself, so that the others succeed. */
  async #oneByOne(batch: Batch): Promise<void> {
    for (const one of batch) await this.write([one])
  }

  async #settle(batch: Batch): Promise<readonly Outcome[]> {
    const until = performance.now() + (this.#isDown ? 0 : this.#deps.patienceMs)
    const failures: Failures = { conflicts: 0, waits: 0, faults: 0, lost: 0 }
    for (let tried = 1; ; tried += 1) {
      try {
        const outcomes = await this.#once(batch)
        this.#tell(undefined)
        return outcomes
      } catch (error) {
        if (!this.#mayTryAgain(error, failures, until)) throw this.#reportFailure(error)
        await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tried))
      }
    }
  }

  /** Each kind of failure has a number of its own: a deadlock must not use up the try that finds the row of another replica. */
  #mayTryAgain(error: unknown, failures: Failures, until: number): boolean {
    if (error instanceof StintError) return false
    if (error instanceof NotConnected) return performance.now() < until
    if (isConflict(error)) {
      this.#deps.onConflict?.()
      failures.conflicts += 1
      return failures.conflicts <= MAX_CONFLICTS
    }
    if (isLockTimeout(error)) {
      failures.waits += 1
      return failures.waits <= MAX_WAITS
    }
    if (isUnitFault(error)) {
      failures.faults += 1
      return failures.faults <= MAX_FAULTS && isConstraint(error)
    }
    failures.lost += 1
    return isLost(error) && failures.lost <= MAX_LOST
  }

  #reportFailure(error: unknown): unknown {
    const cause = error instanceof NotConnected ? error.cause : error
    if (isUnitFault(cause)) return cause
    const told = this.#failed ?? databaseError(cause, this.#where)
    if (isLost(cause) || error instanceof NotConnected) this.#isDown = true
    this.#tell(told)
    return told
  }

  #tell(error: StintError | undefined): void {
    if (!error) this.#isDown = false
    if (error || this.#isTold) this.#deps.onStore?.(error)
    this.#isTold = error !== undefined
  }

  async #once(batch: Batch): Promise<readonly Outcome[]> {
    if (this.#failed) throw this.#failed
    const connection = await this.#connected()
    const confirmed = this.#confirmed
    this.#confirmed = undefined
    if (confirmed?.batch === batch) return confirmed.outcomes
    try {
      return await this.#transact(connection, batch)
    } catch (error) {
      this.#knownDocuments.clear()
      await this.#undo(connection)
      throw error
    }
  }

  /** Rolls back. If the server answers that, the batch is certainly not on record. */
  async #undo(connection: PgConnection): Promise<void> {
    if (!connection.isLost) await connection.round([this.#deps.frame.rollback]).catch(() => undefined)
    if (connection.isLost) await connection.close()
    else this.#sent = undefined
  }

  async #transact(connection: PgConnection, batch: Batch): Promise<readonly Outcome[]> {
    const set = this.#emptySet()
    await this.#read(connection, batch, set)
    const outcomes = await decideAll(connection, batch, set)
    const writes = toWrites(set)
    const { frame } = this.#deps
    if (writes.length === 0 && !set.isTouched) {
      await connection.round([frame.rollback])
      return outcomes
    }
    const sent = { batch, number: this.#lastNumber + 1, head: set.chain.head, outcomes, at: performance.now() }
    this.#sent = sent
    // Not at a beat, so that a crash test counts batches that have something to lose.
    if (writes.length > 0) failpoint('ledger.before_commit')
    await connection.round([this.#markStatement(sent.number), ...writes, ...frame.commit])
    if (writes.length > 0) failpoint('ledger.after_commit')
    this.#committed(sent)
    this.#noteDocuments(set)
    return outcomes
  }

  #emptySet(): WorkingSet {
    const { ids, reader, replica } = this.#deps
    const journal = new Journal()
    const chain = new ChainPlace(journal, ids, this.#head)
    return new WorkingSet({ journal, reader, chain, replica, knownDocuments: this.#knownDocuments })
  }

  /** The replica's own row is locked until the commit: whoever takes its place waits for that, or comes before. */
  async #read(connection: PgConnection, batch: Batch, set: WorkingSet): Promise<void> {
    const wanted = new WantedRows(this.#deps.reader.holdCache.statement())
    for (const { work } of batch) work.unit.want?.(wanted)
    if (set.chain.isEmpty) wanted.heads = true
    const reads = wanted.reads()
    const statements = [this.#deps.frame.beginWrite, this.#lockStatement(), ...reads.map(({ statement }) => statement)]
    const [, own, ...answers] = await connection.round(statements)
    const found = own?.rows[0] as unknown as (ServerFacts & { readonly batch: number }) | undefined
    if (!found) throw this.#fail(takenOver(this.#where))
    // A pooler may have gone over to another server without closing the connection, and that one may lack what we committed.
    if (found.batch !== this.#lastNumber) throw this.#fail(changedByOthers(this.#where))
    checkServer(found, this.#where)
    for (const [index, { kind }] of reads.entries()) set.load(kind, answers[index]?.rows ?? [])
  }

  #lockStatement(): Statement {
    const text = `SELECT batch, ${SERVER_FACTS} FROM replicas
      WHERE id = $1 AND fence = $2 AND closed_at IS NULL FOR NO KEY UPDATE`
    return { name: 'lock-replica', text, values: [this.#deps.replica, this.#fence] }
  }

  #markStatement(number: number): Statement {
    const text = 'UPDATE replicas SET batch = $2, seen_at = clock_timestamp() WHERE id = $1'
    return { name: 'mark-batch', text, values: [this.#deps.replica, number] }
  }

  #committed({ number, head, at }: Sent): void {
    this.#liveAt = at
    this.#lastNumber = number
    this.#head = head
    this.#sent = undefined
  }

  #noteDocuments(set: WorkingSet): void {
    if (set.forgetsDocuments || this.#knownDocuments.size > MAX_KNOWN_DOCUMENTS) this.#knownDocuments.clear()
    if (!set.forgetsDocuments) for (const hash of set.keptDocuments()) this.#knownDocuments.add(hash)
  }

  async #connected(): Promise<PgConnection> {
    if (this.#connection && !this.#connection.isLost && !this.#sent) return this.#connection
    await this.#connection?.close()
    this.#connection = undefined
    let connection: PgConnection | undefined
    try {
      connection = await PgConnection.open(this.#deps.server)
      await this.#takeUp(connection)
    } catch (error) {
      await connection?.close()
      if (error instanceof StintError) throw error
      throw new NotConnected('not connected', { cause: error })
    }
    this.#connection = connection
    return connection
  }

  /** Fences off the connection of before, waits for what it is doing, and looks up what became of the batch that was sent last. */
  async #takeUp(connection: PgConnection): Promise<void> {
    const { replica, frame } = this.#deps
    const fence = `UPDATE replicas SET fence = fence + 1, seen_at = clock_timestamp() WHERE id = $1 AND closed_at IS NULL
      RETURNING fence, batch`
    const head = `SELECT id AS chain, seq, encode(hash, 'hex') AS hash FROM chains WHERE id = $1`
    const [, fenced, found] = await connection.round([
      frame.beginWrite,
      { text: fence, values: [replica] },
      { text: head, values: [replica] },
      ...frame.commit,
    ])
    const own = fenced?.rows[0] as { fence: number; batch: number } | undefined
    if (!own) throw this.#fail(takenOver(this.#where))
    this.#fence = own.fence
    this.#judge(own.batch, found?.rows[0] as unknown as ChainHead | undefined)
  }

  #judge(number: number, head: ChainHead | undefined): void {
    const sent = this.#sent
    const isCommitted = sent !== undefined && number === sent.number
    const expected = isCommitted ? sent.head : this.#head
    const isKnown = isCommitted || number === this.#lastNumber
    if (!isKnown || (head?.seq ?? 0) !== expected.seq || (head && head.hash !== expected.hash)) {
      throw this.#fail(changedByOthers(this.#where))
    }
    this.#sent = undefined
    if (!isCommitted) return
    this.#committed(sent)
    this.#confirmed = sent
  }

  #fail(error: StintError): StintError {
    this.#failed = error
    return error
  }
}
