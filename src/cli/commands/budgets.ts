import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { type Column, type OutputFormat, printList, withOutput } from '../output.ts'

type Use = AdminSchema<'BudgetUse'>
type Row = Omit<Use, 'measures'> & Use['measures'][number]

const COLUMNS: readonly Column<Row>[] = [
  ['BUDGET', ({ budget }) => budget],
  ['FOR', ({ holder }) => `${holder.kind} ${holder.name}`],
  ['MEASURE', ({ measure }) => measure],
  ['USED', ({ used }) => used],
  ['LIMIT', ({ limit }) => limit],
  ['FREES AT', ({ freesAt }) => freesAt],
]

/** `stint budgets`: how much agents, owners and teams have used of their budgets. */
export function budgets(io: CommandIo): Promise<number> {
  return runParser('budgets', io, (parser) => {
    withOutput(withAdmin(parser))
      .description('Show how much agents, owners and teams have used of their budgets.')
      .action(async (flags: AdminFlags & { output: OutputFormat }) => {
        const items = await readAll(await AdminClient.from(flags, io))
        const rows = items.flatMap(({ measures, ...use }) => measures.map((measure) => ({ ...use, ...measure })))
        printList(io, flags.output, { rows, columns: COLUMNS, value: items })
      })
  })
}

async function readAll(admin: AdminClient): Promise<Use[]> {
  const items: Use[] = []
  let cursor: string | undefined
  do {
    const page = await admin.get('/v1/budgets', { query: { limit: 200, ...(cursor && { cursor }) } })
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return items
}
