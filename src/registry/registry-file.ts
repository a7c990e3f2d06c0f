import { StintError } from '../core/errors.ts'
import { fileFingerprint } from '../core/files/file-fingerprint.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import { Reloading, type ReloadingOptions } from '../core/files/reloading.ts'
import { parseRegistry, REGISTRY_LIMITS } from './parse-registry.ts'
import type { Registry } from './registry.ts'

/** The file to follow, and the listeners of its changes. */
export interface FollowRegistryOptions extends Pick<ReloadingOptions<Registry>, 'clock' | 'onLoaded' | 'onState'> {
  /** The YAML file of registrations; may be a link. */
  readonly file: string
  /** How often the file is looked at. Default 5 s. */
  readonly pollMs?: number
}

/** The registrations in force, not loaded yet; `current` throws REGISTRY_INVALID while none ever loaded. */
export function followRegistry({ file, pollMs = 5_000, ...options }: FollowRegistryOptions): Reloading<Registry> {
  return new Reloading({
    ...options,
    pollMs,
    load: () => loadRegistry(file),
    fingerprint: () => fileFingerprint(file),
    missing: {
      code: 'REGISTRY_INVALID',
      explanation: 'No registrations have been loaded, so no agent is known; an operator must fix the file.',
    },
  })
}

/**
 * Reads and checks a registry file.
 *
 * @throws {StintError} REGISTRY_INVALID
 */
export async function loadRegistry(file: string): Promise<Registry> {
  try {
    const { text } = await readSmallFile(file, { maxBytes: REGISTRY_LIMITS.bytes })
    return parseRegistry(text, file)
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('REGISTRY_INVALID', { explanation: `The registry file ${file} ${error.message}.` }, error)
  }
}
