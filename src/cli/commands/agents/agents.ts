import type { AdminSchema } from '../../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../../admin-client.ts'
import { type CommandIo, runParser } from '../../command.ts'
import { countFlag } from '../../flags/count-flag.ts'
import { type Column, type OutputFormat, printCsv, printList, withListOutput } from '../../output.ts'
import { visible } from '../../visible.ts'
import { registrationCommands } from './registrations.ts'
import { reviewCommand } from './review.ts'

type ListFlags = AdminFlags & { output: OutputFormat | 'csv' }

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
    reviewCommand(parser, io)
    withListOutput(withAdmin(parser.command('list').description('list current registrations'))).action(
      (flags: ListFlags) => list(flags, io),
    )
    const listing = (name: string, description: string) =>
      withListOutput(withAdmin(parser.command(name).description(description))).option(
        '--limit <n>',
        'maximum number to list',
        countFlag,
        50,
      )
    listing('unregistered', 'list valid identities that were refused for want of a registration').action(
      (flags: ListFlags & { limit: number }) => unregistered(flags, io),
    )
    listing('candidates', 'list those of them that no registration covers, to be registered').action(
      (flags: ListFlags & { limit: number }) => candidates(flags, io),
    )
  })
}

async function list(flags: ListFlags, io: CommandIo): Promise<void> {
  const answer = await (await AdminClient.from(flags, io)).get('/v1/agents')
  print(io, flags.output, { rows: answer.items, columns: REGISTERED, value: answer })
  if (answer.problem)
    io.stderr.write(`stint: the registry file has a problem: ${visible(JSON.stringify(answer.problem))}\n`)
}

async function unregistered({ limit, ...flags }: ListFlags & { limit: number }, io: CommandIo): Promise<void> {
  const rows = await (await AdminClient.from(flags, io)).list('/v1/agents/unregistered', {}, limit)
  print(io, flags.output, { rows, columns: UNREGISTERED, value: rows })
}

/** One that was registered since by exactly its name is left out. */
async function candidates({ limit, ...flags }: ListFlags & { limit: number }, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const registered = new Set((await admin.get('/v1/agents')).items.map(({ match }) => match))
  const isCandidate = ({ reason, subject }: AdminSchema<'UnregisteredAttempt'>) =>
    reason === 'AGENT_UNREGISTERED' && !registered.has(subject)
  const rows = await admin.list('/v1/agents/unregistered', {}, limit, isCandidate)
  print(io, flags.output, { rows, columns: UNREGISTERED, value: rows })
}

function print<T>(
  io: CommandIo,
  output: ListFlags['output'],
  printed: { readonly rows: readonly T[]; readonly columns: readonly Column<T>[]; readonly value: unknown },
): void {
  if (output === 'csv') printCsv(io, printed.rows, printed.columns)
  else printList(io, output, printed)
}
