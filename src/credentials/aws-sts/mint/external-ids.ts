import type { Clock } from '../../../core/clock.ts'
import { asStintError, StintError } from '../../../core/errors.ts'
import type { Secret } from '../../../core/secret.ts'
import { checkExternalId } from './session-request.ts'

/** An external id, or a reader of where it is kept. */
export type ExternalIdSource = Secret | (() => Promise<Secret>)

/** How long what was read counts: a rotated external id is in use after this time, with nothing restarted. */
const MAX_AGE_MS = 10_000

interface Known {
  value: Secret
  readAtMs: number
}

/** The external ids of the roles, followed where they are kept. One that cannot be read any more stays as it was. */
export class ExternalIds {
  readonly #sources: ReadonlyMap<string, ExternalIdSource>
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()
  readonly #onProblem: (roleArn: string, error: StintError | undefined) => void

  /**
   * @param options.sources by role ARN.
   * @param options.onProblem told after each reading: the error, or undefined when it went well.
   * @throws {StintError} CONFIG_INVALID for a text that cannot be an external id.
   */
  constructor(options: {
    readonly sources: ReadonlyMap<string, ExternalIdSource>
    readonly clock: Clock
    readonly onProblem?: (roleArn: string, error: StintError | undefined) => void
  }) {
    this.#sources = options.sources
    this.#clock = options.clock
    this.#onProblem = options.onProblem ?? (() => undefined)
    for (const [roleArn, source] of options.sources) if (typeof source !== 'function') checkExternalId(roleArn, source)
  }

  /**
   * Undefined for a role that has none.
   *
   * @throws {StintError} PROVIDER_UNAVAILABLE with `details.outcome` 'not_minted' where none has been read yet.
   */
  async read(roleArn: string): Promise<Secret | undefined> {
    const source = this.#sources.get(roleArn)
    if (typeof source !== 'function') return source
    const known = this.#known.get(roleArn)
    const nowMs = this.#clock.monotonicMs()
    if (known && nowMs - known.readAtMs < MAX_AGE_MS) return known.value
    // Those who come meanwhile go on with what is known.
    if (known) known.readAtMs = nowMs
    try {
      const value = await source()
      checkExternalId(roleArn, value)
      this.#known.set(roleArn, { value, readAtMs: nowMs })
      this.#onProblem(roleArn, undefined)
      return value
    } catch (thrown) {
      this.#onProblem(roleArn, asStintError(thrown))
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
