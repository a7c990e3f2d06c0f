import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { Reloading } from '../core/reloading.ts'
import { loadPolicySet, POLICY_SUFFIX } from './load-policy-set.ts'
import { fingerprintOf } from './policy-files.ts'
import type { PolicyProblem, PolicySet } from './policy-set.ts'

/** Which directory is followed, and who hears of a change. */
export interface PolicyStoreOptions {
  readonly directory: string
  readonly clock: Clock
  /** How often the directory is looked at. Default 5 s. */
  readonly pollMs?: number
  /** Called with each set that comes into force. Must not throw. */
  readonly onLoaded?: (set: PolicySet) => void
  /** Called when the directory cannot be used, once per version of it. Must not throw. */
  readonly onProblem?: (error: StintError) => void
}

/** For operators and health checks. */
export interface PolicyStatus {
  /** Hash of the set in force; absent if none ever loaded. */
  readonly hash?: string
  readonly loadedAt?: Date
  readonly policies: number
  readonly warnings: readonly PolicyProblem[]
  /** Set while the directory holds something that cannot be used and an older set, if any, is in force. */
  readonly problem?: { readonly error: StintError; readonly since: Date }
}

/** Holds the policy set in force and follows its directory; a bad version leaves the last good one. */
export class PolicyStore {
  readonly #reloading: Reloading<PolicySet>

  constructor({ directory, clock, pollMs = 5_000, onLoaded, onProblem }: PolicyStoreOptions) {
    this.#reloading = new Reloading({
      load: () => loadPolicySet(directory),
      fingerprint: () => fingerprintOf(directory, POLICY_SUFFIX),
      clock,
      pollMs,
      ...(onLoaded && { onLoaded }),
      ...(onProblem && { onProblem }),
    })
  }

  /** Loads and begins to follow the directory. Does not throw for a bad one: see `status`. */
  start(): Promise<void> {
    return this.#reloading.start()
  }

  stop(): Promise<void> {
    return this.#reloading.stop()
  }

  /** @throws {StintError} POLICY_INVALID; the last good set stays. */
  reload(): Promise<PolicySet> {
    return this.#reloading.reload()
  }

  /**
   * The set in force. Read it once per operation.
   *
   * @throws {StintError} POLICY_UNAVAILABLE if none ever loaded.
   */
  current(): PolicySet {
    const { value, problem } = this.#reloading.status
    if (value) return value
    const explanation = 'No policy set has been loaded, so nothing can be permitted; an operator has to mend it.'
    throw new StintError('POLICY_UNAVAILABLE', { explanation }, problem?.error)
  }

  get status(): PolicyStatus {
    const { value, loadedAt, problem } = this.#reloading.status
    return {
      ...(value && { hash: value.hash }),
      ...(loadedAt && { loadedAt }),
      policies: value?.policies.length ?? 0,
      warnings: value?.warnings ?? [],
      ...(problem && { problem }),
    }
  }
}
