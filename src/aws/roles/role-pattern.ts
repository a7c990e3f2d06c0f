import { parseRoleArn, type RoleArn } from '../arn.ts'
import { compileGlob, contains, type Glob, intersects, matches } from '../glob.ts'

/** The roles that one rule of the operator serves: a role by its ARN, or all that a pattern names in some accounts. */
export interface RolePattern {
  readonly text: string
  readonly partition: RoleArn['partition']
  /** The accounts, or undefined for every account. */
  readonly accounts: ReadonlySet<string> | undefined
  /** Path and name, beginning with `/`; wildcards cross `/`, as in a policy of IAM. */
  readonly role: Glob
  /** Path as written, `/` at both ends, with wildcards if it has any. */
  readonly path: string
  /** The name as written, in lower case, since IAM does not tell names apart by case. */
  readonly name: Glob
  /** The ARNs of the roles, if neither accounts, path nor name has a wildcard. */
  readonly spelled: readonly string[] | undefined
}

/** Stands in for `*` while a pattern is parsed as an ARN. */
const SAMPLE_ACCOUNT = '000000000000'

/**
 * Reads a role's ARN, or a pattern of it: `*` for the whole account, `*` and `?` in path and name. Partition and service
 * are spelled.
 *
 * @param accounts the accounts that the `*` stands for; undefined for every account. Not read for a spelled account.
 * @returns undefined for anything else.
 */
export function parseRolePattern(text: string, accounts?: readonly string[]): RolePattern | undefined {
  const anyAccount = /^(arn:[^:]*:iam::)\*:/
  const spelled = text.replace(anyAccount, `$1${SAMPLE_ACCOUNT}:`)
  const example = parseRoleArn(spelled.replace(/[*?]/g, 'x'))
  if (!example) return undefined
  const pathAndName = spelled.slice(spelled.indexOf(':role/') + ':role'.length)
  const own = anyAccount.test(text) ? accounts : [example.accountId]
  const nameAt = pathAndName.lastIndexOf('/') + 1
  return {
    text,
    partition: example.partition,
    accounts: own && new Set(own),
    role: compileGlob(pathAndName),
    path: pathAndName.slice(0, nameAt),
    name: compileGlob(pathAndName.slice(nameAt).toLowerCase()),
    spelled:
      own && !/[*?]/.test(pathAndName)
        ? [...new Set(own)].map((account) => spell(example, account, pathAndName))
        : undefined,
  }
}

function spell({ partition }: RoleArn, account: string, pathAndName: string): string {
  return `arn:${partition}:iam::${account}:role${pathAndName}`
}

/** True if a pattern names a role. */
export function matchesRole(pattern: RolePattern, { partition, accountId, path, name }: RoleArn): boolean {
  if (pattern.partition !== partition) return false
  if (pattern.accounts && !pattern.accounts.has(accountId)) return false
  return matches(pattern.role, path + name)
}

/** True if some role may be named by both. */
export function patternsOverlap(a: RolePattern, b: RolePattern): boolean {
  return a.partition === b.partition && intersects(a.role, b.role) && accountsMeet(a.accounts, b.accounts)
}

/** True if every role that `inner` names is named by `outer` too. */
export function patternContains(outer: RolePattern, inner: RolePattern): boolean {
  if (outer.partition !== inner.partition || !contains(outer.role, inner.role)) return false
  if (!outer.accounts) return true
  return inner.accounts !== undefined && [...inner.accounts].every((account) => outer.accounts?.has(account))
}

/** True if roles of one account may have the same name under both, with another path by each: IAM has one of them at most. */
export function namesCollide(a: RolePattern, b: RolePattern): boolean {
  const samePlaces = a.partition === b.partition && accountsMeet(a.accounts, b.accounts)
  return samePlaces && a.path !== b.path && intersects(a.name, b.name)
}

function accountsMeet(a: ReadonlySet<string> | undefined, b: ReadonlySet<string> | undefined): boolean {
  if (!a || !b) return true
  const [few, many] = a.size <= b.size ? [a, b] : [b, a]
  for (const account of few) if (many.has(account)) return true
  return false
}
