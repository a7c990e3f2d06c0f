import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { countFlag } from '../flags/count-flag.ts'
import { type Column, type OutputFormat, printFacts, printList, printValue, withOutput } from '../output.ts'

type Flags = AdminFlags & { output: OutputFormat }

const ENDPOINTS: readonly Column<AdminSchema<'NoticeEndpoint'>>[] = [
  ['NAME', ({ name }) => name],
  ['TARGET', ({ target, configured }) => (configured ? target : 'not configured any more')],
  ['STATE', stateCell],
  ['WAITING', ({ waiting }) => waiting],
  ['DEAD', ({ dead }) => dead],
  ['LAST DELIVERY', ({ deliveredAt }) => deliveredAt],
  ['LAST ERROR', ({ lastError }) => lastError],
]

const DEAD: readonly Column<AdminSchema<'DeadNotice'>>[] = [
  ['ID', ({ id }) => id],
  ['RECEIVER', ({ endpoint }) => endpoint],
  ['TYPE', ({ type }) => type],
  ['GIVEN UP', ({ deadAt }) => deadAt],
  ['ATTEMPTS', ({ attempts }) => attempts],
  ['LAST ERROR', ({ lastError }) => lastError],
  ['SUMMARY', ({ summary }) => summary],
]

function stateCell({ disabledAt, failures, failingSince }: AdminSchema<'NoticeEndpoint'>): string {
  if (disabledAt !== undefined) return `gone since ${disabledAt}`
  return (failures ?? 0) > 0 ? `failing since ${failingSince}` : 'well'
}

/** `stint webhooks list|test|dead|resend`: the receivers of notices, and what did not reach them. */
export function webhooks(io: CommandIo): Promise<number> {
  return runParser('webhooks', io, (parser, done) => {
    parser.description('Show and test the receivers of notices, and send again what did not reach them.')
    withOutput(withAdmin(parser.command('list').description('list the receivers'))).action((flags: Flags) =>
      list(flags, io),
    )
    withOutput(withAdmin(parser.command('test').description('send a test message; exits with 1 if it does not arrive')))
      .argument('<name>', 'name of the receiver')
      .action(async (name: string, flags: Flags) => done(await test(name, flags, io)))
    withOutput(withAdmin(parser.command('dead').description('list notices that were given up, newest first')))
      .argument('[name]', 'only those of this receiver')
      .option('--limit <n>', 'maximum number to list', countFlag, 50)
      .action((name: string | undefined, flags: Flags & { limit: number }) => dead(name, flags, io))
    withOutput(withAdmin(parser.command('resend').description('send again what was given up')))
      .argument('<name>', 'name of the receiver')
      .option('--id <id>', 'only the dead letter with this id')
      .action((name: string, flags: Flags & { id?: string }) => resend(name, flags, io))
  })
}

async function list(flags: Flags, io: CommandIo): Promise<void> {
  const { items } = await (await AdminClient.from(flags, io)).get('/v1/webhooks')
  printList(io, flags.output, { rows: items, columns: ENDPOINTS, value: items })
}

async function test(name: string, flags: Flags, io: CommandIo): Promise<number> {
  const outcome = await (await AdminClient.from(flags, io)).post('/v1/webhooks/{name}/test', {
    path: { name },
    body: {},
  })
  if (flags.output === 'table') {
    printFacts(io, [
      ['Receiver', outcome.endpoint],
      ['Delivered', outcome.delivered ? 'yes' : 'no'],
      ['Error', outcome.error],
    ])
  } else printValue(io, flags.output, outcome)
  return outcome.delivered ? EXIT.ok : EXIT.error
}

async function dead(
  endpoint: string | undefined,
  { limit, ...flags }: Flags & { limit: number },
  io: CommandIo,
): Promise<void> {
  const rows = await (await AdminClient.from(flags, io)).list('/v1/webhooks/dead', { endpoint }, limit)
  printList(io, flags.output, { rows, columns: DEAD, value: rows })
}

async function resend(name: string, { id, ...flags }: Flags & { id?: string }, io: CommandIo): Promise<void> {
  const body = id === undefined ? {} : { id }
  const client = await AdminClient.from(flags, io)
  const { endpoint, count } = await client.post('/v1/webhooks/{name}/resend', { path: { name }, body })
  if (flags.output === 'table') {
    printFacts(io, [
      ['Receiver', endpoint],
      ['Sent again', count],
    ])
  } else printValue(io, flags.output, { endpoint, count })
}
