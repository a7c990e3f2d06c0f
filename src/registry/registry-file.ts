import { fileFingerprint } from '../core/files/file-fingerprint.ts'
import { readTextFile } from '../core/files/read-text-file.ts'
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
  const text = await readTextFile(file, 'REGISTRY_INVALID', { what: 'registry file', maxBytes: REGISTRY_LIMITS.bytes })
  return parseRegistry(text, file)
}
