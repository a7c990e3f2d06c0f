import type { Clock } from '../clock.ts'
import { asStintError, type ErrorCode, type StintError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type Finding, type Problem, ProblemBoard } from './problem-board.ts'

interface Streak {
  /** Error codes that have been logged in this streak. */
  readonly codes: Set<ErrorCode>
  readonly since: Date
  /** Failures since the last line. */
  unsaid: number
  loggedAtMs: number
  waitMs: number
  /** Set while the part works again. */
  wellAtMs?: number
  /** True if the last line said that the part works again. */
  saidWell: boolean
}

/** A finding, with its level in the log. Default `warn`. */
export type PartFinding = Finding & { readonly level?: 'error' | 'warn' }

const FIRST_WAIT_MS = 60_000
const LONGEST_WAIT_MS = 3_600_000

/**
 * Says how the parts of the process are: on the board at once and always, in the log once, then at intervals that grow from a
 * minute to an hour. A part that fails many times a second, or by turns fails and works, does not fill the log. The board is
 * its own, so that nothing reaches the status past the log.
 */
export class PartHealth {
  readonly #board = new ProblemBoard()
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #streaks = new Map<string, Streak>()
  /** By component: the findings of now, by what they say. */
  readonly #said = new Map<string, ReadonlyMap<string, PartFinding>>()

  constructor({ logger, clock }: { logger: Logger; clock: Clock }) {
    this.#logger = logger
    this.#clock = clock
  }

  /** Everything that is wrong or found now. */
  problems(): readonly Problem[] {
    return this.#board.list()
  }

  /** Says what is wrong with a component now; undefined: it works. */
  report(component: string, problem: StintError | undefined): void {
    if (problem) this.failed(component, problem)
    else this.well(component)
  }

  /** @param about goes into the log line beside the error */
  failed(component: string, thrown: unknown, about: Readonly<Record<string, unknown>> = {}): void {
    const [at, nowMs] = [this.#clock.now(), this.#clock.monotonicMs()]
    this.#board.report(component, thrown, at)
    const streak = this.#findStreak(component, at, nowMs)
    delete streak.wellAtMs
    const { code } = asStintError(thrown)
    const again = streak.codes.has(code)
    if (again && nowMs - streak.loggedAtMs < streak.waitMs) {
      streak.unsaid += 1
      return
    }
    if (again) streak.waitMs = Math.min(LONGEST_WAIT_MS, streak.waitMs * 2)
    const repeated = streak.unsaid > 0 ? { since: streak.since, times: streak.unsaid + 1 } : {}
    this.#logger.error({ component, ...about, err: thrown, ...repeated }, 'a part has a problem')
    streak.codes.add(code)
    streak.unsaid = 0
    streak.loggedAtMs = nowMs
    streak.saidWell = false
  }

  well(component: string): void {
    this.#board.clear(component)
    const streak = this.#streaks.get(component)
    if (!streak || streak.wellAtMs !== undefined) return
    streak.wellAtMs = this.#clock.monotonicMs()
    // A part that fails and works by turns says each once until it is due again.
    if (streak.saidWell) return
    streak.saidWell = true
    this.#logger.info({ component, since: streak.since }, 'a part works again')
  }

  /** All findings of a part that works, in the place of those before; each goes into the log when it appears. */
  found(component: string, findings: readonly PartFinding[]): void {
    const shown = findings.map(({ finding, code, explanation }) => ({ finding, code, explanation }))
    this.#board.setFindings(component, shown, this.#clock.now())
    const before = this.#said.get(component)
    const now = new Map(findings.map((found) => [found.explanation, found]))
    this.#said.set(component, now)
    for (const [explanation, { level = 'warn', finding, code }] of now) {
      if (!before?.has(explanation))
        this.#logger[level]({ component, finding, code, explanation }, 'a part has a finding')
    }
  }

  /** A part that has worked for as long as its problem was kept quiet begins anew. */
  #findStreak(component: string, since: Date, nowMs: number): Streak {
    const before = this.#streaks.get(component)
    if (before && (before.wellAtMs === undefined || nowMs - before.wellAtMs < before.waitMs)) return before
    const codes = new Set<ErrorCode>()
    const streak: Streak = { codes, since, unsaid: 0, loggedAtMs: nowMs, waitMs: FIRST_WAIT_MS, saidWell: false }
    this.#streaks.set(component, streak)
    return streak
  }
}
