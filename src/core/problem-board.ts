import { asStintError, type ErrorCode } from './errors.ts'

/** What is wrong with a part of the process now, for operators and probes. */
export interface Problem {
  /** e.g. `policy`, `bundle:example.org`, `reconcile`. */
  readonly component: string
  readonly code: ErrorCode
  readonly explanation: string
  readonly since: Date
}

/** Which parts have a problem now. A part reports, and clears its report when it works again. */
export class ProblemBoard {
  readonly #problems = new Map<string, Problem>()

  report(component: string, thrown: unknown, at: Date): void {
    const { code, message } = asStintError(thrown)
    const since = this.#problems.get(component)?.since ?? at
    this.#problems.set(component, { component, code, explanation: message, since })
  }

  clear(component: string): void {
    this.#problems.delete(component)
  }

  /** By component. */
  list(): Problem[] {
    return [...this.#problems.values()].sort((a, b) => (a.component < b.component ? -1 : 1))
  }
}
