import { setTimeout as pause } from 'node:timers/promises'
import { sha256Hex } from '../../../core/canonical-json.ts'
import { StintError } from '../../../core/errors.ts'
import { failpoint } from '../../../core/process/failpoint.ts'
import { migrationText, type RowStep, type SchemaStep } from '../../schema/migration.ts'
import {
  findBreakingStep,
  type MigrationListener,
  migrationNeeded,
  refusePending,
  type SchemaState,
  schemaState,
} from '../../schema/schema-state.ts'
import type { PgConnection } from '../database/pg-connection.ts'
import { isConflict, sqlState } from '../database/pg-errors.ts'
import type { Statement } from '../database/statement.ts'
import type { TransactionFrame } from '../database/transaction-frame.ts'
import { FREE_CLAIMS } from '../replicas/beat-unit.ts'
import { ledgerMigration } from './001-ledger.ts'
import { replicaVersionsMigration } from './002-replica-versions.ts'
import { denyClaimsMigration } from './003-deny-claims.ts'
import { replicaFactsMigration } from './004-replica-facts.ts'
import { quarantinesMigration } from './005-quarantines.ts'
import { withdrawnMigration } from './006-withdrawn.ts'
import { holdsMigration } from './007-holds.ts'
import { noticesMigration } from './008-notices.ts'
import { ruleSetsMigration } from './009-rule-sets.ts'
import { registrationsMigration } from './010-registrations.ts'
import { claimsMigration } from './011-claims.ts'
import { budgetsMigration } from './012-budgets.ts'
import { votesMigration } from './013-votes.ts'
import { reuseMigration } from './014-reuse.ts'
import { type LiveReplica, readApplied, readLiveReplicas, readSteps } from './inspect-schema.ts'
import type { Migration } from './migration.ts'

/** All steps, by version. */
export const MIGRATIONS: readonly Migration[] = [
  ledgerMigration,
  replicaVersionsMigration,
  denyClaimsMigration,
  replicaFactsMigration,
  quarantinesMigration,
  withdrawnMigration,
  holdsMigration,
  noticesMigration,
  ruleSetsMigration,
  registrationsMigration,
  claimsMigration,
  budgetsMigration,
  votesMigration,
  reuseMigration,
]

/** The schema version that this release knows. */
export const KNOWN_VERSION = MIGRATIONS.at(-1)?.version ?? 0

const CREATE_STEPS = `CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
  readable_by integer NOT NULL, applied_at bigint NOT NULL)`

/** The lock of a migration, held until its transaction ends: "STNT". */
const LOCK = 0x53544e54

/** A step waits for the transactions of running brokers, which are short, and they for it: it must not wait for long. */
const LOCK_TRIES = 30
const LOCK_PAUSE_MS = 200

/** Inputs of a migration besides the connection. */
export interface MigrationInput {
  readonly schema: string
  readonly now: Date
  readonly migrations?: readonly Migration[]
  /** `never`: steps that are pending are an error. */
  readonly migrate?: 'start' | 'never'
  readonly onProgress?: MigrationListener | undefined
}

type Input = MigrationInput & { readonly migrations: readonly Migration[] }

/**
 * Brings the schema up to date, one transaction a step, so that a crash leaves whole steps only, and one process at a time. Steps
 * that running brokers can live with are made beside them.
 *
 * @throws {StintError} LEDGER_CORRUPT when a step on record is not the one we know; LEDGER_VERSION_UNSUPPORTED when a newer
 *   release has made the schema unreadable for this one; LEDGER_LOCKED when a step is pending that a running broker could not
 *   live with; LEDGER_MIGRATION_NEEDED when steps are pending and the user, or `migrate`, does not allow them.
 */
export async function runMigrations(
  connection: PgConnection,
  frame: TransactionFrame,
  input: MigrationInput,
): Promise<void> {
  const all = { migrations: MIGRATIONS, ...input }
  if (await isUpToDate(connection, frame, all)) return
  for (let tried = 1; ; ) {
    try {
      if (!(await runNext(connection, frame, all))) return
      tried = 1
    } catch (error) {
      await connection.round([frame.rollback]).catch(() => undefined)
      if (!isBusy(error) || tried >= LOCK_TRIES) throw error
      tried += 1
      await pause(LOCK_PAUSE_MS)
    }
  }
}

/**
 * Without the lock, since anybody who can connect to the database can hold that one: so nobody keeps a broker from starting. An
 * opening looks at the steps again.
 */
async function isUpToDate(connection: PgConnection, frame: TransactionFrame, input: Input): Promise<boolean> {
  await connection.round([frame.beginRead('')])
  const { applied = [] } = await readApplied(connection, input.schema)
  await connection.round([frame.rollback])
  return schemaState(applied, input.migrations).pending.length === 0
}

/** A lock that did not come in time, or two transactions that waited for each other. */
function isBusy(error: unknown): boolean {
  return sqlState(error) === '55P03' || isConflict(error)
}

/** @returns whether there may be more */
async function runNext(connection: PgConnection, frame: TransactionFrame, input: Input): Promise<boolean> {
  const { migrations, migrate, onProgress } = input
  const { hasSchema, applied } = await lockAndRead(connection, frame, input.schema)
  const state = schemaState(applied ?? [], migrations)
  if (migrate === 'never') refusePending(state)
  const [next] = state.pending
  if (!next) {
    await connection.round([frame.rollback])
    return false
  }
  onProgress?.({ step: next, isDone: false })
  try {
    await refuseBeneathBrokers(connection, state, next)
    await createSteps(connection, input.schema, { hasSchema, hasSteps: applied !== undefined })
    if ('rows' in next) await changeRows(connection, frame, { step: next, state }, input)
    else await changeSchema(connection, frame, next, input)
  } catch (error) {
    if (sqlState(error) !== '42501') throw error
    throw migrationNeeded(state, 'its database user may not change the schema (42501)', error)
  }
  onProgress?.({ step: next, isDone: true })
  return true
}

/** For an opening: the schema may have changed since it was looked at. @throws {StintError} LEDGER_VERSION_UNSUPPORTED */
export async function checkReadable(connection: PgConnection): Promise<void> {
  schemaState(await readSteps(connection), MIGRATIONS)
}

async function lockAndRead(connection: PgConnection, frame: TransactionFrame, schema: string) {
  await connection.round(beginLocked(frame, schema))
  return readApplied(connection, schema)
}

function beginLocked(frame: TransactionFrame, schema: string): Statement[] {
  return [
    frame.beginWrite,
    { text: 'SELECT pg_advisory_xact_lock($1, hashtext($2))', values: [LOCK, schema] },
    // A large ledger takes its time.
    { text: 'SET LOCAL statement_timeout = 0' },
  ]
}

/** A schema that exists is not created again, since its user need not have the right to create one. */
async function createSteps(
  connection: PgConnection,
  schema: string,
  { hasSchema, hasSteps }: { hasSchema: boolean; hasSteps: boolean },
): Promise<void> {
  await connection.round([
    ...(hasSchema ? [] : [{ text: `CREATE SCHEMA "${schema}"` }]),
    ...(hasSteps ? [] : [{ text: CREATE_STEPS }]),
  ])
}

/**
 * A step that a broker cannot live with is made only when no such broker runs. Those that are silent are fenced off: what they still
 * send has no effect. The identity is locked, as by an opening, so none joins meanwhile.
 */
async function refuseBeneathBrokers(connection: PgConnection, { found }: SchemaState, next: Migration): Promise<void> {
  // Before the first step there is nothing to use.
  if (found === 0 || next.readableBy <= 1) return
  await connection.round([{ text: 'SELECT id FROM ledger_identity FOR UPDATE' }])
  const live = await readLiveReplicas(connection)
  const [first] = live.filter(({ knows }) => findBreakingStep([next], knows))
  if (first) throw inUse(first, next)
  const others = live.map(({ id }) => id)
  const text = `UPDATE replicas SET fence = fence + 1, closed_at = clock_timestamp()
    WHERE closed_at IS NULL AND id <> ALL ($1::text[])`
  await connection.round([{ text, values: [others] }, FREE_CLAIMS])
}

function inUse({ id, silentMs, knows }: LiveReplica, { version, name }: Migration): StintError {
  const explanation = `A broker (${id}) uses the ledger, it was heard of ${silentMs} ms ago, and it cannot live with step ${version} (${name}), since it knows schema version ${knows} only. Stop every broker of its release, then run this again.`
  return new StintError('LEDGER_LOCKED', { explanation, replica: id, version })
}

async function changeSchema(
  connection: PgConnection,
  frame: TransactionFrame,
  step: SchemaStep,
  { now }: Input,
): Promise<void> {
  failpoint('ledger.migrating')
  await connection.round([{ text: step.sql, isPatient: true }])
  await connection.round([noteStep(step, now), ...frame.commit])
}

/** Rows in parts with a transaction each; the step is on record with the part that finds none left. */
async function changeRows(
  connection: PgConnection,
  frame: TransactionFrame,
  { step, state }: { readonly step: RowStep; readonly state: SchemaState },
  { schema, now, onProgress }: Input,
): Promise<void> {
  const [counted] = await connection.round([{ text: step.rows.remaining, isPatient: true }])
  await connection.round([...frame.commit])
  const total = Number((counted?.rows[0] as { count: number } | undefined)?.count ?? 0)
  for (let done = 0, isDone = false; !isDone; ) {
    onProgress?.({ step, rows: { done, total }, isDone })
    await connection.round(beginLocked(frame, schema))
    // A broker can have joined between two parts.
    await refuseBeneathBrokers(connection, state, step)
    const [changed] = await connection.round([{ text: step.rows.change, isPatient: true }])
    isDone = changed?.count === 0
    done += changed?.count ?? 0
    await connection.round([...(isDone ? [noteStep(step, now)] : []), ...frame.commit])
    failpoint('ledger.migrating_rows')
  }
}

/** Another process may have done the rest of the rows meanwhile. */
function noteStep(migration: Migration, now: Date): Statement {
  const { version, name, readableBy } = migration
  return {
    text: `INSERT INTO migrations (version, name, checksum, readable_by, applied_at) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (version) DO NOTHING`,
    values: [version, name, sha256Hex(migrationText(migration)), readableBy, now.getTime()],
  }
}
