import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, runParser } from '../command.ts'
import { printGrant } from '../grant-output.ts'
import { type OutputFormat, withOutput } from '../output.ts'

type Flags = BrokerFlags & { note?: string; output: OutputFormat }

/** `stint complete GRANT`: says that a task is over, or withdraws one that waits for approval. */
export function complete(io: CommandIo): Promise<number> {
  return runParser('complete', io, (parser) => {
    withOutput(withBroker(parser))
      .description('Complete a grant: the task is over and gets no more leases.')
      .argument('<grant>', 'grt_…')
      .option('--note <text>', 'how it went')
      .action(async (grantId: string, flags: Flags) => {
        const grant = await withClient(flags, io, (client) => client.completeGrant(grantId, flags.note ?? ''))
        printGrant(io, flags.output, grant)
      })
  })
}
