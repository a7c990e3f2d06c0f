import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { countFlag } from '../flags/count-flag.ts'
import { type Column, type OutputFormat, printList, withOutput } from '../output.ts'
import { visible } from '../visible.ts'
import { registrationCommands } from './registrations.ts'

type Flags = AdminFlags & { output: OutputFormat }

const REGISTERED: readonly Column<AdminSchema<'Registration'>>[] = [
  ['NAME', ({ name }) => name],
  ['MATCH', ({ match }) => match],
  ['OWNER', ({ owner }) => owner],
  ['TEAM', ({ team }) => team],
  ['EXPIRES', ({ expiresAt }) => expiresAt],
  ['REVIEW', ({ reviewAt }) => reviewAt],
  ['STANDING', ({ standing }) => standing],
  ['SOURCE', ({ source }) => source],
  ['PURPOSE', ({ purpose }) => purpose],
]

const UNREGISTERED: readonly Column<AdminSchema<'UnregisteredAttempt'>>[] = [
  ['AGENT', ({ subject }) => subject],
  ['REASON', ({ reason }) => reason],
  ['BY', ({ authMethod }) => authMethod],
  ['TIMES', ({ count }) => count],
  ['FIRST SEEN', ({ firstSeenAt }) => firstSeenAt],
  ['LAST SEEN', ({ lastSeenAt }) => lastSeenAt],
]

/** `stint agents …`: the inventory of agents. */
export function agents(io: CommandIo): Promise<number> {
  return runParser('agents', io, (parser) => {
    parser.description('List, register and review agents, and list identities that asked without a registration.')
    registrationCommands(parser, io)
    withOutput(withAdmin(parser.command('list').description('list current registrations'))).action((flags: Flags) =>
      list(flags, io),
    )
    withOutput(
      withAdmin(parser.command('unregistered').description('list valid identities that no registration covers')),
    )
      .option('--limit <n>', 'maximum number to list', countFlag, 50)
      .action((flags: Flags & { limit: number }) => unregistered(flags, io))
  })
}

async function list(flags: Flags, io: CommandIo): Promise<void> {
  const answer = await (await AdminClient.from(flags, io)).get('/v1/agents')
  printList(io, flags.output, { rows: answer.items, columns: REGISTERED, value: answer })
  if (answer.problem)
    io.stderr.write(`stint: the registry file has a problem: ${visible(JSON.stringify(answer.problem))}\n`)
}

async function unregistered({ limit, ...flags }: Flags & { limit: number }, io: CommandIo): Promise<void> {
  const rows = await (await AdminClient.from(flags, io)).list('/v1/agents/unregistered', {}, limit)
  printList(io, flags.output, { rows, columns: UNREGISTERED, value: rows })
}
