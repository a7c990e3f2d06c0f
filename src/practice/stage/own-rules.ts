import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseRolePattern } from '../../aws/roles/role-pattern.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { loadConfig } from '../../config/load.ts'
import { ownRoleTemplates, type RoleSetting } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import { isOidcSubject } from '../../identity/oidc/subject.ts'
import { parseSpiffeId } from '../../identity/spiffe-id.ts'
import type { Task } from '../../plan/task.ts'
import { loadPolicySet } from '../../policy/policy-directory.ts'
import { loadTaskFile } from '../../policy/testing/task-file.ts'
import type { Registration } from '../../registry/registration.ts'
import { loadRegistry } from '../../registry/registry-file.ts'
import { loadLabels } from '../../start/rules/load-labels.ts'

/** The user's own files, which take the place of the stage's; paths from the working directory. */
export interface OwnFiles {
  /** A config file, or a folder with a stint.yaml and perhaps a folder of tasks. */
  readonly config?: string
  readonly policies?: string
  readonly labels?: string
  readonly registry?: string
  /** Task files, or folders of them. */
  readonly tasks?: readonly string[]
}

/** An agent that the stage gives an identity. */
export interface OwnAgent {
  /** The name in its registration. */
  readonly name: string
  readonly trustDomain: string
  /** The path of its SPIFFE ID; under a prefix, an example. */
  readonly path: string
}

/** The user's own rules, checked, and what a stage needs to run them. */
export interface OwnRules {
  readonly config?: Config
  readonly policies?: string
  readonly labels?: string
  readonly registry?: string
  readonly tasks: readonly { readonly file: string; readonly task: Task }[]
  readonly agents: readonly OwnAgent[]
  /** Groups that approvals name. */
  readonly groups: readonly string[]
  /** Rules for roles besides the stage's. */
  readonly roles: readonly RoleSetting[]
  /** Roles that have to exist. */
  readonly roleArns: readonly string[]
  /** The files in use, as text for people. */
  readonly summary: readonly string[]
}

/** The most agents that get an identity. */
const MAX_AGENTS = 100
/** The most roles that are made, those that tasks name first. */
const MAX_ROLES = 500
/** The last part of a name, in an example of a pattern that ends in a wildcard. */
const EXAMPLE = 'example'

/**
 * Reads and checks rules as a broker would load them.
 *
 * @throws {StintError} CONFIG_INVALID, POLICY_INVALID, LABELS_INVALID, REGISTRY_INVALID, TASK_INVALID, with file and line
 */
export async function readOwnRules(given: OwnFiles): Promise<OwnRules> {
  const files = await findFiles(given)
  const config = files.config === undefined ? undefined : loadConfig({ file: files.config, env: {} })
  const policies = absolute(files.policies) ?? config?.policy.directory
  const labels = absolute(files.labels) ?? config?.labels?.file
  const registry = absolute(files.registry) ?? config?.registry.file
  const set = policies === undefined ? undefined : await loadPolicySet(policies)
  const labelSet = labels === undefined ? undefined : await loadLabels(labels)
  const registrations = registry === undefined ? [] : (await loadRegistry(registry)).registrations
  const tasks = await Promise.all(files.tasks.map(async (file) => ({ file, task: await loadTaskFile(file) })))
  const roles = toRoles(config, tasks)
  return {
    ...(config && { config }),
    ...(policies !== undefined && { policies }),
    ...(labels !== undefined && { labels }),
    ...(registry !== undefined && { registry }),
    tasks,
    agents: registrations.flatMap((one) => toAgent(one) ?? []).slice(0, MAX_AGENTS),
    groups: [...new Set(set?.policies.flatMap(({ approvalBy = [] }) => approvalBy.map(({ group }) => group)))],
    roles,
    roleArns: [...new Set([...tasks.map(({ task }) => task.roleArn), ...roles.flatMap(spelledRoles)])].slice(
      0,
      MAX_ROLES,
    ),
    summary: [
      ...(files.config === undefined ? [] : [`configuration: ${files.config} (its roles, rules and limits)`]),
      `policies:      ${policies === undefined ? PRACTICE : `${policies} (${set?.policies.length})`}`,
      `labels:        ${labels === undefined ? PRACTICE : `${labels} (${labelSet?.labels.length})`}`,
      `registrations: ${registry === undefined ? PRACTICE : `${registry} (${registrations.length})`}`,
      ...(tasks.length > 0 ? [`tasks:         ${tasks.length}, whose roles and buckets exist`] : []),
    ],
  }
}

const PRACTICE = 'the practice ones'

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path)
}

async function findFiles({ config, tasks = [], ...files }: OwnFiles) {
  const folder = config !== undefined && (await isFolder(config)) ? config : undefined
  const listed = tasks.length === 0 && folder !== undefined ? [join(folder, 'tasks')] : tasks
  const found = await Promise.all(listed.map((path) => taskFilesIn(path, tasks.length === 0)))
  return {
    ...files,
    ...(config !== undefined && { config: resolve(folder === undefined ? config : join(folder, 'stint.yaml')) }),
    tasks: found.flat(),
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/**
 * Lists the task files of a folder, sorted by name; a path that is no folder is itself the one file.
 *
 * @param mayLack the user did not name the folder, so it need not exist.
 */
async function taskFilesIn(path: string, mayLack: boolean): Promise<string[]> {
  if (!(await isFolder(path))) return mayLack ? [] : [resolve(path)]
  const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
  return names.sort().map((name) => resolve(path, name))
}

/** The roles of the configuration, or without a configuration those that tasks name. External ids are left out: the practice cloud asks for none. */
function toRoles(config: Config | undefined, tasks: OwnRules['tasks']): RoleSetting[] {
  if (!config) return [...new Set(tasks.map(({ task }) => task.roleArn))].map(practiceRole)
  const rules = new RoleRules(config.roles, ownRoleTemplates(config.roles))
  const unserved = tasks.find(({ task }) => !rules.find(task.roleArn))
  if (unserved) {
    const explanation = `${unserved.file}: roleArn ${unserved.task.roleArn} is served by none of the roles of the configuration.`
    throw new StintError('TASK_INVALID', { explanation })
  }
  return config.roles.map(({ externalIdFile: _, ...role }) => ({
    ...role,
    revocation: withoutExternalId(role.revocation),
  }))
}

function withoutExternalId(revocation: RoleSetting['revocation']): RoleSetting['revocation'] {
  if (revocation.kind === 'none') return revocation
  const revoker = revocation.revoker && { roleArn: revocation.revoker.roleArn }
  if (revocation.kind === 'inline') return { ...revocation, revoker }
  const canary = revocation.canary && { roleArn: revocation.canary.roleArn }
  return { ...revocation, revoker, canary }
}

function practiceRole(arn: string): RoleSetting {
  return {
    arn,
    allowWildcard: false,
    allowWildcardReads: true,
    tagKeys: [],
    revocation: {
      kind: 'boundary',
      policyArn: 'arn:aws:iam::{account}:policy/stint-practice-boundary',
      revoker: { roleArn: 'arn:aws:iam::{account}:role/stint-practice-revoker' },
    },
  }
}

function spelledRoles({ arn, accounts }: RoleSetting): readonly string[] {
  return parseRolePattern(arn, accounts)?.spelled ?? []
}

/** Undefined for an agent of an OIDC issuer: the stage can issue SVIDs only. */
function toAgent({ name, match }: Registration): OwnAgent | undefined {
  if (isOidcSubject(match)) return undefined
  const { trustDomain, path } = parseSpiffeId(match.endsWith('/*') ? `${match.slice(0, -1)}${EXAMPLE}` : match)
  return { name, trustDomain, path }
}
