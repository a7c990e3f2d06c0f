import { createInterface } from 'node:readline'
import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { DECIDED_COLUMNS, OPEN_COLUMNS, printApproval } from '../approval-output.ts'
import { type CommandIo, runParser, UsageError } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { countFlag } from '../flags/count-flag.ts'
import { approverCount, decisionFacts, planFacts } from '../grant-output.ts'
import { type OutputFormat, printFacts, printList, printValue, withOutput } from '../output.ts'
import { operatorGrantFacts } from './grants.ts'

type Flags = AdminFlags & { output: OutputFormat }
type ListFlags = Flags & { agent?: string; state: string; limit: number }
type DecideFlags = Flags & { note: string; planHash?: string }
type Verdict = 'approve' | 'reject'
type Answer = AdminSchema<'ApprovalDetails'>
/** A broker of the version before has no `view`. */
type Details = Omit<Answer, 'view'> & Partial<Pick<Answer, 'view'>>

const VERDICT_HELP = {
  approve: 'vote for the plan; the last vote that it needs approves it',
  reject: 'reject the plan, whatever others have voted',
} as const

/** `stint approvals list|show|approve|reject`. */
export function approvals(io: CommandIo): Promise<number> {
  return runParser('approvals', io, (parser, done) => {
    parser.description('List, show, approve or reject approvals.')
    withOutput(withAdmin(parser.command('list').description('list approvals, newest first')))
      .option('--agent <agent>', 'SPIFFE ID, subject of an OIDC issuer, or name of a registration')
      .option('--state <state>', 'pending, approved, rejected, withdrawn, expired or voided', 'pending')
      .option('--limit <n>', 'maximum number to list', countFlag, 50)
      .action((flags: ListFlags) => list(flags, io))
    withOutput(withAdmin(parser.command('show <approval>').description('show one approval and its whole plan'))).action(
      async (id: string, flags: Flags) => print(await fetchApproval(await AdminClient.from(flags, io), id), flags, io),
    )
    for (const verdict of ['approve', 'reject'] as const) {
      withOutput(withAdmin(parser.command(`${verdict} <approval>`).description(VERDICT_HELP[verdict])))
        .requiredOption('--note <text>', 'the reason, for the audit log')
        .option(
          '--plan-hash <hash>',
          'hash of the plan you have read; without it, the plan is shown and you confirm it',
        )
        .action(async (id: string, flags: DecideFlags) => done(await decide(verdict, id, flags, io)))
    }
  })
}

async function list({ agent, state, limit, ...flags }: ListFlags, io: CommandIo): Promise<void> {
  const admin = await AdminClient.from(flags, io)
  const rows = await admin.list('/v1/approvals', { agent, state }, limit)
  printList(io, flags.output, { rows, columns: state === 'pending' ? OPEN_COLUMNS : DECIDED_COLUMNS, value: rows })
  if (agent === undefined && state === 'pending' && rows.length < limit) await reportMissing(rows.length, admin, io)
}

/** The list leaves out a row that is damaged; that somebody waits must show all the same. */
async function reportMissing(listed: number, admin: AdminClient, { stderr }: CommandIo): Promise<void> {
  const waiting = (await admin.get('/v1/status')).grants.awaiting_approval ?? 0
  if (waiting <= listed) return
  stderr.write(
    `stint: ${waiting} grants wait for approval and ${listed} are listed: one was decided just now, or its row is damaged, which stint status says\n`,
  )
}

function fetchApproval(admin: AdminClient, id: string): Promise<Details> {
  return admin.get('/v1/approvals/{id}', { path: { id } })
}

function print(answer: Details, { output }: Pick<Flags, 'output'>, io: CommandIo): void {
  if (output !== 'table') {
    printValue(io, output, answer)
    return
  }
  const { approval, grant, view } = answer
  if (view) printApproval(io, { approval, grant, view })
  else printWithoutView(answer, io)
}

/** The answer of a broker of the version before, which runs beside new ones during an upgrade. */
function printWithoutView({ approval, grant, plan, eligible, couldDecide, warnings }: Details, io: CommandIo): void {
  printFacts(io, [
    ['Approval', approval.id],
    ['Approval state', approval.decidedBy ? `${approval.state} by ${approval.decidedBy}` : approval.state],
    ['Expires', approval.expiresAt],
    ['Note', approval.note],
    ...operatorGrantFacts(grant),
    ...planFacts(plan, warnings),
    ...decisionFacts(grant.decision, plan),
    ['You may decide', eligible ? 'yes' : 'no'],
    ['Could decide', approval.state === 'pending' ? approverCount(couldDecide) : undefined],
  ])
}

/** Sends the hash of the plan that the person has seen, never the hash of a plan fetched later. */
async function decide(
  verdict: Verdict,
  id: string,
  { note, planHash, ...flags }: DecideFlags,
  io: CommandIo,
): Promise<number> {
  const admin = await AdminClient.from(flags, io)
  const hash = planHash ?? (await askPerson(verdict, await fetchApproval(admin, id), io))
  if (hash === undefined) return EXIT.error
  const answer = await admin.post(`/v1/approvals/{id}/${verdict}`, { path: { id }, body: { planHash: hash, note } })
  if (flags.output !== 'table') {
    printValue(io, flags.output, answer)
    return EXIT.ok
  }
  const { approval, grant } = answer
  printFacts(io, [['Approval', approval.id], ['Approval state', describeState(approval)], ...operatorGrantFacts(grant)])
  return EXIT.ok
}

/** A vote may leave the question open: `stint approvals show` says who else is needed. */
function describeState({ state, decidedBy, votes = [] }: Partial<AdminSchema<'Approval'>>): string {
  if (state !== 'pending') return `${state} by ${decidedBy}`
  const voters = votes.map(({ voter }) => voter)
  return `pending: your vote is recorded, and it waits for others (approved so far: ${voters.join(', ')})`
}

async function askPerson(verdict: Verdict, answer: Details, io: CommandIo): Promise<string | undefined> {
  if (!io.stdin.isTTY)
    throw new UsageError(
      'There is no terminal to confirm on: set --plan-hash to the full hash after "Plan:" in stint approvals show.',
    )
  print(answer, { output: 'table' }, { ...io, stdout: io.stderr })
  const typed = await ask(`Type ${verdict} to ${verdict} this plan: `, io)
  if (typed?.trim() === verdict) return answer.approval.planHash
  io.stderr.write(`${typed === undefined ? '\n' : ''}stint: nothing was decided\n`)
  return undefined
}

/** @returns undefined if the question was left by Ctrl-C or Ctrl-D, or the input ended. */
function ask(question: string, { stdin, stderr }: CommandIo): Promise<string | undefined> {
  const prompt = createInterface({ input: stdin, output: stderr })
  return new Promise<string | undefined>((resolve) => {
    prompt.once('close', () => resolve(undefined))
    prompt.question(question, resolve)
  }).finally(() => prompt.close())
}
