import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { asStintError, hasCode, type StintError } from '../../core/errors.ts'
import type { Grant } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { loadPlan } from '../read-grants.ts'
import { endRefused, type PassRequest, type ReevaluateParts, type RefusedGrant } from './end-refused.ts'
import { judgeAnew, type Standing, settleApproval, standingKey } from './judge-anew.ts'
import { voidWaiting } from './void-waiting.ts'

/** The result of one pass. */
export interface PassReport {
  readonly judged: number
  readonly ended: number
  /** Questions that nobody can approve any more: see `voidWaiting`. */
  readonly voided: number
  /** Grants that could not be judged: they go on. */
  readonly undecided: number
  /** Why the first of them could not be. */
  readonly doubt?: StintError
  /** False if the pass was stopped before its end. */
  readonly isWhole: boolean
}

const PAGE = 200
/** Judging keeps the event loop for so long at a time, so that agents' calls come in between. */
const SLICE_MS = 5
/** As many as share a commit. */
const CONCURRENT_ENDS = 64
const MAX_REMEMBERED = 20_000

/**
 * Judges every active grant by the rules of now, and ends those that they do not allow. Grants of one agent with one plan are judged
 * once. A pass that was cut short is begun anew by whoever finds the rules changed: judging twice changes nothing.
 */
export async function reevaluateGrants(parts: ReevaluateParts, request: PassRequest): Promise<PassReport> {
  const pass = new Pass(parts)
  // Before the active ones, since a question that is answered meanwhile is an active grant then.
  const voided = await voidWaiting(parts, request)
  if (voided === undefined) return pass.report(false)
  pass.voided = voided
  let cursor: string | undefined
  do {
    if (!(await request.mayGoOn())) return pass.report(false)
    const beganMs = performance.now()
    const { requestedAfter } = request
    const filter = { state: 'active', ...(requestedAfter && { requestedAfter }) } as const
    const page = await parts.ledger.listGrants(filter, { limit: PAGE, ...(cursor && { cursor }) })
    const refused = await pass.judgePage(page.items)
    const tookMs = performance.now() - beganMs
    if (!(await pass.end(refused, request))) return pass.report(false)
    cursor = page.nextCursor
    // Half of the time is the agents', also where a million grants are looked at after a start.
    if (cursor !== undefined) await pause(tookMs)
  } while (cursor !== undefined)
  return pass.report(true)
}

class Pass {
  readonly #parts: ReevaluateParts
  readonly #standings = new Map<string, Standing>()
  voided = 0
  #judged = 0
  #ended = 0
  #undecided = 0
  #doubt: StintError | undefined
  #sliceBeganMs = performance.now()

  constructor(parts: ReevaluateParts) {
    this.#parts = parts
  }

  report(isWhole: boolean): PassReport {
    const counts = {
      judged: this.#judged,
      ended: this.#ended,
      voided: this.voided,
      undecided: this.#undecided,
      isWhole,
    }
    return this.#doubt ? { ...counts, doubt: this.#doubt } : counts
  }

  /** @returns those that the rules refuse */
  async judgePage(grants: readonly Grant[]): Promise<readonly RefusedGrant[]> {
    const plans = await this.#loadPlans(grants)
    const refused: RefusedGrant[] = []
    for (const grant of grants) {
      this.#judged += 1
      const plan = plans.get(grant.planHash)
      const standing =
        plan instanceof Error ? ({ kind: 'undecided', error: plan } as const) : plan && (await this.#judge(grant, plan))
      if (standing?.kind === 'undecided') this.#noteDoubt(standing.error)
      if (standing?.kind === 'refused') refused.push({ grant, plan: plan as Plan })
    }
    return refused
  }

  /** @returns false if the pass has to stop */
  async end(refused: readonly RefusedGrant[], { mayGoOn }: PassRequest): Promise<boolean> {
    for (let from = 0; from < refused.length; from += CONCURRENT_ENDS) {
      if (!(await mayGoOn())) return false
      const some = refused.slice(from, from + CONCURRENT_ENDS)
      const ended = await Promise.all(some.map((one) => endRefused(this.#parts, one)))
      this.#ended += ended.filter(Boolean).length
    }
    return true
  }

  async #judge(grant: Grant, plan: Plan): Promise<Standing> {
    const key = standingKey(grant)
    let standing = this.#standings.get(key)
    if (!standing) {
      await this.#breathe()
      standing = judgeAnew(this.#parts.judge, grant, plan, this.#parts.clock.now())
      if (this.#standings.size >= MAX_REMEMBERED) this.#standings.clear()
      this.#standings.set(key, standing)
    }
    return standing.kind === 'needs_approval' ? settleApproval(this.#parts.ledger, grant, plan, standing) : standing
  }

  /** Plans that are needed for the first time; for a plan that cannot be read, the error. */
  async #loadPlans(grants: readonly Grant[]): Promise<ReadonlyMap<string, Plan | StintError>> {
    const byHash = new Map(grants.map((grant) => [grant.planHash, grant]))
    const read = [...byHash].map(async ([hash, grant]) => [hash, await readPlan(this.#parts, grant)] as const)
    return new Map(await Promise.all(read))
  }

  #noteDoubt(error: StintError | undefined): void {
    this.#undecided += 1
    this.#doubt ??= error
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#sliceBeganMs < SLICE_MS) return
    await nextTurn()
    this.#sliceBeganMs = performance.now()
  }
}

async function readPlan({ ledger }: ReevaluateParts, grant: Grant): Promise<Plan | StintError> {
  try {
    return await loadPlan(ledger, grant)
  } catch (error) {
    if (!hasCode(error, 'LEDGER_CORRUPT')) throw error
    return asStintError(error)
  }
}
