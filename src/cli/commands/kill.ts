import { setTimeout as pause } from 'node:timers/promises'
import { Argument } from 'commander'
import type { AdminInput, AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser, UsageError } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { countFlag } from '../flags/count-flag.ts'
import {
  type Column,
  countNoun,
  linesIfAny,
  type OutputFormat,
  printFacts,
  printList,
  printValue,
  withOutput,
} from '../output.ts'
import { visible } from '../visible.ts'

type Flags = AdminFlags & { output: OutputFormat }
type KillFlags = Flags & {
  why?: string
  drill?: boolean
  public?: boolean
  allowRoleWatermark?: string[]
  wait: number
}
type Kill = AdminSchema<'Kill'>
type Scope = AdminSchema<'KillWish'>['scope']

/** As on the command line; the API has underscores. */
const SCOPES = [
  'lease',
  'grant',
  'agent',
  'owner',
  'team',
  'trust-domain',
  'issuer',
  'role',
  'account',
  'label',
  'everything',
]

const COLUMNS: readonly Column<Kill>[] = [
  ['KILL', ({ id }) => id],
  ['SCOPE', scopeText],
  ['IN FORCE', ({ inForce }) => (inForce ? 'yes' : 'no')],
  ['STATE', ({ state }) => state],
  ['SINCE', ({ since }) => since],
  ['BY', ({ by }) => by],
]

const POLL_MS = 500

/** `stint kill SCOPE [VALUE]`, and `stint kill list|show|lift`. */
export function kill(io: CommandIo): Promise<number> {
  return runParser('kill', io, (parser, done) => {
    parser.description('Stop a scope at once: nothing is given out in it, and its grants are ended and denied.')
    withOutput(withAdmin(parser))
      .addArgument(new Argument('[scope]', 'what to stop').choices(SCOPES))
      .argument('[value]', 'which one; none for everything')
      .option('--why <text>', 'the reason, for the audit log')
      .option('--drill', 'count and list what it would hit, and do nothing')
      .option('--public', 'tell the agents that it stops why')
      .option(
        '--allow-role-watermark <deny-list...>',
        'let it cut others under a full deny list; the drill says which list, and whom',
      )
      .option('--wait <seconds>', 'follow it for so long, until its denies are written', countFlag, 30)
      .action(async (scope: string | undefined, value: string | undefined, flags: KillFlags) => {
        if (scope === undefined) return parser.help({ error: true })
        const wish = { scope: scope.replaceAll('-', '_') as Scope, ...(value !== undefined && { value }) }
        done(await (flags.drill ? drill(wish, flags, io) : set(wish, flags, io)))
      })
    withOutput(withAdmin(parser.command('list').description('list kills, newest first')))
      .option('--in-force', 'only those that nobody has lifted')
      .option('--limit <n>', 'maximum number to list', countFlag, 50)
      .action((_flags: object, command: { optsWithGlobals(): Flags & { inForce?: boolean; limit: number } }) =>
        list(command.optsWithGlobals(), io),
      )
    withOutput(withAdmin(parser.command('show <kill>').description('show one kill, and how far it has come'))).action(
      async (id: string, _flags: object, command: { optsWithGlobals(): Flags }) =>
        show(id, command.optsWithGlobals(), io),
    )
    withOutput(withAdmin(parser.command('lift <kill>').description('lift a kill that somebody else has set')))
      .requiredOption('--note <text>', 'the reason, for the audit log')
      .action((id: string, _flags: object, command: { optsWithGlobals(): Flags & { note: string } }) =>
        lift(id, command.optsWithGlobals(), io),
      )
  })
}

type Wish = AdminInput<'post', '/v1/kills/drill'>['body']

async function set(wish: Wish, flags: KillFlags, io: CommandIo): Promise<number> {
  const { why, allowRoleWatermark } = flags
  if (why === undefined)
    throw new UsageError('Say why with --why; it is recorded. --drill shows what a kill would hit.')
  const admin = await AdminClient.from(flags, io)
  const body = {
    ...{ ...wish, why },
    ...(flags.public && { isPublic: true }),
    ...(allowRoleWatermark && { roleWatermarks: allowRoleWatermark }),
  }
  const answer = await admin.post('/v1/kills', { body })
  const { noLeaseSince, isExisting, shutOut } = answer
  const said = isExisting
    ? `${answer.kill.id} has killed this scope already; nothing has changed.`
    : `${answer.kill.id}: since ${noLeaseSince} no lease can be issued in its scope.`
  io.stderr.write(`${said}\n`)
  warn(answer, io)
  for (const { id, version } of shutOut) {
    const name = `${id}${version === undefined ? '' : ` (version ${version})`}`
    io.stderr.write(
      `${name} runs an older release that does not know kills: it was shut out of the ledger and issues nothing. Upgrade it to this release.\n`,
    )
  }
  const after = await follow(admin, answer.kill, flags.wait)
  if (flags.output === 'table') printFacts(io, killFacts(after))
  else printValue(io, flags.output, { ...answer, kill: after })
  return EXIT.ok
}

/** Reads the kill until its denies are written. */
async function follow(admin: AdminClient, first: Kill, seconds: number): Promise<Kill> {
  let latest = first
  const until = performance.now() + seconds * 1_000
  while (latest.writtenAt === undefined && performance.now() < until) {
    await pause(POLL_MS)
    latest = await admin.get('/v1/kills/{id}', { path: { id: first.id } })
  }
  return latest
}

async function drill(wish: Wish, flags: Flags, io: CommandIo): Promise<number> {
  const found = await (await AdminClient.from(flags, io)).post('/v1/kills/drill', { body: wish })
  warn(found, io)
  if (flags.output !== 'table') printValue(io, flags.output, found)
  else printFacts(io, drillFacts(found))
  return EXIT.ok
}

function warn({ warning }: { readonly warning?: string | undefined }, { stderr }: CommandIo): void {
  if (warning !== undefined) stderr.write(`stint: warning: ${visible(warning)}\n`)
}

async function list({ inForce, limit, ...flags }: Flags & { inForce?: boolean; limit: number }, io: CommandIo) {
  const query = inForce ? ({ state: 'in_force' } as const) : {}
  const rows = await (await AdminClient.from(flags, io)).list('/v1/kills', query, limit)
  printList(io, flags.output, { rows, columns: COLUMNS, value: rows })
}

async function show(id: string, flags: Flags, io: CommandIo): Promise<void> {
  const found = await (await AdminClient.from(flags, io)).get('/v1/kills/{id}', { path: { id } })
  if (flags.output === 'table') printFacts(io, killFacts(found))
  else printValue(io, flags.output, found)
}

async function lift(id: string, { note, ...flags }: Flags & { note: string }, io: CommandIo): Promise<void> {
  const lifted = await (await AdminClient.from(flags, io)).post('/v1/kills/{id}/lift', { path: { id }, body: { note } })
  if (flags.output === 'table') printFacts(io, killFacts(lifted))
  else printValue(io, flags.output, lifted)
}

function killFacts(shown: Kill): (readonly [string, unknown])[] {
  const { found, undeniable, unreadable, lifted, denies } = shown
  return [
    ['Kill', shown.id],
    ['Scope', `${scopeText(shown)}${shown.asked === undefined ? '' : `, asked for ${shown.asked}`}`],
    ['Since', `${shown.since} by ${shown.by}`],
    ['Why', `${shown.why}${shown.isPublic ? ' (agents are told)' : ''}`],
    ['In force', shown.inForce ? 'yes, until a second person lifts it' : 'no'],
    ['Lifted', lifted && `${lifted.at} by ${lifted.by}${lifted.alone ? ', who set it' : ''}: ${lifted.note}`],
    ['State', `${shown.state}${shown.isCutShort ? ', lifted before all its grants had ended' : ''}`],
    ['Found', found && foundText(found)],
    ['Ended', `${shown.ended}, with ${countNoun(shown.leases, 'lease')} that could still work`],
    ['No lease since', shown.heldAt],
    ['All ended', shown.endedAt],
    ['Denies written', shown.writtenAt],
    ['Denies in force', shown.enforcedAt ?? (shown.writtenAt && 'not yet')],
    ['On their way', denies && `${denies.unwritten} to be written, ${denies.unenforced} to come into force`],
    ['Not denied', undeniable.grants > 0 ? `${undeniable.grants}, which work until ${undeniable.until}` : undefined],
    ['Unreadable', linesIfAny(unreadable)],
  ]
}

/** A scope as it is typed. */
function scopeText({ scope, value }: Pick<Kill, 'scope' | 'value'>): string {
  const typed = scope.replaceAll('_', '-')
  return scope === 'everything' ? typed : `${typed} ${value}`
}

function foundText(found: NonNullable<Kill['found']>): string {
  const { grants, ending, approvals, agents, unreadable } = found
  const damaged = unreadable === 0 ? '' : `; ${unreadable} grants cannot be read`
  return `${grants} active and ${ending} ending grants, ${countNoun(approvals, 'approval')}, of ${countNoun(agents, 'agent')}${damaged}`
}

function drillFacts(found: AdminSchema<'KillDrill'>): (readonly [string, unknown])[] {
  const { counts, denyLists, estimate } = found
  return [
    ['Scope', scopeText(found)],
    ['Would hit', foundText(counts)],
    ['Leases', counts.leases],
    ['Agents', linesIfAny(found.agents.map(countLine))],
    ['Teams', linesIfAny(found.teams.map(countLine))],
    ['Grants', linesIfAny(found.grants.map(({ id, subject, state }) => `${id} ${state} ${subject}`))],
    ['Deny lists', linesIfAny(denyLists.flatMap(denyListLines))],
    ['Only run out', linesIfAny(found.undeniable.map(countLine))],
    [
      'Estimate',
      `ended after ${estimate.endedSeconds} s, denies written after ${estimate.writtenSeconds} s, in force after ${estimate.enforcedSeconds} s`,
    ],
    ['Done', 'nothing: this was a drill'],
  ]
}

function denyListLines({
  key,
  grants,
  documents,
  fits,
  runningOut,
  others,
}: AdminSchema<'KillDrill'>['denyLists'][number]) {
  const first = `${key}: ${countNoun(grants, 'grant')}, ${countNoun(documents, 'document')}`
  if (fits || !others) return [first]
  const whom = others.first.join(', ')
  return [
    first,
    `  has no room for all: ${runningOut} would only run out; --allow-role-watermark ${key} would cut ${others.grants} grants of ${others.agents} other agents too (${whom})`,
  ]
}

function countLine({ name, grants }: { readonly name: string; readonly grants: number }): string {
  return `${name}: ${grants}`
}
