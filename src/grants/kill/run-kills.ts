import { asStintError, hasCode } from '../../core/errors.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Hold } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Grant } from '../../ledger/records.ts'
import { isFinalState } from '../../ledger/rules/grant-rules.ts'
import { HOLD_CLAIM_MS, isHoldTaken } from '../../ledger/rules/hold-rules.ts'
import { isLive } from '../lifecycle.ts'
import { type TakeAwayParts, takeAway } from '../take-away.ts'
import { type KillProgress, progressJson, readProgress } from './kill-progress.ts'
import { openGrantsIn, type Survey, type SurveyParts, surveyScope } from './survey-scope.ts'

/** Dependencies of the work of kills. */
export interface RunKillsParts extends SurveyParts, Omit<TakeAwayParts, 'ledger' | 'provider'> {
  readonly ledger: Ledger
  readonly provider: SurveyParts['provider'] & TakeAwayParts['provider']
  /** Names this process on its claims. */
  readonly owner: string
}

const RENEW_CLAIM_MS = 5_000
/** Grants that are ended at the same time: they share commits. */
const AT_A_TIME = 100
const KEPT_IDS = 20

/**
 * Goes on with every kill that has work left, whichever replica set it; one pass. A kill that fails does not hold up the others.
 *
 * @throws what the first one that failed threw, when all have had their turn
 */
export async function runKills(parts: RunKillsParts, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = []
  for (const hold of await parts.ledger.runningHolds()) {
    if (signal.aborted) return
    if (hold.kind !== 'kill') continue
    try {
      await goOn(parts, hold, signal)
    } catch (error) {
      // Another replica has gone on with it meanwhile.
      if (!hasCode(error, 'LEDGER_CONFLICT')) failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

async function goOn(parts: RunKillsParts, hold: Hold, signal: AbortSignal): Promise<void> {
  const progress = readProgress(hold)
  if (progress.endedAt !== undefined) return noteDenies(parts, hold, progress)
  const now = parts.clock.now()
  if (!isHoldTaken(hold, { owner: parts.owner, now })) await new KillRun(parts, hold, progress, signal).end()
}

/** One replica's turn at ending everything in the scope of one kill. */
class KillRun {
  readonly #parts: RunKillsParts
  readonly #taking: TakeAwayParts
  readonly #signal: AbortSignal
  #hold: Hold
  #progress: KillProgress
  #claimedAtMs = 0
  /** Grants that run out, since no deny list has room for them. */
  #runsOut: (grant: Grant) => boolean = () => false
  readonly #unreadable = new Set<string>()
  readonly #taken = new Set<string>()
  /** Grants that no deny reaches, and until when they work. */
  readonly #undeniable = new Map<string, number>()
  /** Leases by grant that could still work when it was ended. */
  readonly #live = new Map<string, number>()

  constructor(parts: RunKillsParts, hold: Hold, progress: KillProgress, signal: AbortSignal) {
    this.#parts = parts
    const { ledger } = parts
    this.#taking = {
      ...parts,
      ledger: {
        listLeases: (id) => this.#countLeases(id),
        getPlan: (hash) => ledger.getPlan(hash),
        moveGrant: (move) => ledger.moveGrant(move),
        findDenyEntry: (id) => ledger.findDenyEntry(id),
        findApproval: (id) => ledger.findApproval(id),
      },
    }
    this.#hold = hold
    // Those that only run out are all found again.
    this.#progress = { ...progress, undeniable: { grants: 0 } }
    this.#signal = signal
  }

  /**
   * Ends every grant in scope, the damaged ones aside. Nothing comes into the scope any more, so it is gone through until a pass
   * finds nothing to do. After a crash the next replica begins again, and finds the rest.
   */
  async end(): Promise<void> {
    const { clock } = this.#parts
    await this.#note({ heldAt: this.#progress.heldAt ?? clock.now().toISOString() })
    failpoint('kill.claimed')
    if (this.#hold.lifted) return this.#finish(true)
    await this.#survey()
    failpoint('kill.surveyed')
    while ((await this.#pass()) && !(await this.#isOver())) failpoint('kill.between_passes')
    if (this.#signal.aborted) return
    failpoint('kill.before_ended')
    await this.#finish(this.#hold.lifted !== undefined)
  }

  async #survey(): Promise<void> {
    const survey = await surveyScope(this.#parts, this.#hold.scope)
    this.#runsOut = describeRunningOut(survey, new Set(this.#progress.roleWatermarks), this.#parts)
    if (this.#progress.found) return
    const { counts, byAgent, unreadable } = survey
    const found = { grants: counts.active, ending: counts.ending, approvals: counts.awaiting_approval }
    await this.#note({ found: { ...found, agents: byAgent.size, unreadable: unreadable.length } })
  }

  /** @returns true if something was left to do */
  async #pass(): Promise<boolean> {
    let isDone = true
    for await (const { grants, damaged } of openGrantsIn(this.#parts, this.#hold.scope)) {
      for (const id of damaged) this.#unreadable.add(id)
      for (let from = 0; from < grants.length; from += AT_A_TIME) {
        // A grant that is opened after the lift must not be ended.
        if (await this.#isOver()) return false
        const outcomes = await Promise.all(grants.slice(from, from + AT_A_TIME).map((grant) => this.#take(grant)))
        const done = outcomes.filter((outcome) => outcome === 'done').length
        if (outcomes.some((outcome) => outcome !== 'nothing')) isDone = false
        this.#progress = { ...this.#progress, done: this.#progress.done + done }
        if (done > 0) failpoint('kill.ending')
        await this.#keepClaim()
      }
    }
    return !isDone
  }

  /** P10: a row that is damaged, or that the store refuses, does not keep the others from being ended. */
  async #take(grant: Grant): Promise<'done' | 'nothing' | 'again'> {
    if (this.#unreadable.has(grant.id) || this.#taken.has(grant.id)) return 'nothing'
    const { clock } = this.#parts
    const { id: holdId, by, why, isPublic } = this.#hold
    const actor = by === 'file' ? 'stint' : by
    // The agent may read it.
    const note = isPublic ? why : `killed by ${holdId}`
    const order = { reason: 'killed', actor, now: clock.now(), note, holdId } as const
    try {
      const runsOut = this.#runsOut(grant)
      const taken = await takeAway(this.#taking, grant, { ...order, runsOut })
      if (runsOut) this.#noteUndeniable(taken)
      // It is met again among those that are ending.
      this.#taken.add(grant.id)
      if (taken === grant) return 'nothing'
      const leases = this.#progress.leases + (this.#live.get(grant.id) ?? 0)
      this.#progress = { ...this.#progress, leases }
      return 'done'
    } catch (error) {
      const { code } = asStintError(error)
      if (code === 'LEDGER_CONFLICT') return 'again'
      if (code === 'LEDGER_UNAVAILABLE') throw error
      this.#unreadable.add(grant.id)
      return 'nothing'
    }
  }

  /** A grant that no deny reaches works until its last lease ends. */
  #noteUndeniable({ id, state, effectiveBy }: Grant): void {
    if (isFinalState(state)) return
    this.#undeniable.set(id, effectiveBy?.getTime() ?? 0)
    const until = new Date(Math.max(...this.#undeniable.values())).toISOString()
    this.#progress = { ...this.#progress, undeniable: { grants: this.#undeniable.size, until } }
  }

  async #countLeases(grantId: string) {
    const { ledger, clock } = this.#parts
    const leases = await ledger.listLeases(grantId)
    const now = clock.now()
    this.#live.set(grantId, leases.filter((lease) => isLive(lease, now)).length)
    return leases
  }

  /** True if it was lifted meanwhile, or this process stops. */
  async #isOver(): Promise<boolean> {
    const current = await this.#parts.ledger.getHold(this.#hold.id)
    if (current) this.#hold = current
    return this.#signal.aborted || current?.lifted !== undefined
  }

  async #keepClaim(): Promise<void> {
    if (this.#parts.clock.monotonicMs() - this.#claimedAtMs < RENEW_CLAIM_MS) return
    await this.#note({})
  }

  /** Puts the progress on record, and keeps the claim. @throws {StintError} LEDGER_CONFLICT when another replica has it, or it was lifted */
  async #note(more: Partial<KillProgress>): Promise<void> {
    const { ledger, clock, owner } = this.#parts
    this.#progress = { ...this.#progress, ...more, unreadable: [...this.#unreadable].slice(0, KEPT_IDS) }
    this.#claimedAtMs = clock.monotonicMs()
    this.#hold = await ledger.noteHold({
      ...{ id: this.#hold.id, expectedVersion: this.#hold.version, isRunning: true },
      claim: { by: owner, until: new Date(clock.now().getTime() + HOLD_CLAIM_MS) },
      progress: progressJson(this.#progress),
      events: [],
    })
  }

  async #finish(isCutShort: boolean): Promise<void> {
    const { ledger, clock } = this.#parts
    const at = clock.now()
    const { found, leases, undeniable } = this.#progress
    const unreadable = [...this.#unreadable]
    const progress: KillProgress = {
      ...this.#progress,
      unreadable: unreadable.slice(0, KEPT_IDS),
      endedAt: at.toISOString(),
      ...(isCutShort && { isCutShort: true }),
    }
    const { grants = 0, ending = 0, approvals = 0, agents = 0 } = found ?? {}
    const data = {
      ...{ hold: this.#hold.id, grants, ending, approvals, agents, leases },
      ...{ unreadable: unreadable.length, undeniable: undeniable.grants },
    }
    await ledger.noteHold({
      ...{ id: this.#hold.id, expectedVersion: this.#hold.version, isRunning: true },
      progress: progressJson(progress),
      events: [auditEvent('kill.ended', { at, actor: 'stint', data })],
    })
    failpoint('kill.after_ended')
  }
}

/** Grants that no deny can reach without cutting others: those of a list that is too full, unless a watermark over it is allowed. */
function describeRunningOut(
  { lists }: Survey,
  allowed: ReadonlySet<string>,
  { provider }: Pick<SurveyParts, 'provider'>,
): (grant: Grant) => boolean {
  const full = new Map(
    lists
      .filter(({ fits, key, others }) => !fits && !allowed.has(key) && others?.grants !== 0)
      .map(({ key, fitting }) => [key, fitting ?? new Set<string>()]),
  )
  return ({ id, roleArn }) => {
    const key = provider.findDenyList(roleArn)?.key
    return key === undefined || full.get(key)?.has(id) === false
  }
}

/** Puts on record when the denies of a kill were written, and when they were in force: P6, one is not the other. */
async function noteDenies({ ledger, clock }: RunKillsParts, hold: Hold, progress: KillProgress): Promise<void> {
  const { unwritten, unenforced } = await ledger.heldDenies(hold.id)
  const at = clock.now()
  const isRunningOut = progress.undeniable.until !== undefined && Date.parse(progress.undeniable.until) > at.getTime()
  const isWritten = unwritten === 0
  const isEnforced = isWritten && unenforced === 0 && !isRunningOut
  const data = { hold: hold.id, afterMs: Math.max(0, at.getTime() - hold.since.getTime()) }
  const wasWritten = progress.writtenAt !== undefined
  if (!isEnforced && (!isWritten || wasWritten)) return
  failpoint('kill.before_denied')
  await ledger.noteHold({
    ...{ id: hold.id, expectedVersion: hold.version, isRunning: !isEnforced },
    progress: progressJson({
      ...progress,
      writtenAt: progress.writtenAt ?? at.toISOString(),
      ...(isEnforced && { enforcedAt: at.toISOString() }),
    }),
    events: [
      ...(wasWritten ? [] : [auditEvent('kill.denied', { at, actor: 'stint', data })]),
      ...(isEnforced ? [auditEvent('kill.enforced', { at, actor: 'stint', data })] : []),
    ],
  })
}
