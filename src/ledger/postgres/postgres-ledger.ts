import type { Clock } from '../../core/clock.ts'
import { currentCall } from '../../core/correlation.ts'
import type { StintError } from '../../core/errors.ts'
import type { Ids } from '../../core/ids.ts'
import { emptyHead } from '../audit/sealed-event.ts'
import type { AuditVerdict } from '../audit/walk-chains.ts'
import { type DamagedRowListener, DamagedRows } from '../damaged-rows.ts'
import type { Ledger, LedgerWrites } from '../ledger.ts'
import type { LedgerIdentity } from '../records.ts'
import { WriteQueue, type WriteQueueOptions } from '../write-queue.ts'
import { verifyStored, verifyTail } from './audit.ts'
import { RefusedByDatabase } from './batch-errors.ts'
import { BatchWriter } from './batch-writer.ts'
import { PgConnection } from './database/pg-connection.ts'
import { databaseError } from './database/pg-errors.ts'
import { type PgServer, serverText } from './database/pg-server.ts'
import { ReadPool } from './database/read-pool.ts'
import type { Statement } from './database/statement.ts'
import type { TransactionFrame } from './database/transaction-frame.ts'
import type { Work } from './decide-batch.ts'
import { runMigrations } from './migrations/run-migrations.ts'
import { joinLedger, leaveLedger } from './opening.ts'
import { postgresReads } from './reads.ts'
import { adoptRules } from './replicas/adopt-rules.ts'
import { beat } from './replicas/beat-unit.ts'
import { DatabaseClock } from './replicas/database-clock.ts'
import { REPLICA_TIMING, type ReplicaTiming, ReplicaWatch } from './replicas/replica-watch.ts'
import { prepareFrame } from './server-frame.ts'
import { startSharing } from './sharing/postgres-sharing.ts'
import { claimDenyList, denyFailed, denyProven, denyWritten, dueDenyLists } from './units/deny-units.ts'
import { appendReports, intendLease, moveGrant, openGrant, settleLease } from './units/grant-units.ts'
import { liftHold, noteHold, putHold } from './units/hold-units.ts'
import { appendEvents, closeChain, nameHeads, noteUnregistered, prune } from './units/housekeeping-units.ts'
import { noticeWrites } from './units/notice-units.ts'
import { beginQuarantine, openQuarantine } from './units/quarantine-units.ts'
import { changeRegistration, recordReminder, recordReview } from './units/registration-units.ts'
import { noteStuck, setGrantAside, sweepGrants } from './units/sweep-unit.ts'
import { connectionClosed } from './units/token-units.ts'
import type { Unit } from './units/unit.ts'
import { RowReader } from './working-set/row-reader.ts'

/** The address of the database, and limits on what the ledger keeps and queues. */
export interface PostgresLedgerOptions {
  readonly server: PgServer
  /** The schema that holds the ledger; made if it is not there. Letters, digits and `_` alone. */
  readonly schema: string
  readonly clock: Clock
  readonly ids: Ids
  /** The version of this program, for the list of replicas. */
  readonly version?: string
  /** Connections in all: one writes, the others read. */
  readonly maxConnections: number
  /** Writes wait so long for a database that cannot be reached; 10 s if not given. */
  readonly patienceMs?: number
  /** How replicas tell that one of them is gone; only tests have reasons of their own. */
  readonly timing?: ReplicaTiming
  /** `never`: an older schema is an error; default `start`, which brings it up to date. */
  readonly migrate?: 'start' | 'never'
  /** Unregistered identities that are kept; 1,000 if not given. */
  readonly maxUnregistered?: number
  /** Limits on the writes that share a commit and on those that wait. */
  readonly queue?: WriteQueueOptions
  /** The server behind the pooler that `server` names, for notifications of other replicas; not needed without a pooler. */
  readonly listenAt?: PgServer
  /** Told whether notifications of other replicas come: `undefined` when they do, else what keeps them away. */
  readonly onListen?: (error: StintError | undefined) => void
  /** Told of rows that cannot be read, and of those that can again. */
  readonly onRow?: DamagedRowListener
  /** Told of each other replica that this one has found silent and has fenced off. */
  readonly onFenced?: (replica: string) => void
  /** Told of each transaction that collided with one of another replica, and is tried again. */
  readonly onConflict?: () => void
  /** Told of what keeps the ledger from writing, and with `undefined` that it writes again. */
  readonly onStore?: (error: StintError | undefined) => void
}

/** The length of a ledger's id: 60 random bits. */
const ID_CHARACTERS = 12
const PATIENCE_MS = 10_000
/** Readings of the database's clock when the ledger is opened. */
const READINGS = 3

/**
 * Opens the ledger in a schema of a PostgreSQL database, beside other processes that have it open. Brings the schema up to date and
 * checks the end of the audit log against its recorded heads.
 *
 * @throws {StintError} LEDGER_LOCKED, LEDGER_CORRUPT, LEDGER_VERSION_UNSUPPORTED, LEDGER_MIGRATION_NEEDED, LEDGER_UNAVAILABLE.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  const { server, clock, ids } = options
  const where = serverText(server)
  let connection: PgConnection | undefined
  let reads: ReadPool | undefined
  try {
    connection = await PgConnection.open(server)
    const frame = await prepareFrame(connection, server, options.schema)
    const { schema, migrate = 'start' } = options
    await runMigrations(connection, frame, { schema, migrate, now: clock.now() })
    reads = new ReadPool(server, frame, Math.max(1, options.maxConnections - 1))
    await verifyTail(reads)
    const replica = ids.next('rpl', clock.now())
    const freshId = ids.next('rpl', clock.now()).slice(-ID_CHARACTERS)
    const identity = await joinLedger(connection, frame, { replica, freshId, version: options.version ?? '' })
    const databaseClock = await compareClocks(connection, clock)
    return createLedger({ frame, reads, identity, where, databaseClock }, options)
  } catch (error) {
    await reads?.close()
    throw databaseError(error, where)
  } finally {
    await connection?.close()
  }
}

/**
 * Checks a ledger without changing or locking it: the server's settings, and the whole audit log.
 *
 * @returns undefined when there is no ledger yet
 * @throws {StintError} LEDGER_UNAVAILABLE
 */
export async function examinePostgresLedger({
  server,
  schema,
}: Pick<PostgresLedgerOptions, 'server' | 'schema'>): Promise<AuditVerdict | undefined> {
  let connection: PgConnection | undefined
  let reads: ReadPool | undefined
  try {
    connection = await PgConnection.open(server)
    const frame = await prepareFrame(connection, server, schema)
    const text = `SELECT to_regclass(quote_ident($1) || '.chains') IS NOT NULL AS is_there`
    const [found] = await connection.round([{ text, values: [schema] }])
    if (found?.rows[0]?.is_there !== true) return undefined
    reads = new ReadPool(server, frame, 1)
    return await verifyStored(reads)
  } catch (error) {
    throw databaseError(error, serverText(server))
  } finally {
    await reads?.close()
    await connection?.close()
  }
}

/** Before the first grant; the best of a few readings. */
async function compareClocks(connection: PgConnection, clock: Clock): Promise<DatabaseClock> {
  const compared = new DatabaseClock(clock)
  const run = async (statements: readonly Statement[]) => (await connection.round(statements)).map(({ rows }) => rows)
  for (let reading = 1; reading <= READINGS; reading += 1) await compared.ask([], run)
  return compared
}

interface Opened {
  readonly databaseClock: DatabaseClock
  readonly frame: TransactionFrame
  readonly reads: ReadPool
  readonly identity: LedgerIdentity
  readonly where: string
}

function createLedger(
  { frame, reads, identity, where, databaseClock }: Opened,
  options: PostgresLedgerOptions,
): Ledger {
  const { server, clock, ids, timing = REPLICA_TIMING } = options
  const { replica } = identity
  const reader = new RowReader(new DamagedRows(options.onRow, () => false))
  const patienceMs = options.patienceMs ?? PATIENCE_MS
  const { onStore, onConflict } = options
  const writer = new BatchWriter(
    { server, frame, replica, ids, reader, patienceMs, ...(onStore && { onStore }), ...(onConflict && { onConflict }) },
    emptyHead(replica),
  )
  reads.readBeside({ replica, lastBatch: () => writer.lastBatch })
  const queue = new WriteQueue<Work>(
    (batch) => writer.write(batch),
    ({ unit }) => unit.prepare !== undefined,
    options.queue,
  )
  const watch = new ReplicaWatch(timing)
  let isBeating = false
  const onBeat = async () => {
    writer.checkLive(timing.liveForMs)
    if (isBeating) return
    isBeating = true
    const work = { unit: beat(watch, databaseClock), call: undefined }
    // A failure is told by `onStore`.
    const fenced = await queue.add<readonly string[]>(work, 'settling').catch(() => [])
    for (const other of fenced) options.onFenced?.(other)
    isBeating = false
  }
  const heart = setInterval(() => void onBeat(), timing.everyMs)
  heart.unref()
  let isOpen = true
  const sharing = startSharing({
    ...{ reads, where, replica, schema: options.schema, onListen: options.onListen, isOpen: () => isOpen },
    databaseClock,
    adoptRules: (digest) => queue.add({ unit: adoptRules(digest), call: undefined }, 'settling'),
    listenAt: options.listenAt ?? (server.pooler ? undefined : server),
  })
  const close = async () => {
    clearInterval(heart)
    await sharing.close()
    const closed = queue.add({ unit: closeChain(clock.now()), call: undefined }, 'settling').catch(() => {
      // The ledger has failed, and its callers were told; a chain that was not closed is told of by every verification.
    })
    await queue.close()
    await closed
    isOpen = false
    await writer.close()
    await reads.close()
    await leave(server, frame, replica)
  }
  let closing: Promise<void> | undefined
  return {
    identity,
    isLive: () => isOpen && writer.isLiveWithin(timing.liveForMs),
    sharing,
    ...postgresWrites(queue, reader, { epoch: identity.epoch, maxUnregistered: options.maxUnregistered ?? 1_000 }),
    ...postgresReads({ reads, reader, replica, where, isOpen: () => isOpen }),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Best effort: if the database cannot be reached, the others have to find that this replica is silent. */
async function leave(server: PgServer, frame: TransactionFrame, replica: string): Promise<void> {
  let connection: PgConnection | undefined
  try {
    connection = await PgConnection.open(server)
    await leaveLedger(connection, frame, replica)
  } catch {
    // The ledger is closed: there is nobody left to report it to.
  } finally {
    await connection?.close()
  }
}

function postgresWrites(
  queue: WriteQueue<Work>,
  reader: RowReader,
  { epoch, maxUnregistered }: { readonly epoch: number; readonly maxUnregistered: number },
): LedgerWrites {
  // A unit runs later, in the turn of whoever answers: so the call is looked up now.
  const write = <T>(unit: Unit<T>, kind?: 'settling') => queue.add<T>({ unit, call: currentCall() }, kind)
  return {
    openGrant: (input) => write(openGrant(input)),
    intendLease: (input) => write(intendLease(input)),
    settleLease: (input) => write(settleLease(input), 'settling'),
    moveGrant: (input) => write(moveGrant(input), 'settling'),
    appendEvents: (events) => write(appendEvents(events)),
    nameHeads: ({ at }) => write(nameHeads(at)),
    appendReports: (input) => write(appendReports(input)),
    noteUnregistered: (attempt) => write(noteUnregistered(attempt, maxUnregistered)),
    connectionClosed: (input) => write(connectionClosed(input), 'settling'),
    sweepGrants: (input) => sweep(write, reader, input),
    claimDenyList: (input) => write(claimDenyList(input, epoch), 'settling'),
    denyWritten: (input) => write(denyWritten(input), 'settling'),
    denyProven: (input) => write(denyProven(input), 'settling'),
    denyFailed: (input) => write(denyFailed(input), 'settling'),
    dueDenyLists: (input) => write(dueDenyLists(input), 'settling'),
    beginQuarantine: (input) => write(beginQuarantine(input), 'settling'),
    openQuarantine: (input) => write(openQuarantine(input), 'settling'),
    putHold: (input) => write(putHold(input), 'settling'),
    liftHold: (input) => write(liftHold(input), 'settling'),
    noteHold: (input) => write(noteHold(input), 'settling'),
    ...noticeWrites(write),
    prune: (input) => write(prune(input)),
    changeRegistration: (input) => write(changeRegistration(input)),
    recordReview: (input) => write(recordReview(input)),
    recordReminder: (input) => write(recordReminder(input)),
  }
}

type Write = <T>(unit: Unit<T>, kind?: 'settling') => Promise<T>

/** Sweeps all due grants at once. If the database refuses that, each grant is moved by itself, and the refused one set aside. */
async function sweep(write: Write, reader: RowReader, input: Parameters<LedgerWrites['sweepGrants']>[0]) {
  const together = sweepGrants(input)
  try {
    return await write(together, 'settling')
  } catch (error) {
    if (!(error instanceof RefusedByDatabase)) throw error
  }
  const swept = []
  for (const id of together.dueIds()) {
    try {
      swept.push(...(await write(sweepGrants(input, id), 'settling')))
    } catch (error) {
      if (!(error instanceof RefusedByDatabase)) throw error
      noteStuck({ reader }, id, error)
      // Where even that is refused it stays due, and the others are moved all the same.
      await write(setGrantAside(id, input.now), 'settling').catch((refused) => {
        if (!(refused instanceof RefusedByDatabase)) throw refused
      })
    }
  }
  return swept
}
