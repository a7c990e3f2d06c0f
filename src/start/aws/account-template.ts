import { stringify } from 'yaml'
import { partitionOfRegion } from '../../aws/partitions.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { fillTemplate } from '../../aws/roles/role-template.ts'
import { ownRoleTemplates } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import { accountSide } from '../../credentials/aws-sts/account-template/account-side.ts'
import { type BrokerPolicy, brokerPolicy } from '../../credentials/aws-sts/account-template/broker-policy.ts'
import {
  accountTemplate,
  BROKER_PARAMETER,
  externalIdParameters,
} from '../../credentials/aws-sts/account-template/template.ts'
import { checkExternalId } from '../../credentials/aws-sts/mint/session-request.ts'
import { readSecret } from './secret-files.ts'

/** The operator's choices for a template. */
export interface TemplateChoice {
  /** 12 digits; undefined for a template for several accounts. */
  readonly account?: string | undefined
  /** ARN of the broker's role or user. */
  readonly broker?: string | undefined
  /** Task roles to create that the configuration names by a pattern only, e.g. `/stint/agent-data`. */
  readonly roleNames: readonly string[]
}

/** One parameter of a stack, as the AWS CLI takes them from a file. */
interface StackParameter {
  readonly ParameterKey: string
  readonly ParameterValue: string
}

const HEAD = `# The account side of Stint, written by \`stint aws template\`. Deploy it to one region of each account, with
# --capabilities CAPABILITY_NAMED_IAM.
`

/**
 * The CloudFormation template for the accounts and roles of a configuration.
 *
 * @returns `notes` are sentences about the steps that the template leaves to the operator.
 * @throws {StintError} CONFIG_INVALID if no role of the configuration belongs into it, or no rule serves a role of `roleNames`.
 */
export function renderAccountTemplate(config: Config, choice: TemplateChoice): { text: string; notes: string[] } {
  const side = chooseSide(config, choice)
  return { text: HEAD + toYaml(accountTemplate(side, choice)), notes: listNotes(config, side, choice) }
}

/** YAML as CloudFormation and YAML 1.1 read it: dates and numbers in quotes, no anchors. */
export function toYaml(template: object): string {
  return stringify(template, { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0 })
}

/**
 * Values of the template's parameters for one account: the external ids, read from their files, and the broker.
 *
 * @throws {StintError} CONFIG_INVALID as `renderAccountTemplate`, and for an external id that cannot be read.
 */
export async function accountParameters(
  config: Config,
  choice: TemplateChoice & { readonly account: string },
): Promise<StackParameter[]> {
  const place = { accountId: choice.account, partition: partitionOfRegion(config.aws.region) }
  const externalIds = [...externalIdParameters(chooseSide(config, choice))].map(async ([file, ParameterKey]) => {
    const externalId = await readSecret(fillTemplate(file, place))
    checkExternalId(`account ${choice.account}`, externalId)
    return { ParameterKey, ParameterValue: externalId.reveal() }
  })
  const broker = choice.broker ? [{ ParameterKey: BROKER_PARAMETER, ParameterValue: choice.broker }] : []
  return [...broker, ...(await Promise.all(externalIds))]
}

/**
 * The IAM policy of the broker's own principal, for all roles of a configuration.
 *
 * @throws {StintError} CONFIG_INVALID for another store than AWS.
 */
export function renderBrokerPolicy({ roles, aws, reach }: Config): BrokerPolicy {
  checkStore(aws)
  return brokerPolicy(roles, partitionOfRegion(aws.region), reach?.reader?.roleArn)
}

function checkStore({ profile }: Config['aws']): void {
  if (profile !== 'aws') throw invalid(`The templates are for AWS; aws.profile is ${profile}.`)
}

function chooseSide({ roles, aws }: Config, { account, roleNames }: TemplateChoice) {
  checkStore(aws)
  const rules = new RoleRules(roles, ownRoleTemplates(roles))
  const partition = partitionOfRegion(aws.region)
  const side = accountSide(roles, { account, partition, roleNames, find: (arn) => rules.find(arn)?.rule })
  if (side.rules.length === 0) {
    throw invalid(
      account === undefined
        ? 'Each rule of roles serves one account; choose the account with --account.'
        : `No rule of roles serves account ${account}.`,
    )
  }
  for (const role of roleNames)
    if (!side.roles.some(({ path, name }) => path + name === role))
      throw invalid(`No rule of roles serves a role${role}; the rules are ${roles.map(({ arn }) => arn).join(', ')}.`)
  return side
}

function listNotes({ roles }: Config, side: ReturnType<typeof chooseSide>, { account }: TemplateChoice): string[] {
  const elsewhere = account === undefined ? roles.filter((rule) => !side.rules.includes(rule)) : []
  const unwritten = side.rules.filter(({ revocation: r }) => r.kind !== 'none' && !r.revoker)
  return [
    ...elsewhere.map(
      ({ arn }) => `${arn} is not in this template, since it serves one account; make its template with --account.`,
    ),
    ...side.unnamed.map(({ arn }) => `${arn} names its roles by a pattern; name the roles to create with --role.`),
    ...unwritten.map(
      ({ arn }) =>
        `The deny list of ${arn} has no revoker in the configuration; attach the policy of a revoker (docs/aws) to the identity that writes it.`,
    ),
  ]
}

function invalid(explanation: string): StintError {
  return new StintError('CONFIG_INVALID', { explanation })
}
