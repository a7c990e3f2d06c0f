import { statSync } from 'node:fs'
import { loadConfig } from '../../config/load.ts'
import { formatHead } from '../../ledger/audit/chain-heads.ts'
import { backUpLedger } from '../../start/ledger/back-up-ledger.ts'
import { type RunCommand, runParser, UsageError } from '../command.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'
import { configFile, withConfig } from './serve.ts'

/** Copies the ledger beside a running broker. */
export const backupCommand: RunCommand = (io) =>
  runParser('backup', io, (parser) => {
    withOutput(withConfig(parser))
      .description('Copy the ledger to a new file while the broker runs, and verify the copy.')
      .requiredOption('--out <file>', 'write to this new file')
      .action(async ({ out, output, ...flags }: { config?: string; out: string; output: OutputFormat }) => {
        const { ledger } = loadConfig({ file: configFile(flags, io), env: io.env })
        if (ledger.file === undefined)
          throw new UsageError('The ledger is in PostgreSQL: back up its schema with pg_dump, or the whole database.')
        const verdict = await backUpLedger(ledger.file, out).catch((error: unknown) => {
          throw asUsageError(error, out)
        })
        const heads = verdict.heads.map(formatHead)
        const facts = { file: out, bytes: statSync(out).size, events: verdict.events, heads }
        if (output !== 'table') return printValue(io, output, facts)
        printFacts(io, [
          ['Backup', out],
          ['Bytes', facts.bytes],
          ['Events', facts.events],
          ['Heads', heads],
        ])
      })
  })

function asUsageError(error: unknown, out: string): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException
  if (code === 'EEXIST') return new UsageError(`The file ${out} already exists; --out must name a new file.`)
  if (syscall !== undefined && path !== undefined)
    return new UsageError(`The file ${out} cannot be written (${code}); give --out another one.`)
  return error
}
