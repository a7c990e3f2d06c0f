import type { Command as Parser } from 'commander'
import { loadConfig } from '../../config/load.ts'
import { systemClock } from '../../core/clock.ts'
import { hasCode } from '../../core/errors.ts'
import { formatHead } from '../../ledger/audit/chain-heads.ts'
import type { CopyProgress } from '../../ledger/copying/ledger-content.ts'
import type { MigrationProgress } from '../../ledger/schema/schema-state.ts'
import {
  type MigrationPlan,
  migrateLedger,
  planMigration,
  type SchemaOwner,
} from '../../start/ledger/migrate-ledger.ts'
import { moveToPostgres } from '../../start/ledger/move-ledger.ts'
import { type CommandIo, type RunCommand, report, runParser, UsageError } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { linesIfAny, type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'
import { configFile, withConfig } from './serve.ts'

interface Flags {
  readonly config?: string
  readonly user?: string
  readonly passwordFile?: string
  readonly output: OutputFormat
}

const ROWS_EVERY_MS = 1_000

/** `stint migrate plan|up|to-postgres`. */
export const migrate: RunCommand = (io) =>
  runParser('migrate', io, (parser, done) => {
    parser.description('Bring the schema of the ledger up to date, or move the ledger to a database.')
    withOwner(parser.command('plan').description('show what "stint migrate up" would do; changes nothing')).action(
      async (flags: Flags) => done(await plan(flags, io)),
    )
    withOwner(parser.command('up').description('add the steps that are missing; may be repeated')).action(
      async (flags: Flags) => done(await up(flags, io)),
    )
    withOutput(withConfig(parser.command('to-postgres')))
      .description('move a ledger from a SQLite file into the database of the configuration')
      .requiredOption('--from <file>', 'the ledger file; no broker may be using it')
      .action(async (flags: Flags & { from: string }) => done(await toPostgres(flags, io)))
  })

function withOwner(parser: Parser): Parser {
  return withOutput(withConfig(parser))
    .option('--user <user>', 'database user who owns the schema, instead of ledger.postgres.user')
    .option('--password-file <file>', 'the password of that user')
}

async function plan(flags: Flags, io: CommandIo): Promise<number> {
  const { ledger, owner } = settings(flags, io)
  const found = await planMigration(ledger, owner)
  if (flags.output === 'table') printFacts(io, planFacts(found))
  else printValue(io, flags.output, found)
  if (found.steps.length === 0) return EXIT.ok
  return found.canRunNow ? EXIT.pending : EXIT.inUse
}

function planFacts({ ledger, found, known, steps, readableBy, breaking, usedBy, canRunNow }: MigrationPlan) {
  return [
    ['Ledger', ledger],
    ['Schema version', found === 0 ? 'none yet' : found],
    ['This release knows', known],
    ['Steps', steps.length === 0 ? 'none: up to date' : steps.map(stepText)],
    ['Older brokers', breaking ? unreadable(breaking) : readable(readableBy)],
    ['In use by', linesIfAny(usedBy) ?? 'nobody'],
    ['Now', canRunNow ? undefined : 'no: stop what uses the ledger first'],
  ] as const
}

function unreadable(step: { version: number; name: string }): string {
  return `cannot use the ledger after step ${stepText(step)}: stop them first, and take a backup, since there is no way back`
}

function readable(version: number): string {
  return `can use the ledger, beside newer ones and after a rollback, if they know version ${version} or later`
}

async function up(flags: Flags, io: CommandIo): Promise<number> {
  const { ledger, owner } = settings(flags, io)
  const { found, known } = await planMigration(ledger, owner)
  let steps = 0
  const tell = progressTeller(io)
  const onProgress = (progress: MigrationProgress) => {
    if (progress.isDone) steps += 1
    tell(progress)
  }
  try {
    await migrateLedger(ledger, { clock: systemClock, onProgress, ...(owner && { owner }) })
  } catch (error) {
    const exitCode = report(error, io)
    return hasCode(error, 'LEDGER_LOCKED') ? EXIT.inUse : exitCode
  }
  // A newer release may have been here before.
  const version = Math.max(found, known)
  if (flags.output !== 'table') printValue(io, flags.output, { from: found, to: version, steps })
  else if (steps === 0) io.stdout.write(`up to date: schema version ${version}\n`)
  else io.stdout.write(`migrated: schema version ${found} -> ${version}, ${steps} ${steps === 1 ? 'step' : 'steps'}\n`)
  return EXIT.ok
}

async function toPostgres({ from, ...flags }: Flags & { from: string }, io: CommandIo): Promise<number> {
  const { ledger } = settings(flags, io)
  if (!ledger.postgres) throw new UsageError('The configuration must have ledger.postgres: the database to move to.')
  try {
    const { isNew, ...moved } = await moveToPostgres(from, ledger.postgres, {
      clock: systemClock,
      onProgress: copyTeller(io),
    })
    const heads = moved.heads.map(formatHead)
    if (flags.output === 'table')
      printFacts(io, [
        [isNew ? 'Moved to' : 'Moved before to', moved.to],
        ['Grants', moved.grants],
        ['Events', moved.events],
        ['Heads', heads],
      ])
    else printValue(io, flags.output, { ...moved, heads })
    return EXIT.ok
  } catch (error) {
    const exitCode = report(error, io)
    return hasCode(error, 'LEDGER_LOCKED') ? EXIT.inUse : exitCode
  }
}

/** A line a second. */
function copyTeller({ stderr }: CommandIo): (progress: CopyProgress) => void {
  let toldMs = performance.now()
  return ({ table, done, total }) => {
    if (performance.now() - toldMs < ROWS_EVERY_MS) return
    toldMs = performance.now()
    stderr.write(`${table}: ${done} of ${total}\n`)
  }
}

/** A line as a step begins, one a second while it goes through rows, and one at its end. */
function progressTeller({ stderr }: CommandIo): (progress: MigrationProgress) => void {
  let begunMs = 0
  let toldMs = 0
  return ({ step, rows, isDone }) => {
    const now = performance.now()
    const say = (text: string) => {
      toldMs = now
      stderr.write(`step ${stepText(step)}: ${text}\n`)
    }
    if (isDone) say(`done in ${((now - begunMs) / 1_000).toFixed(1)} s`)
    else if (!rows) {
      begunMs = now
      say('begun')
    } else if (now - toldMs >= ROWS_EVERY_MS) say(`${rows.done} of ${rows.total} rows`)
  }
}

function settings({ config, user, passwordFile }: Flags, io: CommandIo) {
  const { ledger } = loadConfig({ file: configFile(config === undefined ? {} : { config }, io), env: io.env })
  if (passwordFile !== undefined && user === undefined) throw new UsageError('--password-file requires --user.')
  if (user !== undefined && !ledger.postgres)
    throw new UsageError('--user is for a ledger in PostgreSQL; this one is a file.')
  const owner: SchemaOwner | undefined = user === undefined ? undefined : { user, passwordFile }
  return { ledger, owner }
}

function stepText({ version, name }: { version: number; name: string }): string {
  return `${String(version).padStart(3, '0')} ${name}`
}
