import type { Command as Parser } from 'commander'
import type { AdminSchema } from '../../../admin-client/admin-calls.ts'
import { StintError } from '../../../core/errors.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../../admin-client.ts'
import { type CommandIo, UsageError } from '../../command.ts'
import { countFlag } from '../../flags/count-flag.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../../output.ts'

type Registration = AdminSchema<'Registration'>
type Flags = AdminFlags & { output: OutputFormat; note: string }
type FieldFlags = {
  match?: string
  owner?: string
  team?: string
  purpose?: string
  contact?: string
  expires?: string
  review?: string
}
type AddFlags = Flags & FieldFlags & { fromCandidate?: string }
type VersionFlags = Flags & { version?: number }

/** Adds the commands that change registrations to `stint agents`. */
export function registrationCommands(parser: Parser, io: CommandIo): void {
  const command = (usage: string, description: string) =>
    withOutput(withAdmin(parser.command(usage).description(description))).requiredOption(
      '--note <text>',
      'the reason, for the audit log',
    )
  withFields(command('add <name>', 'register agents'), true)
    .option('--from-candidate <subject>', 'in place of --match: an identity from stint agents candidates')
    .action((name: string, flags: AddFlags) => add(name, flags, io))
  withVersion(withFields(command('set <name>', 'change fields of a registration'), false)).action(
    (name: string, flags: VersionFlags & FieldFlags) => set(name, flags, io),
  )
  withVersion(command('remove <name>', 'remove a registration')).action((name: string, flags: VersionFlags) =>
    remove(name, flags, io),
  )
  const transfer = withVersion(command('transfer <name>', 'give the agents to another owner, or to another team'))
  transfer.option('--owner <who>', 'the new owner').option('--team <team>', 'the new team')
  transfer.action((name: string, flags: VersionFlags & FieldFlags) => set(name, flags, io))
  for (const [act, description] of HOLD_ACTS)
    command(`${act} <name>`, description).action((name: string, flags: Flags) => hold(act, name, flags, io))
}

const HOLD_ACTS = [
  ['suspend', 'let the agents get nothing new, and no lease be renewed'],
  ['resume', 'end a suspension'],
  ['offboard', 'end and deny all that the agents hold, and let them get nothing any more'],
  ['reinstate', 'take offboarded agents in again'],
] as const

async function hold(act: (typeof HOLD_ACTS)[number][0], name: string, flags: Flags, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  print(await admin.post(`/v1/agents/{name}/${act}`, { path: { name }, body: { note: flags.note } }), flags, io)
}

function withFields(parser: Parser, isNew: boolean): Parser {
  const needed = (flag: string, text: string) => (isNew ? parser.requiredOption(flag, text) : parser.option(flag, text))
  parser.option('--match <agents>', 'a SPIFFE ID or an OIDC subject, or a prefix that ends in /* or ;*')
  needed('--owner <who>', 'the person or group that answers for the agents')
  needed('--team <team>', 'the team, as policies name it')
  needed('--purpose <text>', 'the purpose of the agents')
  parser.option('--contact <text>', 'where to ask about the agents')
  needed('--expires <day>', 'the day or instant from which its agents get nothing')
  return parser.option('--review <day>', 'the day or instant by which it must be reviewed')
}

function withVersion(parser: Parser): Parser {
  return parser.option('--version <n>', 'change only this version (default: the one listed now)', countFlag)
}

async function add(name: string, flags: AddFlags, io: CommandIo): Promise<void> {
  const { owner = '', team = '', purpose = '', expires = '', note, fromCandidate } = flags
  if ((flags.match === undefined) === (fromCandidate === undefined))
    throw new UsageError('Name the agents by one of --match and --from-candidate.')
  const admin = await AdminClient.from(flags, io)
  const match = flags.match ?? (await findCandidate(admin, fromCandidate ?? ''))
  const body = { name, match, owner, team, purpose, expires, note, ...given(flags, ['contact', 'review']) }
  print(await admin.post('/v1/agents', { body }), flags, io)
}

/** Only an identity that has proved itself is a candidate, so a misspelt one is found out. */
async function findCandidate(admin: AdminClient, subject: string): Promise<string> {
  const [found] = await admin.list('/v1/agents/unregistered', {}, 1, (attempt) => attempt.subject === subject)
  if (found) return found.subject
  throw new UsageError(`${subject} has not asked for anything yet; see stint agents candidates, or use --match.`)
}

async function set(name: string, flags: VersionFlags & FieldFlags, io: CommandIo): Promise<void> {
  const fields = given(flags, ['match', 'owner', 'team', 'purpose', 'contact', 'expires', 'review'])
  if (Object.keys(fields).length === 0) throw new UsageError('Name a field to change, e.g. --owner.')
  const admin = await AdminClient.from(flags, io)
  const body = { ...fields, note: flags.note, version: flags.version ?? (await currentVersion(admin, name)) }
  print(await admin.post('/v1/agents/{name}', { path: { name }, body }), flags, io)
}

async function remove(name: string, flags: VersionFlags, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const body = { note: flags.note, version: flags.version ?? (await currentVersion(admin, name)) }
  print(await admin.post('/v1/agents/{name}/remove', { path: { name }, body }), flags, io)
}

/** The broker's own answer explains why one without a version cannot be changed. */
async function currentVersion(admin: AdminClient, name: string): Promise<number> {
  const { items } = await admin.get('/v1/agents')
  const found = items.find((item) => item.name === name)
  if (!found) {
    throw new StintError('REGISTRATION_NOT_FOUND', {
      explanation: `No registration is named ${name}.`,
      registration: name,
    })
  }
  return found.version ?? 1
}

function given<Name extends keyof FieldFlags>(flags: FieldFlags, names: readonly Name[]): Pick<FieldFlags, Name> {
  return Object.fromEntries(names.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]]))) as never
}

function print(registration: Registration, { output }: Flags, io: CommandIo): void {
  if (output === 'table') printFacts(io, registrationFacts(registration))
  else printValue(io, output, registration)
}

/** A registration, fact by fact. */
export function registrationFacts(registration: Registration): (readonly [string, unknown])[] {
  const { name, match, owner, team, purpose, contact, expiresAt, reviewAt, source, version, standing } = registration
  return [
    ['Name', name],
    ['Match', match],
    ['Owner', owner],
    ['Team', team],
    ['Purpose', purpose],
    ['Contact', contact],
    ['Expires', expiresAt],
    ['Review', reviewAt],
    ['Standing', standing],
    ['Source', version === undefined ? source : `${source}, version ${version}`],
  ]
}
