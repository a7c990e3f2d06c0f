import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, runParser } from '../command.ts'
import { type OutputFormat, printValue, withOutput } from '../output.ts'
import { visible, visibleJson } from '../visible.ts'

type Flags = BrokerFlags & { output: OutputFormat }

/** `stint watch GRANT`: a line for each state until a final one; with `-o json` one JSON object a line. */
export function watch(io: CommandIo): Promise<number> {
  return runParser('watch', io, (parser) => {
    withOutput(withBroker(parser))
      .description("Follow one of this agent's grants until it ends; reconnects if needed.")
      .argument('<grant>', 'grt_…')
      .action((grantId: string, { output, ...flags }: Flags) =>
        withClient(flags, io, async (client) => {
          for await (const grant of client.watchGrant(grantId)) {
            if (output === 'json') io.stdout.write(`${visibleJson(JSON.stringify(grant))}\n`)
            else if (output === 'yaml') printValue(io, output, [grant])
            else io.stdout.write(`${visible(`${grant.id} ${grant.state} ${grant.reason ?? ''}`.trimEnd())}\n`)
          }
        }),
      )
  })
}
