import { parseRolePattern } from '../../../aws/roles/role-pattern.ts'
import { RoleRules, type RuleConflict } from '../../../aws/roles/role-rules.ts'
import type { Clock } from '../../../core/clock.ts'
import { StintError } from '../../../core/errors.ts'
import {
  type Canary,
  DenyListLocations,
  type RevocationRule,
  type Revoker,
  type Spellings,
} from '../deny/deny-list-locations.ts'
import { DenyLists } from '../deny/deny-lists.ts'
import type { ExternalIdSource, RoleExternalId } from '../mint/external-ids.ts'
import { checkExternalId } from '../mint/session-request.ts'
import { requireRoleArn } from '../role-arn.ts'

/** A role that leases are minted from, or a pattern of roles. */
export interface AwsRole extends RevocationRule {
  /** sts:ExternalId, issued by the broker's operator for this role and never chosen by a customer; a function is asked again. */
  readonly externalId?: ExternalIdSource
}

/** The roles that agents may act through, and where the deny list of each is. */
export class ServedRoles {
  readonly denyLists: DenyLists
  readonly #spelled: Spellings = new Map()
  #served: Served

  /**
   * @throws {StintError} CONFIG_INVALID for rules that conflict, and for invalid role ARNs, boundaries, policy names and external
   *   ids.
   */
  constructor(roles: readonly AwsRole[], clock: Clock) {
    this.#served = readRoles(roles, this.#spelled)
    this.denyLists = new DenyLists(this.#served.denyLists, clock)
  }

  /**
   * Makes ready to serve other roles.
   *
   * @returns serves them from now on; neither waits nor throws.
   * @throws {StintError} as the constructor
   */
  prepare(roles: readonly AwsRole[]): () => void {
    const next = readRoles(roles, this.#spelled)
    return () => {
      this.#served = next
      this.denyLists.replace(next.denyLists)
    }
  }

  has(roleArn: string): boolean {
    return this.#served.rules.find(roleArn) !== undefined
  }

  /** True if the configuration spells the role's ARN. An agent can make up any other. */
  isListed(roleArn: string): boolean {
    return this.#served.listed.has(roleArn)
  }

  /** The source of a role's external id; undefined for a role without one. */
  findExternalId(roleArn: string): RoleExternalId | undefined {
    const found = this.#served.rules.find(roleArn)
    if (!found?.rule.externalId) return undefined
    return { source: found.rule.externalId, place: found.role, isListed: this.isListed(roleArn) }
  }
}

/** The rules of one configuration. */
interface Served {
  readonly rules: RoleRules<AwsRole>
  readonly denyLists: DenyListLocations
  readonly listed: ReadonlySet<string>
}

function readRoles(roles: readonly AwsRole[], spelled: Spellings): Served {
  for (const role of roles) checkRole(role)
  const own = roles.flatMap(({ revocation }) => brokerOnlyRoles(revocation).map(({ roleArn }) => roleArn))
  const rules = new RoleRules(roles, own)
  const [conflict] = rules.conflicts
  if (conflict) throw ruleConflict(conflict.kind, roles[conflict.rules[1]]?.arn ?? '')
  return {
    rules,
    denyLists: new DenyListLocations(rules, roles, spelled),
    listed: new Set(roles.flatMap(({ arn, accounts }) => parseRolePattern(arn, accounts)?.spelled ?? [])),
  }
}

function checkRole({ arn, accounts, externalId, revocation }: AwsRole): void {
  if (!parseRolePattern(arn, accounts)) requireRoleArn(arn)
  for (const source of [externalId, ...brokerOnlyRoles(revocation).map((own) => own.externalId)])
    if (source && typeof source !== 'function') checkExternalId(arn, source)
}

/** Roles that only the broker may assume: anybody else could use them to lift or fake a revocation. */
function brokerOnlyRoles(revocation: AwsRole['revocation']): readonly (Revoker | Canary)[] {
  if (revocation.kind === 'none') return []
  const canary = revocation.kind === 'boundary' ? revocation.canary : undefined
  return [revocation.revoker, canary].filter((role) => role !== undefined)
}

function ruleConflict(kind: RuleConflict['kind'], roleArn: string): StintError {
  const explanation = {
    same: 'A role is configured twice; list it once.',
    overlap:
      'Two role patterns name some of the same roles, and neither is narrower; make one pattern part of the other.',
    'same-name':
      'Two rules name roles of one account that differ only in path or case; IAM role names are unique, so remove one.',
  }[kind]
  return new StintError('CONFIG_INVALID', { explanation, roleArn })
}
