import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { linesIfAny, type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

type Flags = AdminFlags & { output: OutputFormat }
type View = AdminSchema<'QuarantineView'>

/** `stint quarantine show|open`: a ledger that was set back, and its opening. */
export function quarantine(io: CommandIo): Promise<number> {
  return runParser('quarantine', io, (parser, done) => {
    parser.description('Show or open a ledger that was set back.')
    withOutput(
      withAdmin(parser.command('show').description('show what there is to wait for; exits with 1 meanwhile')),
    ).action(async (flags: Flags) => done(await show(flags, io)))
    withOutput(withAdmin(parser.command('open').description('open the ledger: grants are given again')))
      .requiredOption('--note <text>', 'the reason, for the audit log')
      .option(
        '--accept-risk <text>',
        'why it is opened although sessions from before may still work; for the audit log',
      )
      .action((flags: Flags & { note: string; acceptRisk?: string }) => open(flags, io))
  })
}

async function show(flags: Flags, io: CommandIo): Promise<number> {
  const view = await (await AdminClient.from(flags, io)).get('/v1/quarantine')
  if (flags.output === 'table') printFacts(io, viewFacts(view))
  else printValue(io, flags.output, view)
  return view.inForce ? EXIT.error : EXIT.ok
}

async function open({ note, acceptRisk, ...flags }: Flags & { note: string; acceptRisk?: string }, io: CommandIo) {
  const body = { note, ...(acceptRisk === undefined ? {} : { acceptRisk }) }
  const opened = await (await AdminClient.from(flags, io)).post('/v1/quarantine/open', { body })
  if (flags.output === 'table') printFacts(io, quarantineFacts(opened))
  else printValue(io, flags.output, opened)
}

function viewFacts({ inForce, quarantine: latest, unfinished }: View): (readonly [string, unknown])[] {
  return [
    ['Quarantined', inForce ? 'yes: nothing is granted' : 'no'],
    ...(latest ? quarantineFacts(latest) : []),
    ...(inForce
      ? [['Wait for', linesIfAny(unfinished.map(unfinishedLine)) ?? 'nothing; stint quarantine open opens it'] as const]
      : []),
  ]
}

function quarantineFacts({ number, reason, since, by, found, opened }: AdminSchema<'Quarantine'>) {
  return [
    ['Number', number],
    ['Reason', `${reason} (${found})`],
    ['Since', since],
    ['By', by],
    ['Opened', opened && `${opened.at} by ${opened.by}: ${opened.note}`],
    ['Accepted risk', opened?.acceptedRisk],
  ] as const
}

function unfinishedLine({ what, explanation, until }: View['unfinished'][number]): string {
  return `${what}: ${explanation}${until === undefined ? '' : `; until ${until} at the latest`}`
}
