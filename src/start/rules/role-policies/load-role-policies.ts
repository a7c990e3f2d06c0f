import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readAuthorizationDetails } from '../../../aws/role-policies/authorization-details.ts'
import type { ResourcePolicy, RoleDocuments } from '../../../aws/role-policies/role-documents.ts'
import { StintError } from '../../../core/errors.ts'
import { fileFingerprint } from '../../../core/files/file-fingerprint.ts'
import { readTextFile } from '../../../core/files/read-text-file.ts'

/** The policies of roles as they were read at one time. */
export interface RolePolicies {
  /** By role ARN. */
  readonly roles: ReadonlyMap<string, RoleDocuments>
  readonly resourcePolicies: readonly ResourcePolicy[]
}

/** An account with many roles comes to some megabytes. */
const MAX_FILE_BYTES = 64 * 1_048_576
const MAX_FILES = 1_000

/**
 * Reads every `*.json` of a directory: see `readAuthorizationDetails` for their shape. A file that does not say when it was read was
 * read when it was written.
 *
 * @throws {StintError} ROLE_POLICIES_INVALID, also for a role in two files.
 */
export async function loadRolePolicies(
  directory: string,
  isWanted: (roleArn: string) => boolean,
): Promise<RolePolicies> {
  const roles = new Map<string, RoleDocuments>()
  const resourcePolicies: ResourcePolicy[] = []
  for (const name of await listFiles(directory)) {
    const path = join(directory, name)
    const text = await readTextFile(path, 'ROLE_POLICIES_INVALID', { maxBytes: MAX_FILE_BYTES })
    const { mtime } = await stat(path).catch(unreadable(path))
    const details = parse(name, text, { readAt: mtime, isWanted })
    for (const role of details.roles) {
      if (roles.has(role.roleArn))
        throw invalid(`${name} has the policies of ${role.roleArn}, and so has another file.`)
      roles.set(role.roleArn, role)
    }
    resourcePolicies.push(...details.resourcePolicies)
  }
  return { roles, resourcePolicies }
}

/** A text that changes when any of the files does. @throws {StintError} ROLE_POLICIES_INVALID */
export async function rolePoliciesFingerprint(directory: string): Promise<string> {
  const lines = (await listFiles(directory)).map(async (name) => {
    return `${name} ${await fileFingerprint(join(directory, name)).catch(unreadable(name))}`
  })
  return (await Promise.all(lines)).join('\n')
}

function parse(name: string, text: string, options: Parameters<typeof readAuthorizationDetails>[1]) {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(`${name} is not JSON.`, cause)
  }
  try {
    return readAuthorizationDetails(value, options)
  } catch (error) {
    if (!(error instanceof StintError)) throw error
    throw invalid(`${name} ${error.details.explanation}.`, error)
  }
}

async function listFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(unreadable(directory))
  const wanted = names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort()
  if (wanted.length > MAX_FILES) throw invalid(`The directory has ${wanted.length} files; the limit is ${MAX_FILES}.`)
  return wanted
}

function unreadable(what: string) {
  return (cause: unknown): never => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    throw invalid(`${what} cannot be read (${code}).`, cause)
  }
}

function invalid(explanation: string, cause?: unknown): StintError {
  return new StintError('ROLE_POLICIES_INVALID', { explanation }, cause)
}
