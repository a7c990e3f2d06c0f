import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command as Parser } from 'commander'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import { exportAudit } from '../../ledger/audit/audit-export.ts'
import { formatHead, parseHead } from '../../ledger/audit/chain-heads.ts'
import type { ChainHead } from '../../ledger/audit/sealed-event.ts'
import type { AuditVerdict } from '../../ledger/audit/walk-chains.ts'
import { verifyAuditFile } from '../../ledger/audit-verify.ts'
import { verifyStoredAudit, withAuditSnapshot } from '../../start/ledger/stored-audit.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser, UsageError } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

type StoredFlags = AdminFlags & { config?: string }
type Flags = StoredFlags & { output: OutputFormat }

function withStored(parser: Parser): Parser {
  return withAdmin(parser).option(
    '--config <file>',
    'read the ledger of this configuration where it is stored, instead of asking a broker',
  )
}

/** `stint audit verify|export|heads`. */
export function audit(io: CommandIo): Promise<number> {
  return runParser('audit', io, (parser, done) => {
    parser.description('Verify and export the audit log, and print its heads.')
    withOutput(
      withStored(
        parser
          .command('verify [file]')
          .description("verify a ledger file or an export offline, a stored ledger, or the running broker's log"),
      ),
    )
      .option(
        '--expect-head <head>',
        'a head saved earlier, as "stint audit heads" prints it; repeatable, with a file or --config',
        (head: string, before: string[] | undefined) => [...(before ?? []), head],
      )
      .action(async (file: string | undefined, flags: Flags & { expectHead?: string[] }) =>
        done(await verify(file, flags, io)),
      )
    withStored(parser.command('export').description('export the whole audit log as JSON lines'))
      .option('--out <file>', 'write to this new file instead of stdout')
      .action((flags: StoredFlags & { out?: string }) => exportAll(flags, io))
    withStored(
      parser.command('heads').description('print the last events as chain:seq:hash; save them elsewhere'),
    ).action(async (flags: StoredFlags) => {
      const ledger = storedLedger(flags, io)
      const { heads } = ledger
        ? await withAuditSnapshot(ledger, (snapshot) => snapshot.auditHeads())
        : await (await AdminClient.from(flags, io)).get('/v1/audit/heads')
      for (const head of heads) io.stdout.write(`${formatHead(head)}\n`)
    })
  })
}

async function verify(
  file: string | undefined,
  flags: Flags & { expectHead?: string[] },
  io: CommandIo,
): Promise<number> {
  const saved = flags.expectHead?.map(parseHead) ?? []
  const verdict = await findVerdict(file, flags, saved, io)
  if (flags.output === 'table') printFacts(io, verdictFacts(verdict))
  else printValue(io, flags.output, verdict)
  return verdict.verdict === 'broken' ? EXIT.error : EXIT.ok
}

async function findVerdict(file: string | undefined, flags: Flags, saved: readonly ChainHead[], io: CommandIo) {
  if (file !== undefined && flags.config !== undefined)
    throw new UsageError('Name a file or --config, not both: the configuration names the ledger.')
  if (file !== undefined) return verifyAuditFile(file, saved)
  if (flags.config !== undefined) return verifyStoredAudit(configuredLedger(flags.config, io), saved)
  if (saved.length > 0)
    throw new UsageError('--expect-head requires a file or --config: export the log first, then verify the export.')
  return (await AdminClient.from(flags, io)).get('/v1/audit/verify')
}

function configuredLedger(file: string, { env }: CommandIo): Config['ledger'] {
  return loadConfig({ file, env }).ledger
}

/** The ledger to read past any broker; undefined to ask one. */
function storedLedger({ config }: StoredFlags, io: CommandIo): Config['ledger'] | undefined {
  if (config === undefined) return undefined
  const ledger = configuredLedger(config, io)
  if (ledger.postgres) return ledger
  throw new UsageError(
    'The ledger is a file: "stint audit verify" shows its heads, and a broker exports it (--admin-url).',
  )
}

function verdictFacts({ verdict, events, chains, heads, unwitnessed, problem }: AuditVerdict) {
  if (problem) {
    return [
      ['Verdict', 'BROKEN'],
      ['Problem', problem.kind],
      ...(problem.chain === '' ? [] : [['Chain', problem.chain] as const]),
      ['At event', problem.seq],
      ['Explanation', problem.explanation],
    ] as const
  }
  const ends = unwitnessed.map(
    ({ chain, afterSeq, events: count }) =>
      `${count} ${count === 1 ? 'event' : 'events'} after event ${afterSeq}${chain === '' ? '' : ` of ${chain}`}`,
  )
  const explanation =
    ends.length > 0 &&
    'Nothing would show if these were cut off: save the heads elsewhere, and verify with --expect-head.'
  return [
    ['Verdict', verdict],
    ['Events', events],
    ['Chains', chains],
    ['Heads', heads.map(formatHead)],
    ['Unwitnessed', ends],
    ['Explanation', explanation || undefined],
  ] as const
}

async function exportAll({ out, ...flags }: StoredFlags & { out?: string }, io: CommandIo): Promise<void> {
  const write = (log: Parameters<typeof exportAudit>[0]) => {
    const lines = exportAudit(log)
    return out === undefined ? pipeline(Readable.from(lines), io.stdout, { end: false }) : writeNew(out, lines)
  }
  const ledger = storedLedger(flags, io)
  if (ledger) return withAuditSnapshot(ledger, write)
  const admin = await AdminClient.from(flags, io)
  await write({
    auditHeads: () => admin.get('/v1/audit/heads'),
    auditEvents: async ({ afterPosition, limit }) => {
      const { items } = await admin.get('/v1/audit/events', { query: { afterPosition, limit } })
      return items.map((event) => ({ ...event, at: new Date(event.at) }))
    },
  })
}

/** An export that broke off leaves no file. @throws {UsageError} when the file cannot be made. */
async function writeNew(file: string, lines: AsyncIterable<string>): Promise<void> {
  try {
    await writeFileWhole(file, lines, { mustBeNew: true, durable: true })
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new UsageError(`The file ${file} already exists; --out must name a new file.`)
    if (syscall !== undefined)
      throw new UsageError(`The file ${file} cannot be written (${code}); give --out another one.`)
    throw error
  }
}
