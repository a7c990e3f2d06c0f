import type { Clock } from '../../core/clock.ts'
import { asStintError, hasCode } from '../../core/errors.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { OpenGrantState } from '../../ledger/holds/hold-ledger.ts'
import type { Hold } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Grant } from '../../ledger/records.ts'
import { covers, HOLD_CLAIM_MS, isHoldTaken } from '../../ledger/rules/hold-rules.ts'
import { type TakeAwayParts, takeAway } from '../take-away.ts'

/** Dependencies of ending what offboarded agents hold. */
export interface OffboardParts extends TakeAwayParts {
  readonly ledger: Ledger
  readonly clock: Clock
  /** Names this process on its claims. */
  readonly owner: string
}

const RENEW_CLAIM_MS = 5_000
const PAGE = 500
/** Grants that are ended at the same time: they share commits. */
const AT_A_TIME = 100
const STATES: readonly OpenGrantState[] = ['awaiting_approval', 'active', 'ending']

/**
 * Goes on with every offboarding that has work left, whichever replica took it; one pass. One that fails does not hold up the others.
 *
 * @throws what the first one that failed threw, when all have had their turn
 */
export async function runOffboards(parts: OffboardParts, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = []
  for (const hold of await parts.ledger.runningHolds()) {
    if (signal.aborted) return
    if (hold.kind !== 'offboarded' || isHoldTaken(hold, { owner: parts.owner, now: parts.clock.now() })) continue
    try {
      await new OffboardRun(parts, hold, signal).end()
    } catch (error) {
      // Another replica has gone on with it, or somebody has lifted it.
      if (!hasCode(error, 'LEDGER_CONFLICT')) failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** One replica's turn at ending everything that the agents of one hold have. After a crash the next one begins again, and finds the rest. */
class OffboardRun {
  readonly #parts: OffboardParts
  readonly #signal: AbortSignal
  #hold: Hold
  #claimedAtMs = 0
  #ended: number
  readonly #unreadable = new Set<string>()

  constructor(parts: OffboardParts, hold: Hold, signal: AbortSignal) {
    this.#parts = parts
    this.#hold = hold
    this.#signal = signal
    this.#ended = endedSoFar(hold)
  }

  /** Nothing comes into the scope of the hold any more, so it is gone through until a pass finds nothing to do. */
  async end(): Promise<void> {
    await this.#claim()
    while (!this.#hold.lifted && (await this.#pass())) failpoint('agents.between_passes')
    if (this.#signal.aborted) return
    failpoint('agents.before_cleared')
    await this.#finish()
  }

  /** @returns true if something was left to do */
  async #pass(): Promise<boolean> {
    let isDone = true
    for (const state of STATES) {
      for await (const grants of this.#openGrants(state)) {
        for (let from = 0; from < grants.length; from += AT_A_TIME) {
          if (this.#signal.aborted) return false
          const taken = await Promise.all(grants.slice(from, from + AT_A_TIME).map((grant) => this.#take(grant)))
          this.#ended += taken.filter((outcome) => outcome === 'ended').length
          if (taken.some((outcome) => outcome !== 'nothing')) isDone = false
          failpoint('agents.offboarding')
          if (this.#parts.clock.monotonicMs() - this.#claimedAtMs >= RENEW_CLAIM_MS) await this.#claim()
        }
      }
    }
    return !isDone
  }

  async *#openGrants(state: OpenGrantState): AsyncGenerator<Grant[]> {
    let cursor: string | undefined
    do {
      const page = await this.#parts.ledger.openGrants({ state, limit: PAGE, ...(cursor !== undefined && { cursor }) })
      for (const id of page.damaged) this.#unreadable.add(id)
      yield page.grants.filter((grant) => covers(this.#hold.scope, grant) && !this.#unreadable.has(grant.id))
      cursor = page.nextCursor
    } while (cursor !== undefined)
  }

  /** P10: a row that is damaged, or that the store refuses, does not keep the others from being ended. */
  async #take(grant: Grant): Promise<'ended' | 'nothing' | 'again'> {
    try {
      const { id: holdId, by } = this.#hold
      const actor = by === 'file' ? 'stint' : by
      const order = { reason: 'offboarded', actor, now: this.#parts.clock.now(), holdId } as const
      const taken = await takeAway(this.#parts, grant, { ...order, note: `offboarded by ${holdId}` })
      return taken === grant ? 'nothing' : 'ended'
    } catch (error) {
      const { code } = asStintError(error)
      // Its agent has moved it meanwhile: the next pass finds it.
      if (code === 'LEDGER_CONFLICT') return 'again'
      if (code === 'LEDGER_UNAVAILABLE') throw error
      this.#unreadable.add(grant.id)
      return 'nothing'
    }
  }

  /** @throws {StintError} LEDGER_CONFLICT when another replica has it, or it was lifted */
  async #claim(): Promise<void> {
    const { ledger, clock, owner } = this.#parts
    this.#claimedAtMs = clock.monotonicMs()
    this.#hold = await ledger.noteHold({
      ...{ id: this.#hold.id, expectedVersion: this.#hold.version, isRunning: true },
      claim: { by: owner, until: new Date(clock.now().getTime() + HOLD_CLAIM_MS) },
      progress: { ended: this.#ended },
      events: [],
    })
  }

  async #finish(): Promise<void> {
    const { ledger, clock } = this.#parts
    const { id, scope, version } = this.#hold
    const data = { hold: id, agents: scope.value, grants: this.#ended, unreadable: this.#unreadable.size }
    await ledger.noteHold({
      ...{ id, expectedVersion: version, isRunning: false },
      progress: { ended: this.#ended },
      events: [auditEvent('agent.cleared', { at: clock.now(), actor: 'stint', data })],
    })
  }
}

function endedSoFar({ progress }: Hold): number {
  const { ended } = (progress ?? {}) as { readonly ended?: unknown }
  return typeof ended === 'number' ? ended : 0
}
