import { parseRoleArn } from '../../aws/arn.ts'
import { parseRolePattern } from '../../aws/roles/role-pattern.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { fillTemplate, type RolePlace } from '../../aws/roles/role-template.ts'
import { ownRoleTemplates, type RoleSetting } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import type { Secret } from '../../core/secret.ts'
import type { AwsRole } from '../../credentials/aws-sts/accounts/served-roles.ts'
import type { RevocationPlacement, Revoker } from '../../credentials/aws-sts/deny/deny-list-locations.ts'
import { checkExternalId } from '../../credentials/aws-sts/mint/session-request.ts'
import type { NamedRoles } from '../../credentials/aws-sts/provider-problems.ts'
import { readSecret } from './secret-files.ts'

/** The roles of a configuration as the provider takes them. @throws {StintError} CONFIG_INVALID for an external id that cannot be used */
export function readRoles({ roles }: Pick<Config, 'roles'>): Promise<AwsRole[]> {
  return Promise.all(
    roles.map(async ({ arn, accounts, revocation, externalIdFile }) => ({
      arn,
      accounts,
      revocation: await withOwnRoles(arn, revocation),
      ...(externalIdFile && { externalId: await externalIdReader(arn, externalIdFile) }),
    })),
  )
}

/** The roles and accounts that a configuration spells. */
export function namedRoles({ roles }: Pick<Config, 'roles'>): NamedRoles {
  const patterns = roles.flatMap(({ arn, accounts }) => parseRolePattern(arn, accounts) ?? [])
  const accounts = new Set(patterns.flatMap((pattern) => [...(pattern.accounts ?? [])]))
  return {
    roleArns: new Set(patterns.flatMap(({ spelled }) => spelled ?? [])),
    accounts,
    oneAccount: accounts.size === 1 && patterns.every((pattern) => pattern.accounts),
  }
}

/** Makes a function that says whether the broker assumes a role: for a lease, or as a revoker or a canary. */
export function findAssumed({ roles }: Pick<Config, 'roles'>): (roleArn: string) => boolean {
  const templates = ownRoleTemplates(roles)
  const rules = new RoleRules(roles, templates)
  return (roleArn) => {
    const place = parseRoleArn(roleArn)
    if (!place) return false
    return rules.find(roleArn) !== undefined || templates.some((template) => fillTemplate(template, place) === roleArn)
  }
}

async function withOwnRoles(roleArn: string, revocation: RoleSetting['revocation']): Promise<RevocationPlacement> {
  if (revocation.kind === 'none') return revocation
  const revoker = await ownRole(roleArn, revocation.revoker)
  if (revocation.kind === 'inline') return { ...revocation, revoker }
  return { ...revocation, revoker, canary: await ownRole(roleArn, revocation.canary) }
}

type OwnRole = Extract<RoleSetting['revocation'], { kind: 'boundary' }>['revoker']

async function ownRole(roleArn: string, setting: OwnRole): Promise<Revoker | undefined> {
  if (!setting) return undefined
  const { roleArn: own, externalIdFile: file } = setting
  return { roleArn: own, ...(file && { externalId: await externalIdReader(roleArn, file) }) }
}

/**
 * Makes a reader of an external id. The file is read now, so that a missing or malformed one is found at start, and again whenever
 * the provider asks. The files of several accounts are read when needed, so that a missing one does not hold up the others.
 */
async function externalIdReader(roleArn: string, template: string): Promise<(place: RolePlace) => Promise<Secret>> {
  const only = parseRoleArn(roleArn)
  if (only || !template.includes('{'))
    checkExternalId(roleArn, await readSecret(only ? fillTemplate(template, only) : template))
  return (place) => readSecret(fillTemplate(template, place))
}
