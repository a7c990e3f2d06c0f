import { sha256Hex } from '../../core/canonical-json.ts'
import { StintError } from '../../core/errors.ts'
import { type Migration, migrationText } from './migration.ts'

/** A step that a ledger has on record. */
export interface AppliedStep {
  readonly version: number
  readonly name: string
  readonly checksum: string
  readonly readable_by: number
}

/** The schema of a ledger, seen by one release. */
export interface SchemaState {
  /** The last step on record; 0 when there is no ledger yet. */
  readonly found: number
  /** The last step that this release knows. */
  readonly known: number
  /** The oldest version whose brokers can use the ledger as it is. */
  readonly readableBy: number
  /** The steps that this release would add, in order. */
  readonly pending: readonly Migration[]
}

/** The work of a migration as it goes on. */
export interface MigrationProgress {
  readonly step: Pick<Migration, 'version' | 'name'>
  /** Rows changed so far and rows in all, for a step that goes through rows. */
  readonly rows?: { readonly done: number; readonly total: number }
  readonly isDone: boolean
}

/** Told of each step as it begins, goes on and ends. */
export type MigrationListener = (progress: MigrationProgress) => void

/**
 * The state of a schema.
 *
 * @param applied all steps on record, by version
 * @throws {StintError} LEDGER_CORRUPT when a step on record is not the one we know; LEDGER_VERSION_UNSUPPORTED when a
 *   newer release has made the schema unreadable for this one.
 */
export function schemaState(applied: readonly AppliedStep[], migrations: readonly Migration[]): SchemaState {
  const known = migrations.at(-1)?.version ?? 0
  for (const row of applied) {
    checkReadable(row, known)
    checkKnown(row, migrations)
  }
  const found = applied.at(-1)?.version ?? 0
  return {
    found,
    known,
    readableBy: Math.max(0, ...applied.map(({ readable_by }) => readable_by)),
    pending: migrations.filter(({ version }) => version > found),
  }
}

/** The first of these steps that brokers which know only `version` cannot live with. */
export function findBreakingStep(steps: readonly Migration[], version: number): Migration | undefined {
  return steps.find(({ readableBy }) => readableBy > version)
}

/** For a broker that is not to change the schema itself. @throws {StintError} LEDGER_MIGRATION_NEEDED if there are steps to add */
export function refusePending({ found, known, pending }: SchemaState): void {
  if (pending.length === 0) return
  throw migrationNeeded({ found, known }, 'ledger.migrate is never')
}

/** @param because why this process does not do it */
export function migrationNeeded(
  { found, known }: Pick<SchemaState, 'found' | 'known'>,
  because: string,
  cause?: unknown,
): StintError {
  const explanation = `The ledger has schema version ${found}, this release needs version ${known}, and ${because}. Run "stint migrate up" with this configuration, as a user who may change the schema, then start the broker.`
  return new StintError('LEDGER_MIGRATION_NEEDED', { explanation, found, known }, cause)
}

function checkReadable({ version, readable_by }: AppliedStep, known: number): void {
  if (readable_by <= known) return
  throw new StintError('LEDGER_VERSION_UNSUPPORTED', {
    explanation: `The ledger has schema version ${version}, which needs a release that knows version ${readable_by}; this one knows ${known}. Start the newer release, or restore a backup made before the upgrade.`,
    found: version,
    known,
  })
}

function checkKnown({ version, name, checksum }: AppliedStep, migrations: readonly Migration[]): void {
  const migration = migrations.find((one) => one.version === version)
  if (!migration || sha256Hex(migrationText(migration)) === checksum) return
  throw new StintError('LEDGER_CORRUPT', {
    explanation: `Schema step ${version} (${name}) on record is not the one that this release knows.`,
    version,
  })
}
