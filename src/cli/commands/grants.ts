import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import type { GrantInfo } from '../../sdk/types.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, runParser } from '../command.ts'
import { countFlag } from '../flags/count-flag.ts'
import { timeFlag } from '../flags/time-flag.ts'
import { decisionFacts, planFacts } from '../grant-output.ts'
import { type Column, type OutputFormat, printFacts, printList, printValue, withOutput } from '../output.ts'

type Flags = AdminFlags & { output: OutputFormat }
type ListFlags = Flags & {
  agent?: string
  owner?: string
  state?: string
  role?: string
  since?: string
  until?: string
  limit: number
}

/** A grant as operators see it. */
type Grant = AdminSchema<'Grant'>

const STATE_COLUMNS: readonly Column<Grant | GrantInfo>[] = [
  ['GRANT', ({ id }) => id],
  ['STATE', ({ state, reason }) => (reason ? `${state} (${reason})` : state)],
]
const AGENT_COLUMNS: readonly Column<Grant>[] = [
  ['AGENT', ({ subject }) => subject],
  ['OWNER', ({ owner }) => owner],
]
const TASK_COLUMNS: readonly Column<Grant | GrantInfo>[] = [
  ['ROLE', ({ roleArn }) => roleArn],
  ['REQUESTED', ({ requestedAt }) => requestedAt],
  ['DEADLINE', ({ deadline }) => deadline],
  ['PURPOSE', ({ purpose }) => purpose],
]

const EVENT_COLUMNS: readonly Column<AdminSchema<'AuditEvent'>>[] = [
  ['SEQ', ({ seq }) => seq],
  ['AT', ({ at }) => at],
  ['EVENT', ({ type }) => type],
  ['ACTOR', ({ actor }) => actor],
  ['LEASE', ({ leaseId }) => leaseId],
  ['DATA', ({ data }) => data],
]

/** `stint grants list|show|trail|revoke` for operators, `stint grants mine` for the agent itself. */
export function grants(io: CommandIo): Promise<number> {
  return runParser('grants', io, (parser) => {
    parser.description('List, show or revoke grants.')
    withOutput(withAdmin(parser.command('list').description('list grants, newest first')))
      .option('--agent <agent>', 'SPIFFE ID, subject of an OIDC issuer, or name of a registration')
      .option('--owner <owner>')
      .option('--state <state>')
      .option('--role <arn>')
      .option('--since <time>', 'requested after: a duration ago (2h), a day, or an RFC 3339 time', timeFlag)
      .option('--until <time>', 'requested before; same formats as --since', timeFlag)
      .option('--limit <n>', 'maximum number to list', countFlag, 50)
      .action((flags: ListFlags) => list(flags, io))
    withOutput(withBroker(parser.command('mine').description("list this agent's own grants, newest first"))).action(
      (flags: BrokerFlags & { output: OutputFormat }) => mine(flags, io),
    )
    withOutput(withAdmin(parser.command('show <grant>').description('show one grant, its plan and its leases'))).action(
      (id: string, flags: Flags) => show(id, flags, io),
    )
    withOutput(withAdmin(parser.command('trail <grant>').description("list a grant's audit events"))).action(
      (id: string, flags: Flags) => trail(id, flags, io),
    )
    withOutput(withAdmin(parser.command('revoke <grant>').description('revoke a grant')))
      .requiredOption('--note <text>', 'the reason, for the audit log')
      .action((id: string, flags: Flags & { note: string }) => revoke(id, flags, io))
  })
}

async function list(
  { agent, owner, state, role, since, until, limit, ...flags }: ListFlags,
  io: CommandIo,
): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const query = { agent, owner, state, role, requestedAfter: since, requestedBefore: until }
  const rows = await admin.list('/v1/grants', query, limit)
  printList(io, flags.output, { rows, columns: [...STATE_COLUMNS, ...AGENT_COLUMNS, ...TASK_COLUMNS], value: rows })
}

async function mine(flags: BrokerFlags & { output: OutputFormat }, io: CommandIo): Promise<void> {
  const { grants: rows } = await withClient(flags, io, (client) => client.listGrants())
  printList(io, flags.output, { rows, columns: [...STATE_COLUMNS, ...TASK_COLUMNS], value: rows })
}

async function show(id: string, flags: Flags, io: CommandIo): Promise<void> {
  const answer = await (await AdminClient.from(flags, io)).get('/v1/grants/{id}', { path: { id } })
  if (flags.output !== 'table') return printValue(io, flags.output, answer)
  const { grant, plan, leases, deny } = answer
  printFacts(io, [
    ...operatorGrantFacts(grant),
    ...decisionFacts(grant.decision, plan),
    ...(plan ? planFacts(plan) : []),
    ['Leases', leases.map(leaseLine)],
    ...denyFacts(deny),
  ])
}

function denyFacts(deny: AdminSchema<'DenyEntry'> | undefined): (readonly [string, unknown])[] {
  if (!deny) return []
  return [
    ['Deny list', deny.listKey],
    ['Deny wanted', deny.wantedAt],
    ['Deny written', writtenLine(deny)],
    ['Deny enforced', enforcedLine(deny)],
  ]
}

/** Tells a written deny from one that is wanted and cannot be written. */
function writtenLine({ writtenAt, byWatermark, chains, failing }: AdminSchema<'DenyEntry'>): string {
  if (failing) return `no: failing since ${failing.since}, ${failing.attempts} times in a row: ${failing.error}`
  if (!writtenAt) return 'not yet'
  if (!byWatermark) return writtenAt
  return `${writtenAt}, under a watermark${chains ? ' that does not reach sessions made by its leases' : ''}`
}

function enforcedLine({ writtenAt, enforcedAt, enforcedBy }: AdminSchema<'DenyEntry'>): string | undefined {
  if (!enforcedAt || !enforcedBy || !writtenAt) return enforcedAt
  const seconds = Math.max(0, Date.parse(enforcedAt) - Date.parse(writtenAt)) / 1_000
  return `${enforcedAt}, ${seconds} s after it was written, ${enforcedBy === 'canary' ? 'shown by the canary' : 'by the settle time'}`
}

/** The facts of a grant that operators see. */
export function operatorGrantFacts(grant: Grant): (readonly [string, unknown])[] {
  const { id, state, reason, subject, owner, team, requestedAt, deadline, claimBy, effectiveBy, endedAt } = grant
  return [
    ['Grant', id],
    ['State', reason ? `${state} (${reason})` : state],
    ['Agent', subject],
    ['Owner', `${owner} (team ${team})`],
    ['Requested', requestedAt],
    ['Deadline', deadline],
    ['Collect by', claimBy],
    ['Ends by', effectiveBy],
    ['Ended', endedAt],
  ]
}

function leaseLine({ number, state, end, sessionName, accessKeyId, notAfter }: AdminSchema<'Lease'>): string {
  return `${number} ${end ? `${state} (${end})` : state} until ${notAfter} as ${sessionName} ${accessKeyId ?? ''}`.trimEnd()
}

async function trail(id: string, flags: Flags, io: CommandIo): Promise<void> {
  const { events, deny } = await (await AdminClient.from(flags, io)).get('/v1/grants/{id}/trail', { path: { id } })
  printList(io, flags.output, { rows: events, columns: EVENT_COLUMNS, value: events })
  if (flags.output === 'table') printFacts(io, denyFacts(deny))
}

async function revoke(id: string, { note, ...flags }: Flags & { note: string }, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const answer = await admin.post('/v1/grants/{id}/revoke', { path: { id }, body: { note } })
  if (flags.output !== 'table') return printValue(io, flags.output, answer)
  printFacts(io, [...operatorGrantFacts(answer.grant), ['Outcome', outcomeLine(answer.outcome)]])
}

/** The outcome of a revocation; it must not promise more than is certain. */
function outcomeLine(outcome: AdminSchema<'RevocationOutcome'>): string {
  if (outcome.kind === 'ended') return `all of its credentials stopped working at ${outcome.at}`
  if (outcome.kind === 'ending') return `being enforced; all of its credentials stop working by ${outcome.effectiveBy}`
  return `not revocable for this role: its last lease works until ${outcome.usableUntil}`
}
