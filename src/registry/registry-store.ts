import { stat } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import { Reloading, type ReloadStatus } from '../core/reloading.ts'
import { parseRegistry, REGISTRY_LIMITS } from './parse-registry.ts'
import type { Registration } from './registration.ts'
import type { Registry } from './registry.ts'

/** Which file is followed, and who hears of a change. */
export interface RegistryStoreOptions {
  /** The YAML file of registrations; may be a link. */
  readonly file: string
  readonly clock: Clock
  /** How often the file is looked at. Default 5 s. */
  readonly pollMs?: number
  /** Called with each registry that comes into force. Must not throw. */
  readonly onLoaded?: (registry: Registry) => void
  /** Called when the file cannot be used, once per version of it. Must not throw. */
  readonly onProblem?: (error: StintError) => void
}

/** Holds the registrations in force and follows their file; a bad version leaves the last good one. */
export class RegistryStore {
  readonly #reloading: Reloading<Registry>

  constructor({ file, clock, pollMs = 5_000, onLoaded, onProblem }: RegistryStoreOptions) {
    this.#reloading = new Reloading({
      load: () => loadRegistry(file),
      fingerprint: () => fingerprintOf(file),
      clock,
      pollMs,
      ...(onLoaded && { onLoaded }),
      ...(onProblem && { onProblem }),
    })
  }

  /** Loads and begins to follow the file. Does not throw for a bad one: see `status`. */
  start(): Promise<void> {
    return this.#reloading.start()
  }

  stop(): Promise<void> {
    return this.#reloading.stop()
  }

  /** @throws {StintError} REGISTRY_INVALID; the last good registrations stay. */
  reload(): Promise<Registry> {
    return this.#reloading.reload()
  }

  /**
   * The registration that covers an agent now.
   *
   * @throws {StintError} AGENT_UNREGISTERED, REGISTRATION_EXPIRED; REGISTRY_INVALID if no registry ever loaded.
   */
  lookup(subject: string, now: Date): Registration {
    return this.current().lookup(subject, now)
  }

  /** @throws {StintError} REGISTRY_INVALID if no registry ever loaded. */
  current(): Registry {
    const { value, problem } = this.#reloading.status
    if (value) return value
    const explanation = 'No registrations have been loaded, so no agent is known; an operator has to mend the file.'
    throw new StintError('REGISTRY_INVALID', { explanation }, problem?.error)
  }

  /** For operators and health checks. */
  get status(): ReloadStatus<Registry> {
    return this.#reloading.status
  }
}

/**
 * Reads and checks a registry file.
 *
 * @throws {StintError} REGISTRY_INVALID
 */
export async function loadRegistry(file: string): Promise<Registry> {
  try {
    const { text } = await readSmallFile(file, { maxBytes: REGISTRY_LIMITS.bytes })
    return parseRegistry(text)
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('REGISTRY_INVALID', { explanation: `The registry file ${file} ${error.message}.` }, error)
  }
}

async function fingerprintOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true }).catch(unreadable(file))
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

function unreadable(file: string) {
  return (cause: unknown): never => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    throw new StintError(
      'REGISTRY_INVALID',
      { explanation: `The registry file ${file} cannot be read (${code}).` },
      cause,
    )
  }
}
