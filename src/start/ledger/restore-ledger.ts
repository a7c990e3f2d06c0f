import { existsSync } from 'node:fs'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { hasCode, StintError } from '../../core/errors.ts'
import type { Ids } from '../../core/ids.ts'
import { later } from '../../core/instant.ts'
import type { AuditVerdict } from '../../ledger/audit/walk-chains.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { openPostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import type { Quarantine } from '../../ledger/records.ts'
import { refuseMovedFile } from '../../ledger/sqlite/migrations/moved-mark.ts'
import { type ReplacedLedger, replaceSqliteLedger } from '../../ledger/sqlite/restore.ts'
import { openSqliteLedger } from '../../ledger/sqlite/sqlite-ledger.ts'
import { backUpLedger } from './back-up-ledger.ts'
import { postgresServer } from './postgres-server.ts'

/** The person who restores a ledger, and the tools for it. */
export interface RestoreContext {
  readonly by: `operator:${string}`
  readonly clock: Clock
  readonly ids: Ids
}

/** A restored ledger, quarantined. */
export interface RestoredLedger extends ReplacedLedger {
  /** The verdict on the audit log of the backup. */
  readonly verdict: AuditVerdict
  readonly quarantine: Quarantine
}

/**
 * Puts a copy of a backup in the place of a ledger file that no broker has open. The copy is verified, brought to the schema of this
 * release and quarantined before it gets its name, so that no broker ever opens it as it was.
 *
 * @throws {StintError} AUDIT_INVALID, LEDGER_CORRUPT or LEDGER_VERSION_UNSUPPORTED for the backup; LEDGER_LOCKED; LEDGER_MOVED for a
 *   file whose ledger went on in a database
 */
export async function restoreLedgerFile(
  { from, to }: { readonly from: string; readonly to: string },
  context: RestoreContext,
): Promise<RestoredLedger> {
  const { clock, ids } = context
  let restored: Omit<RestoredLedger, 'kept'> | undefined
  const keptAs = `before-restore-${clock
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')}`
  const { kept } = await replaceSqliteLedger({
    file: to,
    keptAs,
    fill: async (beside) => {
      refuseMovedFile(to)
      const verdict = await copyBackup(from, beside)
      const ledger = await openSqliteLedger({ file: beside, clock, ids })
      restored = { verdict, quarantine: await quarantineRestored(ledger, from, context) }
    },
  })
  if (!restored) throw new StintError('INTERNAL', { explanation: 'Nothing was restored.' })
  return { ...restored, kept }
}

async function copyBackup(from: string, beside: string): Promise<AuditVerdict> {
  if (!existsSync(from)) throw new StintError('NOT_FOUND', { explanation: `There is no backup ${from}.`, file: from })
  return backUpLedger(from, beside).catch((error: unknown) => {
    if (!hasCode(error, 'AUDIT_INVALID')) throw error
    const explanation = `The backup ${from} does not verify, so nothing was restored: stint audit verify says why.`
    throw new StintError('AUDIT_INVALID', { explanation, file: from }, error)
  })
}

/**
 * Quarantines the ledger in a database that was restored by other means.
 *
 * @throws {StintError} LEDGER_UNAVAILABLE and as `openPostgresLedger`
 */
export async function quarantineDatabase(
  postgres: NonNullable<Config['ledger']['postgres']>,
  context: RestoreContext & { readonly version: string },
): Promise<Quarantine> {
  const { clock, ids, version } = context
  const server = await postgresServer(postgres)
  const ledger = await openPostgresLedger({ server, schema: postgres.schema, maxConnections: 2, clock, ids, version })
  return quarantineRestored(ledger, `schema ${postgres.schema} of database ${postgres.database}`, context)
}

/** Closes the ledger too. */
async function quarantineRestored(ledger: Ledger, found: string, { by, clock }: RestoreContext): Promise<Quarantine> {
  try {
    const lastEventAt = await findLastEvent(ledger)
    return await ledger.beginQuarantine({
      quarantine: { reason: 'restored', since: latestNow(ledger, clock), by, found },
      ...(lastEventAt && { lastEventAt }),
      supersedes: true,
    })
  } finally {
    await ledger.close()
  }
}

async function findLastEvent(ledger: Ledger): Promise<Date | undefined> {
  const { position } = await ledger.auditHeads()
  const [last] = await ledger.auditEvents({ afterPosition: Math.max(0, position - 1), limit: 1 })
  return last?.at
}

/**
 * P13: 80 minutes after its beginning a quarantine is over, whatever was cut. So it does not begin by the clock of an operator's
 * machine that is behind.
 */
function latestNow({ sharing }: Pick<Ledger, 'sharing'>, clock: Clock): Date {
  let now = clock.now()
  sharing?.listenToClock(({ offsetMs }) => {
    now = later(now, new Date(clock.monotonicMs() + offsetMs))
  })
  return now
}
