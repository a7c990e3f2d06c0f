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
  ['LAST ERROR', ({ lastError }) => lastError],
]

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
