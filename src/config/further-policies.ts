import { splitArn } from '../aws/arn.ts'
import { parseRolePattern, type RolePattern } from '../aws/roles/role-pattern.ts'
import { fillTemplate } from '../aws/roles/role-template.ts'

/** The part of a rule for roles that says where its deny lists are. */
interface Rule {
  readonly arn: string
  readonly accounts?: readonly string[] | undefined
  readonly revocation:
    | {
        readonly kind: 'boundary'
        readonly policyArn: string
        readonly furtherPolicyArns?: readonly string[] | undefined
      }
    | { readonly kind: 'inline'; readonly furtherPolicyArns?: readonly string[] | undefined }
    | { readonly kind: 'none' }
}

/** A deny list of one account, as one rule has it. */
interface ListOfRule {
  readonly at: number
  readonly key: string
  readonly boundary: string | undefined
  readonly further: readonly string[]
}

/**
 * Finds rules whose further policies contradict each other. All roles of a deny list need all of its documents, and a document
 * belongs to one list.
 *
 * @returns positions of rules, and what is wrong with each; one problem a rule.
 */
export function furtherPolicyConflicts(rules: readonly Rule[]): [at: number, message: string][] {
  if (!rules.some(({ revocation }) => listFurtherPolicies(revocation).length > 0)) return []
  const lists = [...listDenyLists(rules)]
  const boundaries = new Map(lists.flatMap(({ boundary, at }) => (boundary === undefined ? [] : [[boundary, at]])))
  const known = new Map<string, ListOfRule>()
  const owners = new Map<string, ListOfRule>()
  const problems = new Map<number, string>()
  for (const list of lists) {
    const message = findConflict(list, { known, owners, boundaries, rules })
    if (message !== undefined && !problems.has(list.at)) problems.set(list.at, message)
    if (!known.has(list.key)) known.set(list.key, list)
    for (const policy of list.further) if (!owners.has(policy)) owners.set(policy, list)
  }
  return [...problems]
}

function findConflict(
  { at, key, further }: ListOfRule,
  {
    known,
    owners,
    boundaries,
    rules,
  }: {
    readonly known: ReadonlyMap<string, ListOfRule>
    readonly owners: ReadonlyMap<string, ListOfRule>
    readonly boundaries: ReadonlyMap<string, number>
    readonly rules: readonly Rule[]
  },
): string | undefined {
  const name = (rule: number) => `roles.${rule} (${rules[rule]?.arn})`
  const same = known.get(key)
  if (same && same.at !== at && same.further.join() !== further.join())
    return `must be the same as that of ${name(same.at)}, which has the same boundary: each document must reach all roles of the deny list`
  for (const policy of further) {
    const otherRule = boundaries.get(policy)
    if (otherRule !== undefined)
      return `has ${policy}, which is the boundary of ${name(otherRule)}: list a policy of its own`
    const owner = owners.get(policy)
    if (owner && owner.key !== key)
      return `has ${policy}, which holds another deny list (${owner.key}, of ${name(owner.at)}): each list needs policies of its own`
  }
  return undefined
}

/** The lists of each rule, in the accounts that any rule names; one more account stands for all others. */
function* listDenyLists(rules: readonly Rule[]): Generator<ListOfRule> {
  const patterns = rules.map(({ arn, accounts }) => parseRolePattern(arn, accounts))
  const named = [...new Set(patterns.flatMap((pattern) => [...(pattern?.accounts ?? [])])), ANY_ACCOUNT]
  for (const [at, { revocation }] of rules.entries()) {
    const pattern = patterns[at]
    if (!pattern || revocation.kind === 'none') continue
    for (const { accountId, roleArns } of listPlaces(pattern, named)) {
      const fill = (template: string) => fillTemplate(template, { partition: pattern.partition, accountId })
      const further = listFurtherPolicies(revocation).map(fill)
      const boundary = revocation.kind === 'boundary' ? fill(revocation.policyArn) : undefined
      for (const key of boundary === undefined ? roleArns.map((arn) => `inline:${arn}`) : [`boundary:${boundary}`])
        yield { at, key, boundary, further }
    }
  }
}

const ANY_ACCOUNT = '000000000000'

function listPlaces({ accounts, spelled = [] }: RolePattern, named: readonly string[]) {
  return [...(accounts ?? named)].map((accountId) => ({
    accountId,
    roleArns: spelled.filter((arn) => splitArn(arn).account === accountId),
  }))
}

function listFurtherPolicies(revocation: Rule['revocation']): readonly string[] {
  return revocation.kind === 'none' ? [] : (revocation.furtherPolicyArns ?? [])
}
