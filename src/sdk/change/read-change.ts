import { createHash } from 'node:crypto'
import { StintError } from '../../core/errors.ts'
import type { Change } from '../types.ts'
import { readChangeSet } from './change-set.ts'
import { isObject } from './json-parts.ts'
import { summarise } from './summarise.ts'
import { readTerraformPlan } from './terraform-plan.ts'

/** Bytes of a file that a change is read from. */
export const MAX_CHANGE_BYTES = 32 * 1024 * 1024

/**
 * Reads what a command would change, for `Task.change`: from the output of `terraform show -json PLAN` or of
 * `aws cloudformation describe-change-set`. What leaves this function are names, types and actions of resources, never their
 * values.
 *
 * @param bytes the file, which is known by its SHA-256 from now on.
 * @param artifact the file that the command applies, if that is another one: the saved plan that `terraform apply` takes.
 * @throws {StintError} CHANGE_INVALID
 */
export function readChange(bytes: Uint8Array, artifact?: Uint8Array): Change {
  if (bytes.byteLength > MAX_CHANGE_BYTES) {
    throw refused(`has ${bytes.byteLength} bytes; the limit is ${MAX_CHANGE_BYTES}`)
  }
  const { kind, reference, resources } = readDocument(parse(bytes))
  return {
    kind,
    sha256: digestFile(bytes),
    ...(artifact && { artifactSha256: digestFile(artifact) }),
    ...(reference !== undefined && { reference }),
    ...summarise(resources),
  }
}

/** Lower-case hex SHA-256 of a file. */
export function digestFile(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    // The message of the parser quotes the text, which may hold secrets.
    throw refused('is not JSON', error instanceof SyntaxError ? undefined : error)
  }
}

function readDocument(document: unknown) {
  if (isObject(document) && 'format_version' in document) return readTerraformPlan(document)
  if (isObject(document) && 'Changes' in document) return readChangeSet(document)
  throw refused(
    'must be the output of terraform show -json PLAN or of aws cloudformation describe-change-set; it has neither format_version nor Changes',
  )
}

function refused(problem: string, cause?: unknown): StintError {
  return new StintError('CHANGE_INVALID', { explanation: `The file of the change ${problem}.` }, cause)
}
