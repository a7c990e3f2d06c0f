import type { RolePlace } from '../../../aws/roles/role-template.ts'
import type { Clock } from '../../../core/clock.ts'
import { asStintError, StintError } from '../../../core/errors.ts'
import { BoundedMap } from '../../../core/limits/bounded-map.ts'
import type { Secret } from '../../../core/secret.ts'
import { checkExternalId } from './session-request.ts'

/** An external id, or a reader of where the one of a role's account is kept. */
export type ExternalIdSource = Secret | ((place: RolePlace) => Promise<Secret>)

/** The external id of one role. */
export interface RoleExternalId {
  readonly source: ExternalIdSource
  readonly place: RolePlace
  /** The operator has named the role, so that a problem of its external id concerns him; else an agent may have made it up. */
  readonly isListed: boolean
}

/** An external id is read again after this time, so a rotated one is in use by then without a restart. */
const MAX_AGE_MS = 10_000
/** Roles whose external ids are remembered. */
const MAX_KNOWN = 20_000

interface Known {
  value: Secret
  readAtMs: number
}

/** The external ids of the roles, followed where they are kept. One that cannot be read any more stays as it was. */
export class ExternalIds {
  readonly #find: (roleArn: string) => RoleExternalId | undefined
  readonly #clock: Clock
  readonly #known = new BoundedMap<Known>({ limit: MAX_KNOWN })
  readonly #onProblem: (roleArn: string, error: StintError | undefined) => void

  /**
   * @param options.find of a role that has one.
   * @param options.onProblem told after each reading: the error, or undefined when it went well.
   */
  constructor(options: {
    readonly find: (roleArn: string) => RoleExternalId | undefined
    readonly clock: Clock
    readonly onProblem?: (roleArn: string, error: StintError | undefined) => void
  }) {
    this.#find = options.find
    this.#clock = options.clock
    this.#onProblem = options.onProblem ?? (() => undefined)
  }

  /** They may be kept elsewhere from now on. */
  forget(): void {
    this.#known.clear()
  }

  /**
   * Undefined for a role that has none.
   *
   * @param found where that of the role is kept; default as `find` says.
   * @throws {StintError} PROVIDER_UNAVAILABLE with `details.outcome` 'not_minted' where none has been read yet.
   */
  async read(roleArn: string, found = this.#find(roleArn)): Promise<Secret | undefined> {
    if (!found) return undefined
    const { source, place, isListed } = found
    if (typeof source !== 'function') return source
    const known = this.#known.get(roleArn)
    const nowMs = this.#clock.monotonicMs()
    if (known && nowMs - known.readAtMs < MAX_AGE_MS) return known.value
    // Those who come meanwhile go on with what is known.
    if (known) known.readAtMs = nowMs
    try {
      const value = await source(place)
      checkExternalId(roleArn, value)
      this.#known.set(roleArn, { value, readAtMs: nowMs })
      this.#onProblem(roleArn, undefined)
      return value
    } catch (thrown) {
      if (known || isListed) this.#onProblem(roleArn, asStintError(thrown))
      if (known) return known.value
      throw unavailable(roleArn, thrown)
    }
  }
}

function unavailable(roleArn: string, cause: unknown): StintError {
  const explanation = "The role's external id file is unreadable; an operator must fix it. The status says why."
  return new StintError(
    'PROVIDER_UNAVAILABLE',
    { explanation, provider: 'aws-sts', roleArn, outcome: 'not_minted' },
    cause,
  )
}
