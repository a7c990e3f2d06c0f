/**
 * A value that IAM has accepted at once and enforces later. Writers and readers of IAM see `latest`; authorization
 * sees `at(now)`. No timer is involved, so a manual clock moves it.
 */
export class Timeline<T> {
  #entries: { readonly fromMs: number; readonly value: T }[]

  /** @param fromMs wall-clock milliseconds from which the first value is enforced. */
  constructor(value: T, fromMs: number) {
    this.#entries = [{ fromMs, value }]
  }

  /** The value written last, enforced or not. */
  get latest(): T {
    const last = this.#entries.at(-1)
    if (last === undefined) throw new Error('a timeline always holds a value')
    return last.value
  }

  /** The value enforced at `ms`; undefined before the first value takes effect. */
  at(ms: number): T | undefined {
    return this.#entries.findLast((entry) => entry.fromMs <= ms)?.value
  }

  /** Writes at `nowMs` what will be enforced from `fromMs`; keeps a few superseded values, for questions about the past. */
  set(value: T, nowMs: number, fromMs: number): void {
    this.#entries.push({ fromMs, value })
    const enforced = this.#entries.findLastIndex((entry) => entry.fromMs <= nowMs)
    if (enforced > KEPT_SUPERSEDED) this.#entries.splice(0, enforced - KEPT_SUPERSEDED)
  }
}

const KEPT_SUPERSEDED = 16
