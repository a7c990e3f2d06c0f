import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseRolePattern } from '../aws/roles/role-pattern.ts'
import { fillTemplate } from '../aws/roles/role-template.ts'
import { openToOthers } from '../core/files/open-to-others.ts'
import { isPathKey } from './load.ts'
import type { RoleSetting } from './role-settings.ts'
import type { Config } from './schema.ts'

/** Settings whose file holds a secret. */
const SECRETS = new Set([
  'privateKeyFile',
  'secretAccessKeyFile',
  'sessionTokenFile',
  'externalIdFile',
  'credentialsFile',
  'passwordFile',
])

/**
 * Files of the configuration that every user of the machine may write, or read although they hold a secret. Whoever can
 * write one of them decides who gets what, so each is worth a word.
 *
 * @returns a sentence for each.
 */
export function filesOpenToOthers(config: Config): string[] {
  const { ledger, roles, ...others } = config
  // The ledger looks after its own file.
  const paths = [...pathsIn(others), ...pathsIn(ledger.postgres), ...roles.flatMap(rolePaths)]
  return [...new Set(paths.flatMap(({ key, path }) => sentences(key, path)))]
}

function sentences(key: string, path: string): string[] {
  const paths = key === 'directory' ? [path, ...filesIn(path)] : [path]
  return paths.flatMap((each) => openToOthers(each, { secret: SECRETS.has(key) }) ?? [])
}

/** The files of a role; of a template, the file of each account. */
function rolePaths(role: RoleSetting): { key: string; path: string }[] {
  const { accounts, partition } = parseRolePattern(role.arn, role.accounts) ?? {}
  return pathsIn(role).flatMap(({ key, path }) => {
    if (!path.includes('{')) return [{ key, path }]
    return [...(accounts ?? [])].map((accountId) => {
      return { key, path: fillTemplate(path, { accountId, partition: partition ?? 'aws' }) }
    })
  })
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    // Whoever has to read the folder reports that it cannot be read.
    return []
  }
}

function pathsIn(value: unknown, key = ''): { key: string; path: string }[] {
  if (typeof value === 'string') return isPathKey(key) ? [{ key, path: value }] : []
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, key))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) => pathsIn(item, name))
}
