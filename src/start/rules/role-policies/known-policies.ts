import { parseRoleArn } from '../../../aws/arn.ts'
import type { RoleDocuments } from '../../../aws/role-policies/role-documents.ts'
import { createRoleReach, type RoleReach } from '../../../aws/role-policies/role-reach.ts'
import type { RoleRules } from '../../../aws/roles/role-rules.ts'
import { fillTemplate } from '../../../aws/roles/role-template.ts'
import type { RoleSetting } from '../../../config/role-settings.ts'
import type { RolePolicies } from './load-role-policies.ts'

/** The reach of the roles whose policies are known. Another object whenever an answer may have changed. */
export interface RoleReaches {
  /** Undefined for a role whose policies are not known. */
  find(roleArn: string): RoleReach | undefined
  /** When the policies of a role were read; undefined as for `find`. */
  readAt(roleArn: string): Date | undefined
}

/** The policies of one role, and where they are from. */
export interface KnownRole {
  readonly documents: RoleDocuments
  /** False: from a file. */
  readonly isFromIam: boolean
}

/** No policies of any role. */
export const NO_POLICIES: RolePolicies = { roles: new Map(), resourcePolicies: [] }

/** The policies of roles from both sources. What was read from IAM counts before a file. */
export class KnownPolicies {
  #rules: RoleRules<RoleSetting>
  #files: RolePolicies = NO_POLICIES
  #read: ReadonlyMap<string, RoleDocuments> = new Map()
  #reaches: RoleReaches
  /** Reaches of roles, made when a plan first asks for them. */
  #prepared = new Map<string, RoleReach>()

  constructor(rules: RoleRules<RoleSetting>) {
    this.#rules = rules
    this.#reaches = this.#makeReaches()
  }

  get reaches(): RoleReaches {
    return this.#reaches
  }

  serves(roleArn: string): boolean {
    return this.#rules.find(roleArn) !== undefined
  }

  list(): KnownRole[] {
    const fromFiles = [...this.#files.roles.values()].filter(({ roleArn }) => !this.#read.has(roleArn))
    return [
      ...fromFiles.map((documents) => ({ documents, isFromIam: false })),
      ...[...this.#read.values()].map((documents) => ({ documents, isFromIam: true })),
    ]
  }

  setRules(rules: RoleRules<RoleSetting>): void {
    this.#rules = rules
    this.#replace()
  }

  setFiles(files: RolePolicies): void {
    this.#files = files
    this.#replace()
  }

  /** Policies that say the same as before are read all the time: then the answers stay, and only their age is another. */
  setRead(roles: ReadonlyMap<string, RoleDocuments>): void {
    const before = this.#read
    this.#read = roles
    const isSame = before.size === roles.size && [...roles.keys()].every((roleArn) => before.has(roleArn))
    // Nobody has asked for the reach of other roles than the prepared ones, so no answer depends on them.
    const saysSame = [...this.#prepared].every(([roleArn, { digest }]) => {
      const documents = roles.get(roleArn)
      return !documents || documents === before.get(roleArn) || this.#makeReach(documents).digest === digest
    })
    if (!isSame || !saysSame) this.#replace()
  }

  #replace(): void {
    this.#prepared = new Map()
    this.#reaches = this.#makeReaches()
  }

  #makeReaches(): RoleReaches {
    const prepared = this.#prepared
    return {
      find: (roleArn) => {
        const known = prepared.get(roleArn)
        if (known) return known
        const documents = this.#find(roleArn)
        if (!documents) return undefined
        const reach = this.#makeReach(documents)
        prepared.set(roleArn, reach)
        return reach
      },
      readAt: (roleArn) => this.#find(roleArn)?.readAt,
    }
  }

  #find(roleArn: string): RoleDocuments | undefined {
    return this.#read.get(roleArn) ?? this.#files.roles.get(roleArn)
  }

  #makeReach(documents: RoleDocuments): RoleReach {
    const own = ownPolicies(documents.roleArn, this.#rules)
    const { resourcePolicies } = this.#files
    return createRoleReach({ documents, resourcePolicies, isOwnPolicy: (arn) => own.has(arn) })
  }
}

/** The deny list of a role, which Stint writes itself. */
function ownPolicies(roleArn: string, rules: RoleRules<RoleSetting>): ReadonlySet<string> {
  const found = rules.find(roleArn)
  const role = parseRoleArn(roleArn)
  if (!found || !role || found.rule.revocation.kind === 'none') return new Set()
  const { revocation } = found.rule
  const templates = [
    ...(revocation.kind === 'boundary' ? [revocation.policyArn] : []),
    ...(revocation.furtherPolicyArns ?? []),
  ]
  return new Set(templates.map((template) => fillTemplate(template, role)))
}
