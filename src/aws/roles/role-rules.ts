import { parseRoleArn, type RoleArn } from '../arn.ts'
import {
  matchesRole,
  namesCollide,
  parseRolePattern,
  patternContains,
  patternsOverlap,
  type RolePattern,
} from './role-pattern.ts'
import { fillTemplate } from './role-template.ts'

/** A rule for the roles that it serves. */
export interface RoleRule {
  /** A role's ARN or a pattern: see `parseRolePattern`. */
  readonly arn: string
  /** The accounts that the `*` stands for; undefined for every account. */
  readonly accounts?: readonly string[] | undefined
  /**
   * Where sessions are denied. An inline policy is addressed by the name of its role without the path, so wildcards of such a
   * rule stand for no path: of two paths with one name IAM has one, and a list that was kept for the other would replace its.
   */
  readonly revocation?: { readonly kind: string } | undefined
}

/**
 * Two rules that may name the same role, with no way to choose: they are equal, or neither contains the other; or they have the
 * same name with another path or case, of which IAM has only one.
 */
export interface RuleConflict {
  /** Positions in the list of rules, in order. */
  readonly rules: readonly [number, number]
  readonly kind: 'same' | 'overlap' | 'same-name'
}

interface Indexed<R> {
  readonly rule: R
  readonly position: number
  readonly pattern: RolePattern
  /** Number of other rules that contain this one. Of the rules that name a role, the narrowest has the highest. */
  depth: number
}

/**
 * Finds the rule of a role: an exact ARN wins over patterns, and of patterns the narrowest wins.
 *
 * No rule serves a reserved role: an agent that acted as a revoker could lift its own revocation.
 */
export class RoleRules<R extends RoleRule> {
  /** Pairs of rules with no way to choose between them. `find` then uses either. */
  readonly conflicts: readonly RuleConflict[]
  readonly #exact = new Map<string, Indexed<R>>()
  /** Rules with the name of a role in them, by the role. */
  readonly #spelled = new Map<string, { readonly indexed: Indexed<R>; readonly roleArn: string }>()
  readonly #byAccount = new Map<string, Indexed<R>[]>()
  readonly #anyAccount: Indexed<R>[] = []
  readonly #reserved = new Set<string>()
  readonly #reservedTemplates: readonly string[]

  /**
   * @param rules rules with an invalid `arn` are left out.
   * @param reserved templates of role ARNs that no rule serves.
   */
  constructor(rules: readonly R[], reserved: readonly string[] = []) {
    const conflicts: RuleConflict[] = []
    const patterns: Indexed<R>[] = []
    for (const [position, rule] of rules.entries()) {
      const pattern = parseRolePattern(rule.arn, rule.accounts)
      if (!pattern) continue
      const indexed = { rule, position, pattern, depth: 0 }
      this.#addSpelled(indexed, conflicts)
      const [only, another] = pattern.spelled ?? []
      if (only !== undefined && another === undefined) this.#addExact(only, indexed, conflicts)
      else patterns.push(indexed)
    }
    for (const pattern of patterns) this.#addPattern(pattern, conflicts)
    this.conflicts = conflicts.sort((a, b) => a.rules[0] - b.rules[0] || a.rules[1] - b.rules[1])
    this.#reservedTemplates = [...new Set(reserved)].filter((template) => template.includes('{'))
    for (const arn of reserved) if (!arn.includes('{')) this.#reserved.add(roleIdentity(arn))
  }

  /** The rule of a role, and the role taken apart; undefined for a role that nobody serves. */
  find(roleArn: string): { readonly role: RoleArn; readonly rule: R } | undefined {
    const role = parseRoleArn(roleArn)
    if (!role || this.#isReserved(role)) return undefined
    const exact = this.#exact.get(roleArn)
    if (exact) return { role, rule: exact.rule }
    let best: Indexed<R> | undefined
    for (const candidate of this.#candidates(role.accountId)) {
      if (isInline(candidate.rule) && candidate.pattern.path !== role.path) continue
      if (matchesRole(candidate.pattern, role) && (!best || candidate.depth > best.depth)) best = candidate
    }
    // A role with its own rule must not come under a pattern by another spelling: the pattern's rule may be laxer.
    const spelled = this.#spelled.get(roleIdentity(roleArn))?.indexed ?? best
    return best && spelled === best ? { role, rule: best.rule } : undefined
  }

  /** The rules whose pattern may name roles of an account. A rule with one exact ARN is left out. */
  patternsIn(accountId: string): Pick<Indexed<R>, 'rule' | 'pattern'>[] {
    return this.#candidates(accountId)
  }

  #candidates(accountId: string): Indexed<R>[] {
    return [...(this.#byAccount.get(accountId) ?? []), ...this.#anyAccount]
  }

  #addSpelled(indexed: Indexed<R>, conflicts: RuleConflict[]): void {
    const others = new Set<number>()
    for (const roleArn of indexed.pattern.spelled ?? []) {
      const identity = roleIdentity(roleArn)
      const other = this.#spelled.get(identity)
      if (other && other.roleArn !== roleArn) others.add(other.indexed.position)
      this.#spelled.set(identity, { indexed, roleArn })
    }
    for (const position of others) conflicts.push({ rules: [position, indexed.position], kind: 'same-name' })
  }

  #addExact(arn: string, indexed: Indexed<R>, conflicts: RuleConflict[]): void {
    const before = this.#exact.get(arn)
    if (before) conflicts.push({ rules: [before.position, indexed.position], kind: 'same' })
    else this.#exact.set(arn, indexed)
  }

  #addPattern(indexed: Indexed<R>, conflicts: RuleConflict[]): void {
    const { pattern } = indexed
    for (const other of this.#neighbours(pattern)) {
      if (isInline(indexed.rule) && isInline(other.rule) && namesCollide(pattern, other.pattern)) {
        conflicts.push({ rules: [other.position, indexed.position], kind: 'same-name' })
        continue
      }
      if (!patternsOverlap(pattern, other.pattern)) continue
      const isWithin = patternContains(other.pattern, pattern)
      const isAround = patternContains(pattern, other.pattern)
      if (isWithin && !isAround) indexed.depth += 1
      else if (isAround && !isWithin) other.depth += 1
      else conflicts.push({ rules: [other.position, indexed.position], kind: isWithin ? 'same' : 'overlap' })
    }
    if (!pattern.accounts) this.#anyAccount.push(indexed)
    for (const account of pattern.accounts ?? []) {
      const there = this.#byAccount.get(account)
      if (there) there.push(indexed)
      else this.#byAccount.set(account, [indexed])
    }
  }

  /** The patterns before this one that may share an account with it. */
  #neighbours({ accounts }: RolePattern): Iterable<Indexed<R>> {
    const near = new Set(this.#anyAccount)
    if (accounts) for (const account of accounts) for (const each of this.#byAccount.get(account) ?? []) near.add(each)
    else for (const list of this.#byAccount.values()) for (const each of list) near.add(each)
    return near
  }

  #isReserved(role: RoleArn): boolean {
    const identity = roleIdentity(role.text)
    if (this.#reserved.has(identity)) return true
    return this.#reservedTemplates.some((template) => roleIdentity(fillTemplate(template, role)) === identity)
  }
}

function isInline({ revocation }: RoleRule): boolean {
  return revocation?.kind === 'inline'
}

/** Names of roles are unique in an account, whatever their path and case. */
export function roleIdentity(roleArn: string): string {
  const { accountId = '', name = '' } = parseRoleArn(roleArn) ?? {}
  return `${accountId} ${name.toLowerCase()}`
}
