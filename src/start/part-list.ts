import type { Part } from './part.ts'
import type { RunningParts } from './running-parts.ts'

type StartAll<Base, Values> = (base: Base, running: RunningParts) => Promise<Values>

/**
 * Parts in the order in which they start; they stop in the reverse one.
 *
 * @typeParam Base what every part may use
 * @typeParam Values that, and the value of each part by its name
 */
export class PartList<Base extends object, Values extends object> {
  readonly #startAll: StartAll<Base, Values>

  private constructor(startAll: StartAll<Base, Values>) {
    this.#startAll = startAll
  }

  /** A list without parts. */
  static empty<Base extends object>(): PartList<Base, Base> {
    return new PartList(async (base) => base)
  }

  /** Adds a part to the end. It does not compile when the list has not all that the part needs, or has its name already. */
  add<Name extends string, Value>(
    part: Part<Name, Values, Value> & { readonly name: Exclude<Name, keyof Values> },
  ): PartList<Base, Values & Readonly<Record<Name, Value>>> {
    return new PartList(async (base: Base, running) => {
      const before = await this.#startAll(base, running)
      const value = await running.start(part, before)
      return { ...before, ...named<Name, Value>(part.name, value) }
    })
  }

  /**
   * Starts all parts, one after the other, and gives their values. If one cannot start, those before it are stopped.
   *
   * @throws what the start of a part throws
   */
  async start(base: Base, running: RunningParts): Promise<Values> {
    try {
      const values = await this.#startAll(base, running)
      running.completed()
      return values
    } catch (error) {
      // Failures of the stops are in the log; the caller must hear why the broker does not start.
      await running.stop().catch(() => undefined)
      throw error
    }
  }
}

function named<Name extends string, Value>(name: Name, value: Value): Readonly<Record<Name, Value>> {
  // TypeScript takes a computed key for any string.
  return { [name]: value } as Record<Name, Value>
}
