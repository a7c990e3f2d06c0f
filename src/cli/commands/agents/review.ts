import type { Command as Parser } from 'commander'
import type { AdminSchema } from '../../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../../admin-client.ts'
import { type CommandIo, UsageError } from '../../command.ts'
import { linesIfAny, type OutputFormat, printFacts, printValue, withOutput } from '../../output.ts'
import { registrationFacts } from './registrations.ts'

type Review = AdminSchema<'AgentReview'>
type Flags = AdminFlags & { output: OutputFormat; sign?: string; note?: string }

/** Adds `review` to `stint agents`. */
export function reviewCommand(parser: Parser, io: CommandIo): void {
  withOutput(
    withAdmin(parser.command('review <name>').description('show what agents used and never used; sign the review')),
  )
    .option('--sign <digest>', 'sign the review that has this digest, as it was shown')
    .option('--note <text>', 'with --sign: what you found, for the audit log')
    .action((name: string, flags: Flags) => (flags.sign === undefined ? show(name, flags, io) : sign(name, flags, io)))
}

async function show(name: string, flags: Flags, io: CommandIo): Promise<void> {
  const review = await (await AdminClient.from(flags, io)).get('/v1/agent-reviews/{name}', { path: { name } })
  if (flags.output === 'table') printFacts(io, reviewFacts(review))
  else printValue(io, flags.output, review)
}

async function sign(name: string, { sign: shown = '', note, ...flags }: Flags, io: CommandIo): Promise<void> {
  if (note === undefined) throw new UsageError('--sign needs --note: say what you found.')
  const admin = await AdminClient.from(flags, io)
  const signed = await admin.post('/v1/agent-reviews/{name}', { path: { name }, body: { shown, note } })
  if (flags.output === 'table') printFacts(io, registrationFacts(signed))
  else printValue(io, flags.output, signed)
}

function reviewFacts({ registration, usage, last, nextAt, maySign, shown }: Review): (readonly [string, unknown])[] {
  const { grants, isWhole, used, neverUsed, agents, agentsLeftOut } = usage
  const counts = Object.entries(grants).flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []))
  return [
    ...registrationFacts(registration),
    ['Last review', last ? `${last.at} by ${last.by}` : 'never'],
    ['First seen', usage.firstSeenAt],
    ['Last seen', usage.lastSeenAt ?? 'never: no grant is on record'],
    ['Agents', linesIfAny([...agents, ...(agentsLeftOut > 0 ? [`and ${agentsLeftOut} more`] : [])])],
    ['Grants', counts.length > 0 ? `${counts.join(', ')}${isWhole ? '' : ' (the newest; there are more)'}` : 'none'],
    ['Used roles', linesIfAny(used.roles)],
    ['Used classes', used.classes.join(', ')],
    ['Used labels', used.labels.join(', ')],
    ['Used actions', used.actions.join(', ')],
    ['Never used', linesIfAny(neverUsedLines(neverUsed))],
    [
      'Sign',
      maySign
        ? `--sign ${shown}; then the next review is due by ${nextAt}`
        : 'somebody else must: you run these agents',
    ],
  ]
}

function neverUsedLines({ roles, classes, labels, actions }: Review['usage']['neverUsed']): string[] {
  const line = (what: string, all: readonly string[]) => (all.length > 0 ? [`${what}: ${all.join(', ')}`] : [])
  return [...line('roles', roles), ...line('classes', classes), ...line('labels', labels), ...line('actions', actions)]
}
