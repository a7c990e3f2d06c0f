import { parseRoleArn } from '../aws/arn.ts'
import { parseRolePattern } from '../aws/roles/role-pattern.ts'
import { RoleRules } from '../aws/roles/role-rules.ts'
import { fillTemplate, PLACEHOLDERS, unknownPlaceholders } from '../aws/roles/role-template.ts'
import { z } from '../core/documents/schema.ts'
import { ownRoleTemplates, type RoleSetting } from './role-settings.ts'
import { duration } from './values/duration-setting.ts'

const path = z.string().min(1)

/** The setting `reach`: the roles' own policies, which bound what a plan can truly do. */
export const reachSettings = z
  .strictObject({
    /** One `*.json` an account, as `aws iam get-account-authorization-details` writes it. */
    directory: path.optional(),
    /** A role of each account that the broker assumes to read the policies of the roles that the configuration spells. */
    reader: z
      .strictObject({
        roleArn: z.string().min(1),
        externalIdFile: path.optional(),
        every: duration('1m', '24h').prefault('15m'),
      })
      .optional(),
    /** The ARNs of resources that exist, which a reach is matched with. */
    inventoryFile: path.optional(),
    /** Older policies are on the status. */
    staleAfter: duration('1h', '365d').prefault('7d'),
  })
  .refine(({ directory, reader }) => directory !== undefined || reader !== undefined, {
    message: 'must have a directory, a reader, or both',
  })
  .optional()

type Reader = NonNullable<NonNullable<z.output<typeof reachSettings>>['reader']>

/**
 * Finds what is wrong with the reader beside the roles.
 *
 * @returns the rest of a sentence that begins with `reach.reader.` and the key.
 */
export function readerProblem(
  { roleArn, externalIdFile }: Reader,
  roles: readonly RoleSetting[],
): { readonly key: string; readonly message: string } | undefined {
  for (const [key, template] of Object.entries({ roleArn, ...(externalIdFile && { externalIdFile }) })) {
    const unknown = unknownPlaceholders(template)
    if (unknown.length > 0)
      return {
        key,
        message: `has the unknown placeholder ${unknown.join(', ')}; the placeholders are ${PLACEHOLDERS.join(' and ')}`,
      }
  }
  const message = findRoleProblem(roleArn, roles)
  return message === undefined ? undefined : { key: 'roleArn', message }
}

function findRoleProblem(template: string, roles: readonly RoleSetting[]): string | undefined {
  const own = ownRoleTemplates(roles)
  const rules = new RoleRules(roles, own)
  const spelled = roles.flatMap(({ arn, accounts }) => parseRolePattern(arn, accounts)?.spelled ?? [])
  if (spelled.length === 0)
    return 'reads nothing: only roles that are spelled in roles are read, and all of them are patterns'
  const places = new Map(spelled.flatMap((arn) => parseRoleArn(arn) ?? []).map((role) => [role.accountId, role]))
  for (const place of places.values()) {
    const arn = fillTemplate(template, place)
    const reader = parseRoleArn(arn)
    if (!reader) return 'must be the ARN of a role, such as arn:aws:iam::{account}:role/stint-reader'
    if (reader.partition !== place.partition || reader.accountId !== place.accountId)
      return `names ${arn}, which cannot read roles of account ${place.accountId}; write {account}`
    if (rules.find(arn))
      return `names ${arn}, which roles serves: an agent could act through it; name a role that no rule serves`
    if (own.some((each) => fillTemplate(each, place) === arn))
      return `names ${arn}, which is a revoker or a canary too; the reader must be a role of its own, which can read and nothing else`
  }
  return undefined
}
