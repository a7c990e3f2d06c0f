import { loadConfig } from '../../config/load.ts'
import { systemClock } from '../../core/clock.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser, UsageError } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printFacts, printList, printValue, withOutput } from '../output.ts'
import { judgeTokenFile } from './judge-token-file.ts'
import { configFile, withConfig } from './serve.ts'

type Flags = AdminFlags & {
  output: OutputFormat
  tokenFile?: string
  config?: string
  fetchKeys?: boolean
}

/** `stint whoami`: the operator that the admin API sees in our token, or the agent that a broker would see in one. */
export function whoami(io: CommandIo): Promise<number> {
  return runParser('whoami', io, (parser, done) => {
    withOutput(withConfig(withAdmin(parser)))
      .description(
        'Show the operator that the admin token belongs to. With --token-file: run the checks of a configured broker on an agent’s token; exits with 1 if the broker would reject it.',
      )
      .option('--token-file <file>', 'an agent’s bearer token; it never leaves this machine')
      .option('--fetch-keys', 'also fetch the keys of its issuer and check the signature')
      .action(async (flags: Flags) => {
        if (flags.tokenFile !== undefined) return done(await showToken(io, flags, flags.tokenFile))
        if (flags.fetchKeys || flags.config) throw new UsageError('--config and --fetch-keys require --token-file.')
        return showOperator(io, flags)
      })
  })
}

async function showOperator(io: CommandIo, flags: Flags): Promise<void> {
  const operator = await (await AdminClient.from(flags, io)).get('/v1/whoami')
  if (flags.output !== 'table') return printValue(io, flags.output, operator)
  printFacts(io, [
    ['Name', operator.name],
    ['Role', operator.role],
    ['Groups', operator.groups.join(', ')],
  ])
}

async function showToken(io: CommandIo, flags: Flags, file: string): Promise<number> {
  const config = loadConfig({ file: configFile(flags, io), env: io.env })
  const judgement = await judgeTokenFile(file, {
    config,
    now: systemClock.now(),
    fetchKeys: flags.fetchKeys === true,
  })
  const accepted = judgement.checks.every(({ verdict }) => verdict !== 'fail')
  printList(io, flags.output, {
    rows: judgement.checks,
    columns: [
      ['CHECK', ({ name }) => name],
      ['VERDICT', ({ verdict }) => verdict],
      ['FINDING', ({ finding }) => finding],
    ],
    value: { accepted, ...judgement },
  })
  return accepted ? EXIT.ok : EXIT.error
}
