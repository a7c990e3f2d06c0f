import { inspect } from 'node:util'

/** Holds a secret text so that printing, logging or serialising it shows `[redacted]`; `reveal()` is the one way to read it. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The secret itself. Call it at the last moment, and never put the result into an error, a log or an event. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [inspect.custom](): string {
    return '[redacted]'
  }
}
