import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

/** `stint whoami`: the operator that the admin API sees in our token. */
export function whoami(io: CommandIo): Promise<number> {
  return runParser('whoami', io, (parser) => {
    withOutput(withAdmin(parser))
      .description('The operator that the admin API sees in our token.')
      .action(async (flags: AdminFlags & { output: OutputFormat }) => {
        const operator = await (await AdminClient.from(flags, io)).get('/v1/whoami')
        if (flags.output !== 'table') return printValue(io, flags.output, operator)
        const groups = (operator.groups ?? []) as readonly string[]
        printFacts(io, [
          ['Name', operator.name],
          ['Role', operator.role],
          ['Groups', groups.join(', ')],
        ])
      })
  })
}
