import { open } from 'node:fs/promises'
import { StintError } from '../core/errors.ts'
import { digestFile, MAX_CHANGE_BYTES, readChange } from '../sdk/change/read-change.ts'
import type { Change } from '../sdk/types.ts'
import { UsageError } from './command.ts'

/** The parsed `--change` and `--change-artifact`. */
export interface ChangeFlags {
  readonly change?: string
  readonly changeArtifact?: string
}

/** A saved Terraform plan has the configuration and the state in it. */
const MAX_ARTIFACT_BYTES = 128 * 1024 * 1024

/**
 * Reads the change that the flags name.
 *
 * @throws {UsageError} for a file that cannot be used. @throws {StintError} CHANGE_INVALID
 */
export async function readChangeFlags({ change, changeArtifact }: ChangeFlags): Promise<Change | undefined> {
  if (change === undefined) {
    if (changeArtifact === undefined) return undefined
    throw new UsageError('--change-artifact needs --change: the file that says what the artifact changes.')
  }
  const bytes = await readBytes(change, '--change', MAX_CHANGE_BYTES)
  if (changeArtifact === undefined) return readChange(bytes)
  return readChange(bytes, await readBytes(changeArtifact, '--change-artifact', MAX_ARTIFACT_BYTES))
}

/**
 * The file that the command is to apply, read again, provided that all files are still the ones that were asked for.
 *
 * @throws {StintError} CHANGE_DIFFERS
 */
export async function readApprovedFile(
  { change: file = '', changeArtifact }: ChangeFlags,
  approved: Change,
): Promise<Uint8Array> {
  const bytes = await readBytes(file, '--change', MAX_CHANGE_BYTES)
  checkDigest(bytes, approved.sha256, file)
  if (changeArtifact === undefined || approved.artifactSha256 === undefined) return bytes
  const artifact = await readBytes(changeArtifact, '--change-artifact', MAX_ARTIFACT_BYTES)
  checkDigest(artifact, approved.artifactSha256, changeArtifact)
  return artifact
}

function checkDigest(bytes: Uint8Array, approved: string, file: string): void {
  const found = digestFile(bytes)
  if (found === approved) return
  throw new StintError('CHANGE_DIFFERS', {
    explanation: `${file} is not the file that was asked for any more, so the command was not started. Its SHA-256 is ${found}, and ${approved} was asked for. Ask anew with the file as it is now.`,
    approved,
    found,
  })
}

/** Plain files only: what was read once must be there to be read again. */
async function readBytes(file: string, flag: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`The file ${file} of ${flag} cannot be read (${error.code ?? 'unknown error'}).`)
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new UsageError(`The file ${file} of ${flag} must be a plain file.`)
    if (stats.size > maxBytes) {
      throw new UsageError(`The file ${file} of ${flag} must have at most ${maxBytes} bytes (got ${stats.size}).`)
    }
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
