import { parseRolePattern } from '../aws/roles/role-pattern.ts'
import { fillTemplate, type RolePlace } from '../aws/roles/role-template.ts'

/** The part of a rule for roles that says who writes its boundary. */
interface Rule {
  readonly arn: string
  readonly accounts?: readonly string[] | undefined
  readonly revocation:
    | { readonly kind: 'boundary'; readonly policyArn: string; readonly revoker?: Revoker | undefined }
    | { readonly kind: 'inline' | 'none' }
}

interface Revoker {
  readonly roleArn: string
  readonly externalIdFile?: string | undefined
}

/** Stands for every account that no rule names. */
const ANY_ACCOUNT = '000000000000'

/**
 * Finds rules whose boundary an earlier rule has with another writer: each document has one, and it would be left to the order
 * of the rules which.
 *
 * @returns positions of the later rule and the earlier one; one problem a rule.
 */
export function findOtherWriters(rules: readonly Rule[]): [at: number, other: number][] {
  const serving = rules.flatMap(({ arn, accounts, revocation }, at) => {
    const pattern = parseRolePattern(arn, accounts)
    return pattern && revocation.kind === 'boundary' ? [{ at, pattern, revocation }] : []
  })
  const accounts = new Set([ANY_ACCOUNT, ...serving.flatMap(({ pattern }) => [...(pattern.accounts ?? [])])])
  const writers = new Map<string, { readonly at: number; readonly writer: string }>()
  const found = new Map<number, number>()
  for (const accountId of accounts) {
    for (const { at, pattern, revocation } of serving) {
      if (pattern.accounts && !pattern.accounts.has(accountId)) continue
      const place = { partition: pattern.partition, accountId }
      const boundary = fillTemplate(revocation.policyArn, place)
      const writer = describeWriter(revocation.revoker, place)
      const known = writers.get(boundary)
      if (!known) writers.set(boundary, { at, writer })
      else if (known.writer !== writer && !found.has(at)) found.set(at, known.at)
    }
  }
  return [...found]
}

function describeWriter(revoker: Revoker | undefined, place: RolePlace): string {
  if (!revoker) return 'the credentials of the settings'
  return `${fillTemplate(revoker.roleArn, place)} ${fillTemplate(revoker.externalIdFile ?? '', place)}`
}
