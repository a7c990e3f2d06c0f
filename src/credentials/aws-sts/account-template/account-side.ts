import { parseRolePattern } from '../../../aws/roles/role-pattern.ts'

/** A rule of the configuration for roles, as far as the account's side depends on it. */
export interface TemplateRule {
  readonly arn: string
  readonly accounts?: readonly string[] | undefined
  /** Where the broker reads the external id; roles with the same place share it. */
  readonly externalIdFile?: string | undefined
  readonly revocation:
    | {
        readonly kind: 'boundary'
        readonly policyArn: string
        readonly furtherPolicyArns?: readonly string[] | undefined
        readonly revoker?: TemplateOwnRole | undefined
        readonly canary?: TemplateOwnRole | undefined
      }
    | {
        readonly kind: 'inline'
        readonly furtherPolicyArns?: readonly string[] | undefined
        readonly revoker?: TemplateOwnRole | undefined
      }
    | { readonly kind: 'none' }
}

/** A role that the broker assumes for itself. */
interface TemplateOwnRole {
  readonly roleArn: string
  readonly externalIdFile?: string | undefined
}

/** Name and path of something in IAM; the path begins and ends with `/`. */
export interface NamedThing {
  readonly path: string
  readonly name: string
}

/** A task role to create. */
export interface TemplateRole extends NamedThing {
  readonly rule: TemplateRule
}

/** All that one account has to have. */
export interface AccountSide {
  readonly rules: readonly TemplateRule[]
  /** The rules of other stacks too, for what no task role may touch. */
  readonly everyRule: readonly TemplateRule[]
  readonly roles: readonly TemplateRole[]
  /** Rules of these accounts that name roles by a pattern, whose names nobody has said. */
  readonly unnamed: readonly TemplateRule[]
}

/**
 * Chooses what belongs into the template of an account, or of all accounts alike.
 *
 * @param of.account undefined: the rules that are the same in several accounts, or the one account that the rules name.
 * @param of.roleNames task roles to create for rules with a pattern, e.g. `/stint/agent-data`.
 * @param of.find the rule of a role's ARN, as the broker finds it.
 */
export function accountSide(
  rules: readonly TemplateRule[],
  of: {
    readonly account?: string | undefined
    readonly partition: string
    readonly roleNames: readonly string[]
    readonly find: (roleArn: string) => TemplateRule | undefined
  },
): AccountSide {
  const account = of.account ?? onlyAccount(rules)
  const applying = rules.filter((rule) => applies(rule, account))
  const spelled = applying.flatMap((rule) => {
    const role = pathAndName(rule.arn)
    return /[*?]/.test(role) ? [] : [{ ...splitPath(role), rule }]
  })
  const asked = of.roleNames.flatMap((role) => {
    const sample = account ?? [...applying.flatMap((rule) => rule.accounts ?? [])][0] ?? '000000000000'
    const rule = of.find(`arn:${of.partition}:iam::${sample}:role${role}`)
    return rule ? [{ ...splitPath(role), rule }] : []
  })
  const roles = [...new Map([...spelled, ...asked].map((role) => [role.name.toLowerCase(), role])).values()]
  const unnamed = applying.filter(
    (rule) => /[*?]/.test(pathAndName(rule.arn)) && !roles.some((role) => role.rule === rule),
  )
  return { rules: applying, everyRule: rules, roles, unnamed }
}

/** Path and name of an ARN, a pattern or a template of a role or policy: `/stint/revoker`. */
export function pathAndName(arn: string): string {
  return arn.replace(/^[^/]*/, '')
}

/** Takes `/stint/revoker` apart. */
export function splitPath(text: string): NamedThing {
  const at = text.lastIndexOf('/') + 1
  return { path: text.slice(0, at), name: text.slice(at) }
}

/** The account that all rules name, if there is no other. */
function onlyAccount(rules: readonly TemplateRule[]): string | undefined {
  const all = rules.map(({ arn, accounts }) => parseRolePattern(arn, accounts)?.accounts)
  const named = new Set(all.flatMap((accounts) => [...(accounts ?? [])]))
  return named.size === 1 && all.every((accounts) => accounts !== undefined) ? [...named][0] : undefined
}

function applies({ arn, accounts }: TemplateRule, account: string | undefined): boolean {
  const own = parseRolePattern(arn, accounts)?.accounts
  if (account !== undefined) return !own || own.has(account)
  return !own || own.size > 1
}
