import { Argument } from 'commander'
import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser, UsageError } from '../command.ts'
import { countFlag } from '../flags/count-flag.ts'
import { timeFlag } from '../flags/time-flag.ts'
import { linesIfAny, type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

type Report = AdminSchema<'ReachReport'>
type May = AdminSchema<'MayReach'>
type Flags = AdminFlags & { output: OutputFormat; limit: number; since?: string; may?: boolean }

const KINDS = ['grant', 'agent', 'owner', 'team', 'account'] as const
type Kind = (typeof KINDS)[number]

/** `stint reach KIND NAME`: what the grants of somebody can do together, or what an agent may do. */
export function reach(io: CommandIo): Promise<number> {
  return runParser('reach', io, (parser) => {
    withOutput(
      withAdmin(
        parser
          .description('Show what grants can do together now, or with --may what an agent may do.')
          .addArgument(new Argument('<kind>', 'whose reach').choices(KINDS))
          .argument('<name>', "the grant's id, the agent's subject or registration, the owner, team or account"),
      ),
    )
      .option('--since <time>', 'all grants that could act within this time, e.g. 24h', timeFlag)
      .option('--may', 'what the agent may do by the policies of now, without any grant')
      .option('--limit <n>', 'maximum number of entries', countFlag, 200)
      .action((kind: Kind, name: string, flags: Flags) =>
        flags.may ? may(kind, name, flags, io) : show(kind, name, flags, io),
      )
  })
}

async function show(kind: Kind, name: string, { since, limit, ...flags }: Flags, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const load = (size: number, cursor?: string) =>
    admin.get('/v1/reach', { query: { [kind]: name, since, limit: size, cursor } })
  const report = await loadEntries(load, limit)
  if (flags.output === 'table') printFacts(io, reportFacts(report))
  else printValue(io, flags.output, report)
}

async function may(kind: Kind, name: string, { since, limit, ...flags }: Flags, io: CommandIo): Promise<void> {
  if (kind !== 'agent') throw new UsageError('--may is about an agent: stint reach agent NAME --may')
  if (since !== undefined) throw new UsageError('--may is about the policies of now; leave --since out.')
  const admin = await AdminClient.from(flags, io)
  const load = (size: number, cursor?: string) =>
    admin.get('/v1/reach/may', { query: { agent: name, limit: size, cursor } })
  const report = await loadEntries(load, limit)
  if (flags.output === 'table') printFacts(io, mayFacts(report))
  else printValue(io, flags.output, report)
}

const PAGE = 200

/** Follows the pages up to the limit; `nextCursor` stays if there are more. */
async function loadEntries<R extends { readonly entries: readonly unknown[]; readonly nextCursor?: string }>(
  load: (size: number, cursor?: string) => Promise<R>,
  limit: number,
): Promise<R> {
  let report = await load(Math.min(limit, PAGE))
  while (report.nextCursor !== undefined && report.entries.length < limit) {
    const next = await load(Math.min(limit - report.entries.length, PAGE), report.nextCursor)
    report = { ...next, entries: [...report.entries, ...next.entries] }
  }
  return report
}

function reportFacts(report: Report): (readonly [string, unknown])[] {
  const { scope, grants, agents, pairs, refused, entries, nextCursor, complete } = report
  return [
    ['Reach of', `${scope.kind} ${scope.name}`],
    ['Grants', report.since ? `${grants} since ${report.since}` : `${grants} that can act now`],
    ['Agents', linesIfAny(agents)],
    ['Roles', linesIfAny(report.roles)],
    ['Accounts', report.accounts.join(', ')],
    ['Pairs', refused > 0 ? `${pairs}, and ${refused} that AWS will refuse` : pairs],
    ['By class', counts(report.byClass)],
    ['By label', counts(report.byLabel)],
    ['Access', linesIfAny([...entries.map(entryLine), ...(nextCursor ? ['… and more (--limit)'] : [])])],
    ['Outlives', linesIfAny(report.outlives.map(({ action, reason }) => `${action}: ${reason}`))],
    ['In turn', linesIfAny(report.onward.map(({ action, resource, step }) => `${action} on ${resource}: ${step}`))],
    ['Inventory', report.inventory && `${report.inventory.resources} resources, taken ${report.inventory.takenAt}`],
    ['Unknown', report.unknown.join(', ')],
    [
      'Note',
      complete ? undefined : 'There are more grants, or plans that cannot be read: this is a part of the reach.',
    ],
  ]
}

function entryLine({
  class: risk,
  actions,
  resource,
  verdict,
  labels,
  conditions = [],
  limits = {},
  resources,
}: Report['entries'][number]): string {
  const shown =
    actions.length > MAX_ACTIONS
      ? `${actions.slice(0, MAX_ACTIONS).join(', ')} and ${actions.length - MAX_ACTIONS} more`
      : actions.join(', ')
  const deciding = (limits.conditions ?? []).map(({ text }) => text)
  const notes = [
    risk,
    ...(labels.length > 0 ? [`touches ${labels.join(' ')}`] : []),
    ...(conditions.length > 0 ? [`only if ${conditions.join(' and ')}`] : []),
    ...(limits.within ? [`within ${limits.within.join(' or ')}`] : []),
    ...(limits.except ? [`not on ${limits.except.join(' or ')}`] : []),
    ...(deciding.length > 0 ? [`depends on ${deciding.join(' and ')}`] : []),
    ...(resources ? [`${resources.count} in the inventory`] : []),
    ...(verdict === 'unknown' ? ["as declared; the role's own policies are not known"] : []),
  ]
  return `${shown} on ${resource} [${notes.join('; ')}]`
}

const MAX_ACTIONS = 5

const HEADINGS = {
  unasked: 'Unasked',
  waits: 'Waits for a person',
  depends: 'Depends',
  forbidden: 'Forbidden',
} as const

function mayFacts({ subject, policySetHash, entries, approximated, nextCursor }: May): (readonly [string, unknown])[] {
  const ofOutcome = (outcome: keyof typeof HEADINGS) => entries.filter((entry) => entry.outcome === outcome)
  return [
    ['Agent', subject],
    ['Policies', policySetHash],
    ...(Object.keys(HEADINGS) as (keyof typeof HEADINGS)[]).map(
      (outcome) => [HEADINGS[outcome], linesIfAny(mayLines(ofOutcome(outcome)))] as const,
    ),
    ['Note', linesIfAny([...approximated, ...(nextCursor ? ['There are more entries (--limit).'] : [])])],
  ]
}

/** One line for the classes of a label that are answered alike. */
function mayLines(entries: May['entries']): string[] {
  const groups = Map.groupBy(entries, ({ roleArn, label, policies, anyOf, roleRefuses }) =>
    JSON.stringify([roleArn, label, policies, anyOf, roleRefuses]),
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const by = [
      ...(first.policies.length > 0 ? [`by ${first.policies.join(', ')}`] : []),
      ...(first.anyOf.length > 0 ? [`asks ${first.anyOf.join(' or ')}`] : []),
      ...(first.roleRefuses ? ['the role refuses all that was tried'] : []),
    ]
    const where = first.label === '' ? 'without a label' : `on ${first.label}`
    return [
      `${group.map((entry) => entry.class).join(', ')} ${where}, ${first.roleArn}${by.length > 0 ? ` (${by.join('; ')})` : ''}`,
    ]
  })
}

function counts(byName: Readonly<Record<string, number>>): string {
  return Object.entries(byName)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
