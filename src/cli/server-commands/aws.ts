import { loadConfig } from '../../config/load.ts'
import { accountParameters, renderAccountTemplate, renderBrokerPolicy } from '../../start/aws/account-template.ts'
import { type CommandIo, type RunCommand, runParser, UsageError } from '../command.ts'
import { printValue } from '../output.ts'
import { visible } from '../visible.ts'
import { configFile, withConfig } from './serve.ts'

interface Flags {
  readonly config?: string
  readonly account?: string
  readonly broker?: string
  readonly role?: readonly string[]
}

/** `aws template | parameters | broker-policy`: the AWS accounts' side of the configuration, for CloudFormation. */
export const awsCommand: RunCommand = (io) =>
  runParser('aws', io, (parser) => {
    parser.description('Write what the AWS accounts need: task roles, boundary, revoker.')
    withConfig(parser.command('template'))
      .description("Print a CloudFormation template for the configuration's roles; fit for a StackSet.")
      .option('--account <id>', 'only what belongs into this account, roles by their own ARN too')
      .option('--broker <arn>', 'ARN of the role or user that the broker runs as; else a parameter of the stack')
      .option('--role <path/name...>', 'task roles to create that the configuration names by a pattern')
      .action((flags: Flags) => {
        const { text, notes } = renderAccountTemplate(config(flags, io), choice(flags))
        for (const note of notes) io.stderr.write(`stint: ${visible(note)}\n`)
        io.stdout.write(text)
      })
    withConfig(parser.command('parameters'))
      .description("Print the stack's parameters for one account as JSON, external ids included.")
      .requiredOption('--account <id>', 'the account')
      .option('--broker <arn>', 'ARN of the role or user that the broker runs as')
      .action(async (flags: Flags & { readonly account: string }) => {
        printValue(io, 'json', await accountParameters(config(flags, io), { ...choice(flags), account: flags.account }))
      })
    withConfig(parser.command('broker-policy'))
      .description(
        "Print the IAM policy for the broker's own role: it starts sessions of the configured roles, and no more.",
      )
      .action((flags: Flags) => {
        const { document, notes } = renderBrokerPolicy(config(flags, io))
        for (const note of notes) io.stderr.write(`stint: ${visible(note)}\n`)
        printValue(io, 'json', document)
      })
  })

function config(flags: Flags, io: CommandIo) {
  return loadConfig({ file: configFile(flags, io), env: io.env })
}

function choice({ account, broker, role = [] }: Flags) {
  if (account !== undefined && !/^\d{12}$/.test(account)) throw new UsageError('--account must be 12 digits.')
  if (broker !== undefined && !/^arn:aws[a-z-]*:iam::\d{12}:(role|user)\/./.test(broker))
    throw new UsageError('--broker must be the ARN of a role or a user, not of a session.')
  return { account, broker, roleNames: role.map(withSlash) }
}

/** Path and name of a role as a person writes them: with a slash in front or without. */
export function withSlash(name: string): string {
  return name.startsWith('/') ? name : `/${name}`
}
