import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import { exportAudit } from '../../ledger/audit/audit-export.ts'
import { parseHead, verifyAuditFile } from '../../ledger/audit-verify.ts'
import type { AuditEvent } from '../../ledger/records.ts'
import { AdminClient, type AdminFlags, type AdminObject, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser, UsageError } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

type Flags = AdminFlags & { output: OutputFormat }

/** `stint audit verify|export|head`. */
export function audit(io: CommandIo): Promise<number> {
  return runParser('audit', io, (parser, done) => {
    parser.description('Verify and export the audit log, and print its head.')
    withOutput(
      withAdmin(
        parser
          .command('verify [file]')
          .description("verify a ledger file or an export offline, or the running broker's log"),
      ),
    )
      .option('--expect-head <seq:hash>', 'a head saved earlier; the log must still contain it')
      .action(async (file: string | undefined, flags: Flags & { expectHead?: string }) =>
        done(await verify(file, flags, io)),
      )
    withAdmin(parser.command('export').description('export the whole audit log as JSON lines'))
      .option('--out <file>', 'write to this new file instead of stdout')
      .action((flags: AdminFlags & { out?: string }) => exportAll(flags, io))
    withAdmin(parser.command('head').description('print the last event as seq:hash; save it elsewhere')).action(
      async (flags: AdminFlags) => {
        const { seq, hash } = await (await AdminClient.from(flags, io)).get('/v1/audit/head')
        io.stdout.write(`${seq}:${hash}\n`)
      },
    )
  })
}

async function verify(
  file: string | undefined,
  flags: Flags & { expectHead?: string },
  io: CommandIo,
): Promise<number> {
  const expectHead = flags.expectHead === undefined ? undefined : parseHead(flags.expectHead)
  const verdict =
    file === undefined
      ? await (await AdminClient.from(flags, io)).get('/v1/audit/verify')
      : ((await verifyAuditFile(file, expectHead && { expectHead })) as unknown as AdminObject)
  if (flags.output === 'table') printVerdict(verdict, io)
  else printValue(io, flags.output, verdict)
  return verdict.ok === true ? EXIT.ok : EXIT.error
}

/** Both verdicts: of a file the problem is a text beside `seq`, of the broker an object. */
function printVerdict({ ok, events, head, problem, seq, explanation }: AdminObject, io: CommandIo): void {
  const known = head as AdminObject | undefined
  const found = (typeof problem === 'object' ? problem : { kind: problem, seq, explanation }) as AdminObject | undefined
  const whole = [
    ['Verdict', 'whole'],
    ['Events', events ?? known?.seq],
    ['Head', known && `${known.seq}:${known.hash}`],
  ] as const
  const broken = [
    ['Verdict', 'NOT whole'],
    ['Problem', found?.kind],
    ['At event', found?.seq],
    ['Explanation', found?.explanation],
  ] as const
  printFacts(io, ok === true ? whole : broken)
}

async function exportAll({ out, ...flags }: AdminFlags & { out?: string }, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const lines = exportAudit({
    auditHead: async () => (await admin.get('/v1/audit/head')) as unknown as { seq: number; hash: string },
    auditEvents: async ({ afterSeq, limit }) => {
      const { items } = await admin.get('/v1/audit/events', { afterSeq: String(afterSeq), limit: String(limit) })
      return (items as AdminObject[]).map(
        (event) => ({ ...event, at: new Date(String(event.at)) }) as unknown as AuditEvent,
      )
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
