import type { ClockGuard } from '../../core/clock-guard.ts'
import { asStintError, hasCode, StintError } from '../../core/errors.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import type { Canaries, CanaryRole } from '../../credentials/canary.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { DenyEntry } from '../../ledger/records.ts'
import { canBeProven } from '../../ledger/rules/deny-list-rules.ts'
import type { DenyProblems } from '../deny/deny-problems.ts'
import { type OwnGrantParts, startOnLedger } from '../own-sessions/own-grant.ts'
import { type CanarySession, CanarySessions } from './canary-sessions.ts'
import { lookSurely, proveDocument, REFUSED_WITHOUT_DENY, ReplacedError, unusable } from './prove-document.ts'

/** A control session is used again only if it has so long left. */
const CONTROL_LEFT_MS = 120_000
/** A canary that does not work is tried again after so long, longer each time. */
const RETRY_MS = 30_000
const LONGEST_RETRY_MS = 120_000

/** Dependencies of proving deny lists. */
export interface DenyCanaryParts extends OwnGrantParts {
  readonly canaries: Canaries
  readonly ledger: Pick<
    Ledger,
    | 'openGrant'
    | 'settleLease'
    | 'getGrant'
    | 'quarantine'
    | 'holdsInForce'
    | 'getDenyList'
    | 'denyProven'
    | 'appendEvents'
  >
  readonly clockGuard: Pick<ClockGuard, 'earliestNow'>
  /** The component `deny:<list>:canary` has a problem until the canary has proven a document. */
  readonly problems: Pick<DenyProblems, 'tell' | 'well'>
}

/** A document that was written with the name of a canary's session in it. */
interface Round {
  /** The grant of the session. */
  readonly id: string
  /** Grants that the document denies, whose deny nobody has proven. */
  readonly grantIds: readonly string[]
  readonly writtenAt: Date
  /** Monotonic. */
  readonly writtenAtMs: number
}

/** A document as a pass has left it. */
interface WrittenDocument {
  /** As `choose` gave it for this document. */
  readonly canary: string | undefined
  /** The sequence of its last write. */
  readonly sequence: number | undefined
  /** The entries that it denies. */
  readonly entries: readonly DenyEntry[]
  readonly at: Date
}

/** The canary of one deny list. */
interface ListState {
  /** The sequence of the last write of its document that this process made or found. */
  sequence?: number | undefined
  /** The grant id for the next document; nothing is minted for it yet. */
  chosen?: string | undefined
  /** The grant id in the document that was written last. */
  named?: string | undefined
  round?: Round | undefined
  control?: CanarySession | undefined
  /** Set while it does not work: until then it is not tried again. */
  retryAtMs?: number | undefined
  /** A look at whether it works, under way. */
  isChecking?: boolean
  /** It has been looked at since the start. */
  isKnown?: boolean
  /** Failures in a row. */
  failures?: number
  /** Set while a document that it denies is not known to be in force, although it should be. */
  late?: StintError | undefined
  /** The code that it failed with last, which is on record. */
  failedWith?: StintError['code'] | undefined
}

/**
 * Shows when deny lists are in force. Each document that denies something new names a session of the canary role too; once
 * that session is refused, the whole document is in force. One session of a document is looked through at a time: what is
 * written meanwhile is proven by the next one. Nothing here delays a write, and no list waits for another's canary.
 */
export class DenyCanaries {
  readonly #parts: DenyCanaryParts
  readonly #sessions: CanarySessions
  readonly #signal: AbortSignal
  readonly #lists = new Map<string, ListState>()
  readonly #underWay = new Set<Promise<void>>()

  /** @param signal ends what is under way; grants whose deny is not proven by then are proven after the next start. */
  constructor(parts: DenyCanaryParts, signal: AbortSignal) {
    this.#parts = parts
    this.#sessions = new CanarySessions({ ...parts, start: startOnLedger(parts) })
    this.#signal = signal
  }

  /** True for a deny list whose document is probed: then the settle time proves nothing. */
  isProbed(listKey: string): boolean {
    return this.#parts.canaries.find(listKey) !== undefined && this.#lists.get(listKey)?.retryAtMs === undefined
  }

  /** The grant of a canary's session that the next document of a list has to deny beside these entries; undefined for none. */
  choose(listKey: string, entries: readonly DenyEntry[]): string | undefined {
    if (!this.#parts.canaries.find(listKey)) return undefined
    const { clock, ids } = this.#parts
    const state = this.#ensureState(listKey)
    if (state.round) return state.round.id
    if (!entries.some(canBeProven) || (state.retryAtMs ?? 0) > clock.monotonicMs())
      // Taking it out is not worth a write of its own.
      return entries.length > 0 ? state.named : undefined
    state.chosen ??= ids.next('grt', clock.now())
    return state.chosen
  }

  /** True if entries of a document wait for a proof that nobody is about to make: the list is to be written again. */
  isOwed(listKey: string, entries: readonly DenyEntry[]): boolean {
    const state = this.#lists.get(listKey)
    if (!state || state.round || state.chosen || state.retryAtMs !== undefined) return false
    return entries.some(canBeProven)
  }

  /** A document is written, or was found as it has to be, and that is on record. */
  written(listKey: string, { canary, sequence, entries, at: writtenAt }: WrittenDocument): void {
    const role = this.#parts.canaries.find(listKey)
    if (!role) return
    const state = this.#ensureState(listKey)
    state.named = canary
    state.sequence = sequence
    if (canary === undefined || canary !== state.chosen) {
      if (this.#isCheckDue(state)) this.#track(this.#check(listKey, role, state))
      return
    }
    state.chosen = undefined
    const grantIds = entries.filter(canBeProven).map(({ grantId }) => grantId)
    const round = { id: canary, grantIds, writtenAt, writtenAtMs: this.#parts.clock.monotonicMs() }
    state.round = round
    this.#track(this.#prove(listKey, role, state, round))
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
  }

  /** A canary is looked at when its list is first, so that its first revocation does not find it broken, and after it was found broken. */
  #isCheckDue({ round, isChecking, isKnown, retryAtMs }: ListState): boolean {
    if (round || isChecking) return false
    return !isKnown || (retryAtMs !== undefined && retryAtMs <= this.#parts.clock.monotonicMs())
  }

  /** Looks whether the canary works where there is nothing to prove. Never rejects. */
  async #check(listKey: string, role: CanaryRole, state: ListState): Promise<void> {
    const { clock, ids } = this.#parts
    const id = ids.next('grt', clock.now())
    state.isChecking = true
    try {
      const { allowed } = await lookSurely(
        { clock, denyList: listKey },
        await this.#start(listKey, role, id),
        this.#signal,
      )
      if (!allowed) throw unusable(listKey, REFUSED_WITHOUT_DENY)
      this.#works(listKey, state)
    } catch (thrown) {
      const error = asStintError(thrown)
      // After a start, the canaries of thousands of accounts are looked at: what has no turn is looked at in the next pass.
      const hadNoTurn = hasCode(error.cause, 'PROVIDER_THROTTLED')
      if (!this.#signal.aborted && !hadNoTurn) await this.#fail(listKey, state, { id, grantIds: [] }, error)
    } finally {
      state.isChecking = false
    }
  }

  /** Notes that the canary works. A document that is late stays late: only a proof ends that. */
  #works(listKey: string, state: ListState, isProven = false): void {
    state.isKnown = true
    state.failures = 0
    state.retryAtMs = undefined
    state.failedWith = undefined
    if (isProven) state.late = undefined
    if (state.late) this.#parts.problems.tell(listKey, { component: toComponent(listKey), error: state.late })
    else this.#parts.problems.well(listKey, toComponent(listKey))
  }

  /** Waits for the proofs under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** Never rejects. */
  async #prove(listKey: string, role: CanaryRole, state: ListState, round: Round): Promise<void> {
    try {
      await this.#recordProof(listKey, round, await this.#showInForce(listKey, role, state, round))
      this.#works(listKey, state, true)
    } catch (thrown) {
      const error = asStintError(thrown)
      if (!this.#signal.aborted && !(error instanceof ReplacedError)) await this.#fail(listKey, state, round, error)
    } finally {
      state.round = undefined
    }
  }

  async #showInForce(listKey: string, role: CanaryRole, state: ListState, round: Round) {
    const { clock, ids, ledger } = this.#parts
    const start = (grantId: string) => this.#start(listKey, role, grantId)
    const freshControl = async () => {
      state.control = undefined
      state.control = await start(ids.next('grt', clock.now()))
      return state.control
    }
    const control = async () => {
      const known = state.control
      return known && known.endsAtMs - clock.monotonicMs() >= CONTROL_LEFT_MS ? known : freshControl()
    }
    const onLate = (error: StintError) => void this.#note(listKey, state, round, error)
    const isReplaced = async () => (await ledger.getDenyList(listKey))?.written?.sequence !== state.sequence
    return proveDocument(
      { clock, denyList: listKey, control, freshControl, isReplaced, onLate },
      await start(round.id),
      this.#signal,
    )
  }

  async #start(listKey: string, role: CanaryRole, grantId: string): Promise<CanarySession> {
    try {
      failpoint('canary.before_record')
      return await this.#sessions.start(listKey, role, grantId, this.#signal)
    } catch (thrown) {
      const error = asStintError(thrown)
      if (this.#signal.aborted) throw error
      throw unusable(listKey, `A session of ${role.roleArn} cannot be started: ${error.message}`, error)
    }
  }

  async #recordProof(
    listKey: string,
    { id: canary, grantIds, writtenAt, writtenAtMs }: Round,
    { at, sinceMs }: { readonly at: Date; readonly sinceMs: number },
  ): Promise<void> {
    const { ledger, clockGuard } = this.#parts
    const enforcedAt = at > writtenAt ? at : writtenAt
    const lagMs = Math.max(0, Math.round(sinceMs - writtenAtMs))
    const data = { denyList: listKey, grants: grantIds.length, canary, writtenAt: writtenAt.toISOString(), lagMs }
    await ledger.denyProven({
      listKey,
      grantIds,
      writtenBy: writtenAt,
      at: enforcedAt,
      now: clockGuard.earliestNow(),
      events: [auditEvent('deny.enforced', { at: enforcedAt, actor: 'stint', data })],
    })
  }

  /** A canary that is still allowed works: then the settle time goes on proving nothing. */
  async #fail(
    listKey: string,
    state: ListState,
    round: Pick<Round, 'id' | 'grantIds'>,
    error: StintError,
  ): Promise<void> {
    state.isKnown = true
    if (error.code !== 'DENY_LIST_LATE') {
      state.failures = (state.failures ?? 0) + 1
      const waitMs = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** (state.failures - 1))
      state.retryAtMs = this.#parts.clock.monotonicMs() + waitMs
      state.control = undefined
    }
    await this.#note(listKey, state, round, error)
  }

  /** On the status until a document is proven, and on record once for each kind of failure. */
  async #note(
    listKey: string,
    state: ListState,
    { id, grantIds }: Pick<Round, 'id' | 'grantIds'>,
    error: StintError,
  ): Promise<void> {
    const { ledger, clock, problems } = this.#parts
    problems.tell(listKey, { component: toComponent(listKey), error })
    if (error.code === 'DENY_LIST_LATE') state.late = error
    if (state.failedWith === error.code) return
    state.failedWith = error.code
    const because = error.cause instanceof StintError ? { because: error.cause.code } : {}
    const data = { denyList: listKey, code: error.code, ...because, canary: id, waiting: grantIds.length }
    const event = auditEvent('canary.failed', { at: clock.now(), actor: 'stint', data })
    try {
      await ledger.appendEvents([event])
    } catch (thrown) {
      state.failedWith = undefined
      problems.tell(listKey, { component: toComponent(listKey), error: thrown })
    }
  }

  #ensureState(listKey: string): ListState {
    const known = this.#lists.get(listKey) ?? {}
    this.#lists.set(listKey, known)
    return known
  }
}

function toComponent(listKey: string): string {
  return `deny:${listKey}:canary`
}
