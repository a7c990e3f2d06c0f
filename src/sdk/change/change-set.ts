import type { ChangeAction } from '../types.ts'
import {
  type FoundChange,
  type FoundResource,
  isObject,
  type JsonObject,
  listOf,
  malformed,
  textOf,
} from './json-parts.ts'

/**
 * Reads the output of `aws cloudformation describe-change-set`.
 *
 * @see AWS CloudFormation API Reference, "DescribeChangeSet" and "ResourceChange"
 * @throws {StintError} CHANGE_INVALID
 */
export function readChangeSet(document: JsonObject): FoundChange {
  if (textOf(document, 'NextToken') !== undefined) {
    throw malformed('NextToken', 'is there: the file has only a part of the change set; describe it whole')
  }
  const status = textOf(document, 'Status')
  if (status !== undefined && status !== 'CREATE_COMPLETE') {
    throw malformed('Status', 'must be CREATE_COMPLETE: describe the change set once it has been created')
  }
  const reference = textOf(document, 'ChangeSetId') ?? textOf(document, 'ChangeSetName')
  return {
    kind: 'cloudformation_change_set',
    ...(reference !== undefined && { reference }),
    resources: listOf(document.Changes, 'Changes').flatMap((one, index) => readChange(one, `Changes[${index}]`) ?? []),
  }
}

function readChange(value: unknown, where: string): FoundResource | undefined {
  const change = isObject(value) ? value.ResourceChange : undefined
  const [type, name] = [textOf(change, 'ResourceType'), textOf(change, 'LogicalResourceId')]
  if (!isObject(change) || type === undefined || name === undefined) {
    throw malformed(`${where}.ResourceChange`, 'must have a ResourceType and a LogicalResourceId')
  }
  // "resource will not be changed, only CloudFormation metadata will change"
  if (change.Action === 'SyncWithActual') return undefined
  const physical = textOf(change, 'PhysicalResourceId')
  return { action: toAction(change), type, address: physical === undefined ? name : `${name} (${physical})` }
}

function toAction(change: JsonObject): ChangeAction {
  // A nested stack: what happens inside it is in a change set of its own.
  if (textOf(change, 'ChangeSetId') !== undefined) return 'unknown'
  const kept = textOf(change, 'PolicyAction') === 'Retain'
  switch (change.Action) {
    case 'Add':
      return 'create'
    case 'Remove':
      return kept ? 'forget' : 'delete'
    case 'Import':
      return 'import'
    case 'Modify':
      return toModification(textOf(change, 'Replacement'))
    default:
      // `Dynamic`: "CloudFormation can't determine" it; and whatever a later version has.
      return 'unknown'
  }
}

function toModification(replacement: string | undefined): ChangeAction {
  if (replacement === 'True') return 'replace'
  if (replacement === 'Conditional') return 'may_replace'
  return replacement === 'False' || replacement === undefined ? 'update' : 'unknown'
}
