import type { Config } from '../../config/schema.ts'
import { asStintError, StintError } from '../../core/errors.ts'

/** Puts prepared settings into force. It must neither wait nor throw: all parts change in one go, or none does. */
export type ApplySettings = () => void

/**
 * Makes everything that a part needs to work by a configuration, and changes nothing yet.
 *
 * @throws {StintError} what is wrong with the configuration; then it comes into force in no part.
 */
export type PrepareSettings = (next: Config) => Promise<ApplySettings> | ApplySettings

/** The configuration in force, and the parts that take another one while they run. */
export class LiveConfig {
  readonly #parts: { readonly name: string; readonly prepare: PrepareSettings }[] = []
  #current: Config

  constructor(first: Config) {
    this.#current = first
  }

  /** The configuration in force. Settings that wait for a restart have their values of the start. */
  current(): Config {
    return this.#current
  }

  /** From now on a changed configuration comes into force only if this part can take it. */
  follow(name: string, prepare: PrepareSettings): void {
    this.#parts.push({ name, prepare })
  }

  /**
   * Has every part prepare for a configuration.
   *
   * @returns puts it into force in all of them at once.
   * @throws {StintError} CONFIG_INVALID with the problems of all parts
   */
  async prepare(next: Config): Promise<ApplySettings> {
    const prepared = await Promise.allSettled(this.#parts.map(async ({ prepare }) => prepare(next)))
    const failures = prepared.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    if (failures.length > 0) throw toOneError(failures)
    const applies = prepared.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    return () => {
      for (const apply of applies) apply()
      this.#current = next
    }
  }
}

function toOneError(failures: readonly unknown[]): StintError {
  const [first, ...more] = failures.map(asStintError)
  if (first && more.length === 0) return first
  const explanation = failures.map((failure) => asStintError(failure).message).join('\n')
  return new StintError('CONFIG_INVALID', { explanation }, new AggregateError(failures))
}
