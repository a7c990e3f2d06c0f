import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import { exportAudit } from '../../ledger/audit/audit-export.ts'
import { formatHead, parseHead } from '../../ledger/audit/chain-heads.ts'
import type { AuditVerdict } from '../../ledger/audit/walk-chains.ts'
import { verifyAuditFile } from '../../ledger/audit-verify.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser, UsageError } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

type Flags = AdminFlags & { output: OutputFormat }

/** `stint audit verify|export|heads`. */
export function audit(io: CommandIo): Promise<number> {
  return runParser('audit', io, (parser, done) => {
    parser.description('Verify and export the audit log, and print its heads.')
    withOutput(
      withAdmin(
        parser
          .command('verify [file]')
          .description("verify a ledger file or an export offline, or the running broker's log"),
      ),
    )
      .option(
        '--expect-head <head>',
        'a head saved earlier, as "stint audit heads" prints it; repeatable, for files only',
        (head: string, before: string[] | undefined) => [...(before ?? []), head],
      )
      .action(async (file: string | undefined, flags: Flags & { expectHead?: string[] }) =>
        done(await verify(file, flags, io)),
      )
    withAdmin(parser.command('export').description('export the whole audit log as JSON lines'))
      .option('--out <file>', 'write to this new file instead of stdout')
      .action((flags: AdminFlags & { out?: string }) => exportAll(flags, io))
    withAdmin(
      parser.command('heads').description('print the last events as chain:seq:hash; save them elsewhere'),
    ).action(async (flags: AdminFlags) => {
      const { heads } = await (await AdminClient.from(flags, io)).get('/v1/audit/heads')
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
  if (file === undefined && saved.length > 0) {
    throw new UsageError('--expect-head requires a file: export the log first, then verify the export.')
  }
  const verdict =
    file === undefined
      ? await (await AdminClient.from(flags, io)).get('/v1/audit/verify')
      : await verifyAuditFile(file, saved)
  if (flags.output === 'table') printFacts(io, verdictFacts(verdict))
  else printValue(io, flags.output, verdict)
  return verdict.verdict === 'broken' ? EXIT.error : EXIT.ok
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
      `${count} events after event ${afterSeq}${chain === '' ? '' : ` of ${chain}`}`,
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

async function exportAll({ out, ...flags }: AdminFlags & { out?: string }, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const lines = exportAudit({
    auditHeads: () => admin.get('/v1/audit/heads'),
    auditEvents: async ({ afterPosition, limit }) => {
      const { items } = await admin.get('/v1/audit/events', { query: { afterPosition, limit } })
      return items.map((event) => ({ ...event, at: new Date(event.at) }))
    },
  })
  if (out === undefined) return pipeline(Readable.from(lines), io.stdout, { end: false })
  await writeNew(out, lines)
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
