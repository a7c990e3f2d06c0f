import { StintError } from '../../core/errors.ts'
import type { Change, ChangeAction } from '../types.ts'

/** A resource as a document names it, before it is cut to what a task carries. */
export interface FoundResource {
  readonly action: ChangeAction
  readonly type: string
  readonly address: string
}

/** The contents of a document. */
export interface FoundChange {
  readonly kind: Change['kind']
  readonly reference?: string
  readonly resources: readonly FoundResource[]
}

/** An object of JSON that somebody else wrote; its keys are its own, whatever they are called. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for an object that is neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The text of a member of an object, if it is one and not empty. */
export function findText(value: unknown, key: string): string | undefined {
  const text = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  return typeof text === 'string' && text !== '' ? text : undefined
}

/** A list of a document. @throws {StintError} CHANGE_INVALID for anything else */
export function requireList(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw malformed(where, 'must be a list')
}

/** The error for a document that is not as its makers describe it. */
export function malformed(where: string, problem: string): StintError {
  return new StintError('CHANGE_INVALID', { explanation: `The file of the change is malformed: ${where} ${problem}.` })
}
