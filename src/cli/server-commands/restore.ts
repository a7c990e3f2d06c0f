import { userInfo } from 'node:os'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { systemClock } from '../../core/clock.ts'
import { randomIds } from '../../core/ids.ts'
import type { Quarantine } from '../../ledger/records.ts'
import { quarantineDatabase, restoreLedgerFile } from '../../start/ledger/restore-ledger.ts'
import { VERSION } from '../../version.ts'
import { type CommandIo, type RunCommand, runParser, UsageError } from '../command.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'
import { configFile, withConfig } from './serve.ts'

interface Flags {
  readonly config?: string
  readonly from?: string
  readonly to?: string
  readonly quarantine?: true
  readonly output: OutputFormat
}

/** Puts a backup in the place of the ledger, quarantined. */
export const restoreCommand: RunCommand = (io) =>
  runParser('restore', io, (parser) => {
    withOutput(withConfig(parser))
      .description('Put a backup in the place of the ledger. It is quarantined until an operator opens it.')
      .option('--from <file>', 'the backup')
      .option('--to <file>', 'the ledger; default: ledger.file of the configuration')
      .option(
        '--quarantine',
        'says what happens in any case; without --from: quarantines the PostgreSQL ledger of the configuration, restored by other means',
      )
      .action((flags: Flags) => restore(flags, io))
  })

const NEXT = 'start the broker, then stint quarantine show'

async function restore(flags: Flags, io: CommandIo): Promise<void> {
  const context = { by: `operator:${findUserName()}` as const, clock: systemClock, ids: randomIds }
  const settings = flags.from !== undefined && flags.to !== undefined ? undefined : loadLedger(flags, io)
  if (settings?.postgres) {
    checkDatabaseFlags(flags)
    const quarantine = await quarantineDatabase(settings.postgres, { ...context, version: VERSION })
    return print(io, flags.output, { quarantine }, [['Next', NEXT]])
  }
  const { from, to = settings?.file } = flags
  if (from === undefined || to === undefined)
    throw new UsageError('--from must name a backup, as stint backup made it.')
  const { verdict, quarantine, kept } = await restoreLedgerFile({ from, to }, context)
  print(io, flags.output, { file: to, events: verdict.events, kept, quarantine }, [
    ['Restored', to],
    ['Events', verdict.events],
    ['Kept', kept],
    ['Next', NEXT],
  ])
}

/** The user of this process; in a container it may be a number that has no name. */
function findUserName(): string {
  try {
    return userInfo().username
  } catch (error) {
    if (hasSystemCode(error)) return `uid-${process.getuid?.() ?? 'unknown'}`
    throw error
  }
}

/** True for an error that a call of the system gave. */
function hasSystemCode(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function loadLedger(flags: Flags, io: CommandIo): Config['ledger'] {
  return loadConfig({ file: configFile(flags, io), env: io.env }).ledger
}

function checkDatabaseFlags({ from, to, quarantine }: Flags): void {
  if (from !== undefined || to !== undefined)
    throw new UsageError(
      'The ledger is in PostgreSQL: restore it with the tools of the database, then run stint restore --quarantine without --from.',
    )
  if (!quarantine) throw new UsageError('--quarantine must be given: the ledger in PostgreSQL is only quarantined.')
}

function print(
  io: CommandIo,
  output: OutputFormat,
  value: { readonly quarantine: Quarantine; readonly [more: string]: unknown },
  facts: readonly (readonly [string, unknown])[],
): void {
  if (output !== 'table') {
    printValue(io, output, value)
    return
  }
  const { number, since } = value.quarantine
  printFacts(io, [['Quarantine', `${number}, since ${since.toISOString()}`], ...facts])
}
