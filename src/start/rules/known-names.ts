import { currentOperators } from '../../admin/operators/operator-directory.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { revokerTemplates } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import { countInGroup } from '../../grants/operators/who-can-answer.ts'
import type { LabelSet } from '../../plan/labels.ts'
import { loadLabels } from '../../plan/load-labels.ts'
import type { KnownNames, NameSource } from '../../policy/names/known-names.ts'
import type { Registry } from '../../registry/registry.ts'
import { loadRegistry } from '../../registry/registry-file.ts'

/** The files beside the policies that policies name things of. */
export interface NameFiles {
  /** Tells of roles, operators and trust domains, and where the other files are. */
  readonly config?: Config
  /** Labels, in place of the configuration's. */
  readonly labelsFile?: string
  /** Registrations, in place of the configuration's. */
  readonly registryFile?: string
}

/**
 * Reads the names that exist; kinds without a file are left out.
 *
 * @throws {StintError} LABELS_INVALID, REGISTRY_INVALID
 */
export async function loadKnownNames({ config, ...files }: NameFiles): Promise<KnownNames> {
  const labelsFile = files.labelsFile ?? config?.labels?.file
  const registryFile = files.registryFile ?? config?.registry.file
  return {
    ...(labelsFile !== undefined && labelNames(await loadLabels(labelsFile), labelsFile)),
    ...(labelsFile === undefined && config && { label: { source: 'The configuration (no labels.file)', names: [] } }),
    ...(registryFile !== undefined && registrationNames(await loadRegistry(registryFile), registryFile)),
    ...(config && configuredNames(config)),
  }
}

/** The names of labels. */
export function labelNames({ labels }: LabelSet, source: string): KnownNames {
  return { label: { source, names: labels.map(({ label }) => label) } }
}

/** The names that registrations bring: agents, their teams and owners. */
export function registrationNames(registry: Registry, source: string): KnownNames {
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
export function configuredNames({ roles, admin, identity }: Config): KnownNames {
  const source = 'The configuration'
  const rules = new RoleRules(roles, revokerTemplates(roles))
  return {
    role: { source, names: roles.map(({ arn }) => arn), has: (arn) => rules.find(arn) !== undefined },
    group: { source, names: [...new Set(admin.operators.flatMap(({ groups }) => groups))] },
    trustDomain: {
      source,
      names: [...Object.keys(identity.domains), ...identity.oidc.map(({ alias }) => `oidc:${alias}`)],
    },
  }
}

/** How many of the configuration's operators could answer for a group at an instant. */
export function approverCount({ admin }: Config, now: Date): { countApprovers: (group: string) => number } {
  const rows = admin.operators.map((operator) => ({ operator, expiresAt: operator.expiresAt }))
  const people = currentOperators(rows, now)
  return { countApprovers: (group) => countInGroup(people, group) }
}

/** A text that can be no agent's name is covered by nothing. */
function covers(registry: Registry, subject: string): boolean {
  try {
    return registry.find(subject) !== undefined
  } catch {
    return false
  }
}
