import type { TableAction } from '../../aws/action-table.ts'
import type { ResourcePattern } from '../../aws/arn.ts'
import { expandActions, findAction } from '../../aws/classify.ts'
import { type ErrorCode, StintError } from '../../core/errors.ts'
import type { Fit } from './check-fit.ts'
import { findNearResource } from './near-resource.ts'

/** An action that would pair if it knew the key of each condition. */
export interface UnknownKey {
  readonly written: string
  readonly action: string
  readonly resource: ResourcePattern
  readonly key: string
  /** The store that does not know the key, if AWS does. */
  readonly store?: string
}

/** The refusal of an action that pairs with none of these resources. */
export function unpairedAction(action: string, fit: Fit, resources: readonly ResourcePattern[]): StintError {
  if (fit === 'mismatch') {
    const explanation = `${action} does not apply to any resource of its entry${describeAccepted(action, resources)}`
    return refusal('ACTION_RESOURCE_MISMATCH', { action }, explanation)
  }
  const why = takesStarOnly(action)
    ? 'applies to "*" only and returns secrets or does more than list or read; name the actions that the task needs, without a wildcard'
    : `would reach all resources of its kind; name the ones that the task needs${describeTemplates(action)}`
  return refusal('RESOURCE_TOO_WIDE', { action }, `${action} ${why}.`)
}

/** The refusal of a resource that pairs with no action. */
export function unpairedResource({ text }: ResourcePattern, fit: Fit): StintError {
  const resource = text.slice(0, 200)
  return fit === 'too_wide'
    ? refusal(
        'RESOURCE_TOO_WIDE',
        { resource },
        `"${resource}" matches all resources of a kind; name the ones that the task needs.`,
      )
    : refusal('ACTION_RESOURCE_MISMATCH', { resource }, `No action of its entry applies to "${resource}".`)
}

/** The refusal of an action because of a condition. */
export function unknownKey({ action, resource, key, store }: UnknownKey): StintError {
  const shown = resource.text.slice(0, 200)
  const explanation =
    store === undefined
      ? `${action} on "${shown}" does not know the condition key ${key}, so it would never be allowed; give it an entry without this condition.`
      : `The store of this role (profile ${store}) does not know the condition key ${key}, so ${action} would never be allowed.`
  return new StintError('CONDITION_MISMATCH', { action, resource: shown, conditionKey: key, explanation })
}

/** The resources that an action applies to, as the end of a sentence; a full stop for a pattern of actions. */
function describeAccepted(written: string, resources: readonly ResourcePattern[]): string {
  if (/[*?]/.test(written)) return '.'
  if (takesStarOnly(written)) return '; it applies to "*" only: give it an entry of its own with the resource "*".'
  const action = findAction(written)
  const near = findNearResource(action, resources)
  return `; it applies to ${listTemplates(action)}${near ? `; did you mean ${near}?` : '.'}`
}

/** The ARN forms that an action takes, in brackets; '' for a pattern of actions. */
function describeTemplates(written: string): string {
  return /[*?]/.test(written) ? '' : ` (${listTemplates(findAction(written))})`
}

function listTemplates({ resourceTypes }: TableAction): string {
  const shown = resourceTypes.slice(0, 4).map(({ template }) => template)
  return `${shown.join(' or ')}${resourceTypes.length > shown.length ? ' or others' : ''}`
}

function takesStarOnly(written: string): boolean {
  return expandActions(written).every((action) => findAction(action).resourceTypes.length === 0)
}

/** An error with an explanation. */
export function refusal(
  code: ErrorCode,
  details: { action?: string; resource?: string },
  explanation: string,
): StintError {
  return new StintError(code, { ...details, explanation })
}

/** The refusal of a task with too many pairs. */
export function tooMany(maxPairs: number): StintError {
  const explanation = `The task has more than ${maxPairs} pairs of action and resource; split it.`
  return new StintError('TASK_INVALID', { maxPairs, explanation })
}
