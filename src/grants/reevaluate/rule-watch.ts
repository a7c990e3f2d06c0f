import { StintError } from '../../core/errors.ts'
import type { PartFinding } from '../../core/health/part-health.ts'
import { Backoff } from '../../core/limits/backoff.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { ReevaluateParts } from './end-refused.ts'
import { type PassReport, reevaluateGrants } from './reevaluate-grants.ts'
import type { RuleStanding } from './rule-standing.ts'

/** All rules that grants are judged by, as they are now. */
export interface RulesInForce {
  /** SHA-256 over all of them: the same for two brokers with the same files. */
  readonly digest: string
  /** Changes with every load, also if the digest is the same again: a grant may have been opened by the rules in between. */
  readonly version: string
  readonly policySetHash: string
}

/** Dependencies of the watch, and callbacks for its state. */
export interface RuleWatchDeps extends ReevaluateParts {
  readonly ledger: ReevaluateParts['ledger'] & Pick<Ledger, 'appendEvents' | 'sharing'>
  readonly standing: RuleStanding
  /** Undefined while some of them have never been loaded: nobody is judged then. */
  readonly rules: () => RulesInForce | undefined
  readonly random: () => number
  readonly onProblem: (error: unknown) => void
  readonly onWell: () => void
  readonly onFindings: (findings: readonly PartFinding[]) => void
}

const LOOK_MS = 500
/** Rules count when they have held still for so long: several files that change one after the other are one change. */
export const SETTLE_MS = 3_000
/**
 * A call that was judged by the rules before may still put its grant on record. When that is over, what was requested around the
 * change is looked at once more. Grants that could not be judged are tried again so often.
 */
const AGAIN_AFTER_MS = 60_000
const STRAGGLER_WINDOW_MS = 600_000
/** The interval at which this process looks for newer rules of other replicas. */
const ASK_MS = 2_000
const LONGEST_BACKOFF_MS = 60_000

/** Rules that were seen, and how far this process has come with them. */
interface Seen {
  readonly rules: RulesInForce
  readonly sinceMs: number
  readonly sinceAt: Date
  /** The digest of the rules before; missing after the start. */
  readonly before?: string
  /** When grants are to be judged next; undefined: not until the rules change. */
  dueAtMs: number | undefined
  /** True once a whole pass is over. */
  isJudged: boolean
  /** True if some grants could not be judged then. */
  hadDoubt: boolean
}

/** Judges all active grants anew when the rules have changed, and once after the start. */
export class RuleWatch {
  readonly #deps: RuleWatchDeps
  readonly #stop = new AbortController()
  #seen: Seen | undefined
  #askedAtMs = Number.NEGATIVE_INFINITY
  /** The digest that is on record for this replica. */
  #adopted: string | undefined
  #running: Promise<void> | undefined

  constructor(deps: RuleWatchDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Stops, and waits for what is in hand. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /**
   * Looks once: takes note of changed rules, and judges the grants by rules that have held still.
   *
   * @returns the report of a pass, if there was one.
   */
  async look(): Promise<PassReport | undefined> {
    const rules = this.#deps.rules()
    if (!rules) return undefined
    const seen = this.#note(rules)
    const nowMs = this.#deps.clock.monotonicMs()
    if (nowMs - seen.sinceMs < SETTLE_MS || !(await this.#areNewest(rules.digest))) return undefined
    if (seen.dueAtMs === undefined || nowMs < seen.dueAtMs) return undefined
    return this.#judge(seen)
  }

  #note(rules: RulesInForce): Seen {
    if (this.#seen?.rules.version === rules.version) return this.#seen
    const before = this.#seen?.rules.digest
    const { clock } = this.#deps
    const sinceMs = clock.monotonicMs()
    const about = { sinceMs, sinceAt: clock.now(), ...(before !== undefined && { before }) }
    this.#seen = { rules, ...about, dueAtMs: sinceMs + SETTLE_MS, isJudged: false, hadDoubt: false }
    this.#askedAtMs = Number.NEGATIVE_INFINITY
    return this.#seen
  }

  /** The first pass is over all grants, as each one after which there was doubt; the last one is over those of late. */
  async #judge(seen: Seen): Promise<PassReport> {
    const isLast = seen.isJudged && !seen.hadDoubt
    const requestedAfter = new Date(seen.sinceAt.getTime() - STRAGGLER_WINDOW_MS)
    const mayGoOn = () => this.#mayGoOn(seen)
    const report = await reevaluateGrants(this.#deps, { mayGoOn, ...(isLast && { requestedAfter }) })
    if (!report.isWhole) return report
    await this.#record(seen, report)
    this.#deps.onFindings(findDoubt(report))
    seen.isJudged = true
    seen.hadDoubt = report.undecided > 0
    seen.dueAtMs = isLast && !seen.hadDoubt ? undefined : this.#deps.clock.monotonicMs() + AGAIN_AFTER_MS
    return report
  }

  async #record({ rules: { digest, policySetHash }, before, isJudged }: Seen, report: PassReport): Promise<void> {
    const { judged, ended, voided, undecided, doubt } = report
    // A start that changes nothing leaves nothing on record, and neither does a further look.
    if ((before === undefined || isJudged) && ended + voided + undecided === 0) return
    const data = {
      ...{ digest, policySetHash, judged, ended, voided, undecided },
      ...(before !== undefined && { before }),
      ...(doubt && { code: doubt.code }),
    }
    await this.#deps.ledger.appendEvents([
      auditEvent('rules.reevaluated', { at: this.#deps.clock.now(), actor: 'stint', data }),
    ])
  }

  async #mayGoOn(seen: Seen): Promise<boolean> {
    if (this.#stop.signal.aborted || this.#deps.rules()?.version !== seen.rules.version) return false
    this.#askedAtMs = Number.NEGATIVE_INFINITY
    return this.#areNewest(seen.rules.digest)
  }

  /** True if no other replica has newer rules, as of a moment ago. */
  async #areNewest(digest: string): Promise<boolean> {
    const { standing, clock, onFindings } = this.#deps
    const { sharing } = this.#deps.ledger
    if (!sharing) return true
    if (clock.monotonicMs() - this.#askedAtMs < ASK_MS) return !standing.isOutdated
    const isKnown = this.#adopted === digest && (await sharing.newestRules()) === digest
    const { isNewest, newestDigest } = isKnown
      ? { isNewest: true, newestDigest: digest }
      : await sharing.adoptRules(digest)
    this.#adopted = digest
    this.#askedAtMs = clock.monotonicMs()
    if (isNewest === standing.isOutdated) onFindings(isNewest ? [] : [OUTDATED])
    standing.set(isNewest ? undefined : newestDigest)
    return isNewest
  }

  async #run(): Promise<void> {
    const { clock, random, onProblem, onWell } = this.#deps
    const { signal } = this.#stop
    const backoff = new Backoff({ random, baseMs: 2 * LOOK_MS, capMs: LONGEST_BACKOFF_MS })
    while (!signal.aborted) {
      let waitMs = LOOK_MS
      try {
        await this.look()
        backoff.reset()
        onWell()
      } catch (error) {
        waitMs = Math.max(LOOK_MS, backoff.nextMs())
        onProblem(error)
      }
      await clock.sleep(waitMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }
}

const OUTDATED: PartFinding = {
  finding: 'outdated',
  code: 'RULES_OUTDATED',
  explanation:
    'Another replica works by newer policies, labels, registrations or settings than this one. Until the files here are the same, this broker ends no grant by its own.',
}

function findDoubt({ undecided, doubt }: PassReport): PartFinding[] {
  if (undecided === 0) return []
  const cause = doubt ?? new StintError('POLICY_UNAVAILABLE', { explanation: 'a policy could not be evaluated' })
  const explanation = `${undecided} active grants could not be judged by the changed rules, and go on until their leases are renewed or end: ${cause.message}`
  return [{ finding: 'undecided', code: cause.code, explanation }]
}
