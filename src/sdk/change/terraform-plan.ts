import type { ChangeAction } from '../types.ts'
import {
  type FoundChange,
  type FoundResource,
  findText,
  isObject,
  type JsonObject,
  malformed,
  requireList,
} from './json-parts.ts'

/**
 * Every list of actions that a plan can have, and what it comes to. A replacement that keeps the old resource counts as one: the
 * name stands for something else afterwards. The last three are of ephemeral resources, which are only read.
 *
 * @see https://developer.hashicorp.com/terraform/internals/json-format "Change Representation"
 */
const ACTIONS: ReadonlyMap<string, ChangeAction | 'none'> = new Map([
  ['no-op', 'none'],
  ['create', 'create'],
  ['read', 'read'],
  ['update', 'update'],
  ['delete', 'delete'],
  ['delete create', 'replace'],
  ['create delete', 'replace'],
  ['forget', 'forget'],
  ['create forget', 'replace'],
  ['forget create', 'replace'],
  ['open', 'read'],
  ['renew', 'read'],
  ['close', 'read'],
])

/** Minor versions only add members (same page, "Format Summary"); 0.1 and 0.2 are of Terraform before 1.1. */
const READABLE = /^(0\.[12]|1\.\d{1,4})$/

/** Reads the output of `terraform show -json PLAN`; OpenTofu writes the same. @throws {StintError} CHANGE_INVALID */
export function readTerraformPlan(document: JsonObject): FoundChange {
  const version = document.format_version
  if (typeof version !== 'string' || !READABLE.test(version)) {
    throw malformed('format_version', 'must be 1 and a minor version, such as 1.2: this file is of another format')
  }
  if (document.errored === true) throw malformed('errored', 'is true: the plan failed, and cannot be applied')
  if (!('resource_changes' in document) && !('planned_values' in document)) {
    throw malformed(
      'resource_changes',
      'is missing: this is a state; give the output of terraform show -json with a saved plan',
    )
  }
  const changes = requireList(document.resource_changes ?? [], 'resource_changes')
  const deferred = requireList(document.deferred_changes ?? [], 'deferred_changes')
  return {
    kind: 'terraform_plan',
    resources: [
      ...changes.flatMap((change, index) => readResource(change, `resource_changes[${index}]`) ?? []),
      ...deferred.flatMap((one, index) => readDeferred(one, `deferred_changes[${index}]`)),
    ],
  }
}

function readResource(value: unknown, where: string): FoundResource | undefined {
  const change = isObject(value) ? value.change : undefined
  if (!isObject(change)) throw malformed(`${where}.change`, 'must be an object')
  const names = requireList(change.actions, `${where}.change.actions`)
  const known = names.every((name) => typeof name === 'string') ? ACTIONS.get(names.join(' ')) : undefined
  const imported = known === 'none' && isObject(change.importing) ? 'import' : known
  if (imported === 'none') return undefined
  return { action: imported ?? 'unknown', ...nameResource(value, where) }
}

/** A change that Terraform puts off until a later plan: nobody knows yet what it will be. */
function readDeferred(value: unknown, where: string): FoundResource {
  const change = isObject(value) ? value.resource_change : undefined
  return { action: 'unknown', ...nameResource(change, `${where}.resource_change`) }
}

function nameResource(value: unknown, where: string): Pick<FoundResource, 'type' | 'address'> {
  const [type, address, deposed] = [findText(value, 'type'), findText(value, 'address'), findText(value, 'deposed')]
  if (type === undefined || address === undefined) throw malformed(where, 'must have a type and an address')
  return { type, address: deposed === undefined ? address : `${address} (deposed ${deposed})` }
}
