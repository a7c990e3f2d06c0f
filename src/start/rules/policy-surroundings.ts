import { currentOperators } from '../../admin/operators/operator-directory.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { ownRoleTemplates } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import type { Operator } from '../../grants/operators/operator.ts'
import { countInGroup } from '../../grants/operators/who-can-answer.ts'
import { type LabelSet, NO_LABELS } from '../../plan/labels/labels.ts'
import type { PolicySurroundings } from '../../policy/check-policies.ts'
import type { KnownNames, NameSource } from '../../policy/checks/known-names.ts'
import type { Registry } from '../../registry/registry.ts'
import { loadRegistry } from '../../registry/registry-file.ts'
import { toApprovalRules } from './approval-rules.ts'
import { loadLabels } from './load-labels.ts'

/** The files whose names policies use. */
export interface NameFiles {
  /** Has roles, operators and trust domains, and the paths of the other files. */
  readonly config?: Config
  /** Labels, in place of the configuration's. */
  readonly labelsFile?: string
  /** Registrations, in place of the configuration's. */
  readonly registryFile?: string
}

/**
 * Reads the files that policies are checked against; those that are not given are left out.
 *
 * @param now operators whose tokens have expired by then cannot answer.
 * @throws {StintError} LABELS_INVALID, REGISTRY_INVALID
 */
export async function loadPolicySurroundings({ config, ...files }: NameFiles, now: Date): Promise<PolicySurroundings> {
  const labelsFile = files.labelsFile ?? config?.labels?.file
  const registryFile = files.registryFile ?? config?.registry.file
  const labels = labelsFile === undefined ? undefined : { set: await loadLabels(labelsFile), file: labelsFile }
  const registry =
    registryFile === undefined ? undefined : { set: await loadRegistry(registryFile), file: registryFile }
  return surroundPolicies({ config, labels, registry, people: config && configuredPeople(config, now) })
}

/** The files that policies refer to, as far as they are there. A configuration without a file of labels has none. */
export function surroundPolicies({ config, labels, registry, people }: PolicyContext): PolicySurroundings {
  const labelled = labels ?? (config && !config.labels ? { set: NO_LABELS, file: NO_FILE } : undefined)
  return {
    known: {
      ...(labelled && labelNames(labelled.set, labelled.file)),
      ...(registry && registrationNames(registry.set, registry.file)),
      ...(config && configuredNames(config)),
    },
    ...(labelled && { labels: labelled }),
    ...(config && { approvals: toApprovalRules(config) }),
    ...(people && { countApprovers: (group) => countInGroup(people, group) }),
  }
}

const NO_FILE = 'The configuration (no labels.file)'

/** The loaded files that policies refer to, as far as they are given. */
export interface PolicyContext {
  readonly config: Config | undefined
  readonly labels: { readonly set: LabelSet; readonly file: string } | undefined
  readonly registry: { readonly set: Registry; readonly file: string } | undefined
  /** The operators who could answer approvals now. */
  readonly people: readonly Operator[] | undefined
}

/** The names of labels. */
function labelNames({ labels }: LabelSet, source: string): KnownNames {
  return { label: { source, names: labels.map(({ label }) => label) } }
}

/** The names that registrations bring: agents, their teams and owners. */
function registrationNames(registry: Registry, source: string): KnownNames {
  const { registrations } = registry
  const names = (key: 'team' | 'owner' | 'name' | 'match'): NameSource => ({
    source,
    names: [...new Set(registrations.map((registration) => registration[key]))],
  })
  return {
    team: names('team'),
    owner: names('owner'),
    registration: names('name'),
    agent: { ...names('match'), has: (subject) => covers(registry, subject) },
  }
}

/** The names in the configuration itself. */
function configuredNames({ roles, admin, identity }: Config): KnownNames {
  const source = 'The configuration'
  const rules = new RoleRules(roles, ownRoleTemplates(roles))
  return {
    role: { source, names: roles.map(({ arn }) => arn), has: (arn) => rules.find(arn) !== undefined },
    group: { source, names: [...new Set(admin.operators.flatMap(({ groups }) => groups))] },
    trustDomain: {
      source,
      names: [...Object.keys(identity.domains), ...identity.oidc.map(({ alias }) => `oidc:${alias}`)],
    },
  }
}

/** The configuration's operators whose tokens have not expired at an instant. */
function configuredPeople({ admin }: Config, now: Date): Operator[] {
  return currentOperators(
    admin.operators.map((operator) => ({ operator, expiresAt: operator.expiresAt })),
    now,
  )
}

/** True if a registration covers a subject; false for a text that is no subject. */
function covers(registry: Registry, subject: string): boolean {
  try {
    return registry.find(subject) !== undefined
  } catch {
    return false
  }
}
