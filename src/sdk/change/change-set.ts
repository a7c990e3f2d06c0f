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
 * Reads the output of `aws cloudformation describe-change-set`.
 *
 * @see AWS CloudFormation API Reference, "DescribeChangeSet" and "ResourceChange"
 * @throws {StintError} CHANGE_INVALID
 */
export function readChangeSet(document: JsonObject): FoundChange {
  if (findText(document, 'NextToken') !== undefined) {
    throw malformed('NextToken', 'is there: the file has only a part of the change set; describe it whole')
  }
  const status = findText(document, 'Status')
  if (status !== undefined && status !== 'CREATE_COMPLETE') {
    throw malformed('Status', 'must be CREATE_COMPLETE: describe the change set once it has been created')
  }
  const reference = findText(document, 'ChangeSetId') ?? findText(document, 'ChangeSetName')
  return {
    kind: 'cloudformation_change_set',
    ...(reference !== undefined && { reference }),
    resources: requireList(document.Changes, 'Changes').flatMap(
      (one, index) => readChange(one, `Changes[${index}]`) ?? [],
    ),
  }
}

function readChange(value: unknown, where: string): FoundResource | undefined {
  const change = isObject(value) ? value.ResourceChange : undefined
  const [type, name] = [findText(change, 'ResourceType'), findText(change, 'LogicalResourceId')]
  if (!isObject(change) || type === undefined || name === undefined) {
    throw malformed(`${where}.ResourceChange`, 'must have a ResourceType and a LogicalResourceId')
  }
  // "resource will not be changed, only CloudFormation metadata will change"
  if (change.Action === 'SyncWithActual') return undefined
  const physical = findText(change, 'PhysicalResourceId')
  return { action: toAction(change), type, address: physical === undefined ? name : `${name} (${physical})` }
}

function toAction(change: JsonObject): ChangeAction {
  // A nested stack: what happens inside it is in a change set of its own.
  if (findText(change, 'ChangeSetId') !== undefined) return 'unknown'
  const kept = findText(change, 'PolicyAction') === 'Retain'
  switch (change.Action) {
    case 'Add':
      return 'create'
    case 'Remove':
      return kept ? 'forget' : 'delete'
    case 'Import':
      return 'import'
    case 'Modify':
      return toModification(findText(change, 'Replacement'))
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
