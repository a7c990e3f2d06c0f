import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { type Column, type OutputFormat, printList, withOutput } from '../output.ts'

const COLUMNS: readonly Column<AdminSchema<'DenyList'>>[] = [
  ['DENY LIST', ({ key }) => key],
  ['LAST WRITTEN', ({ lastWrittenAt }) => lastWrittenAt],
  ['NEXT ATTEMPT', ({ nextAttemptAt }) => nextAttemptAt],
  ['FAILED', ({ attempts }) => attempts],
  ['FAILING SINCE', ({ failingSince }) => failingSince],
  ['WATERMARK', ({ watermark }) => watermark],
  ['DOCUMENTS', ({ documents }) => documents && documentsCell(documents)],
  ['LAST ERROR', ({ lastError }) => lastError],
]

/** e.g. `2 of 3 hold; attached:… failing since …: …` */
function documentsCell(documents: NonNullable<AdminSchema<'DenyList'>['documents']>): string {
  const failing = documents.filter(({ attempts }) => attempts > 0)
  const each = failing.map(({ key, failingSince, lastError }) => `${key} failing since ${failingSince}: ${lastError}`)
  return [`${documents.length - failing.length} of ${documents.length} hold`, ...each].join('; ')
}

/** `stint deny-lists`: the state of each deny list, failing ones first. */
export function denyLists(io: CommandIo): Promise<number> {
  return runParser('deny-lists', io, (parser) => {
    withOutput(withAdmin(parser))
      .description('Show the state of each deny list, failing ones first.')
      .action(async (flags: AdminFlags & { output: OutputFormat }) => {
        const { items } = await (await AdminClient.from(flags, io)).get('/v1/deny-lists')
        printList(io, flags.output, { rows: items, columns: COLUMNS, value: items })
      })
  })
}
