import { MAX_TOKEN_LIFE_MS } from '../../admin/operators/operator-directory.ts'
import { mintOperatorToken } from '../../admin/operators/operator-tokens.ts'
import { OPERATOR_ROLES } from '../../grants/operators/operator.ts'
import { type RunCommand, runParser, UsageError } from '../command.ts'
import { printValue } from '../output.ts'

const DAY_MS = 86_400_000
const MAX_DAYS = MAX_TOKEN_LIFE_MS / DAY_MS

/** `operators token`: makes an admin token and the config row that admits it. */
export const operatorsCommand: RunCommand = (io) =>
  runParser('operators', io, (parser) => {
    parser.description('Make admin tokens.')
    parser
      .command('token')
      .description('Create a token: prints it once on stderr, and its row for admin.operators on stdout.')
      .requiredOption('--name <name>', 'the operator')
      .requiredOption('--role <role>', OPERATOR_ROLES.join(', '))
      .option('--group <group...>', 'groups that approvals can require')
      .option('--days <days>', `days until the token expires; at most ${MAX_DAYS}`, '30')
      .action((flags: { name: string; role: string; group?: string[]; days: string }) => {
        if (!OPERATOR_ROLES.some((role) => role === flags.role))
          throw new UsageError(`--role must be one of ${OPERATOR_ROLES.join(', ')}.`)
        const days = Number(flags.days)
        if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
          throw new UsageError(`--days must be 1 to ${MAX_DAYS}.`)
        const { token, sha256 } = mintOperatorToken()
        io.stderr.write(`${token.reveal()}\n`)
        const expiresAt = new Date(Date.now() + days * DAY_MS).toISOString()
        printValue(io, 'yaml', [
          { name: flags.name, role: flags.role, groups: flags.group ?? [], tokenSha256: sha256, expiresAt },
        ])
      })
  })
