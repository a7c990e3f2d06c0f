import type { Clock } from '../core/clock.ts'
import type { ClockGuard } from '../core/clock-guard.ts'
import type { Ids } from '../core/ids.ts'
import { Backoff } from '../core/limits/backoff.ts'
import { failpoint } from '../core/process/failpoint.ts'
import type { Canaries } from '../credentials/canary.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { DueGrant, Ledger } from '../ledger/ledger.ts'
import { isFinalState } from '../ledger/rules/grant-rules.ts'
import { DenyCanaries } from './canaries/deny-canaries.ts'
import { DenyMemory } from './deny/deny-memory.ts'
import { type DenyProblemParts, DenyProblems } from './deny/deny-problems.ts'
import { beginDenyWrites, type DenyReconcilerParts } from './deny/deny-reconciler.ts'
import { runKills } from './kill/run-kills.ts'
import { decideDueMove, type LifeSettings } from './lifecycle.ts'
import { toLeaseFacts } from './mint-lease.ts'
import type { SessionNotes } from './own-sessions/session-notes.ts'
import { takeNotes } from './own-sessions/take-notes.ts'
import { keepQuarantine } from './quarantine/keep-quarantine.ts'
import { LaterStateLook } from './quarantine/look-for-later-state.ts'

const SWEEP_MS = 200
const SWEEP_BATCH = 500
/** At most one write a second to each policy document. */
const RECONCILE_MS = 1_000
const PRUNE_MS = 60_000
/** A cloud that does not answer must not keep a broker from starting. */
const LOOK_WITHIN_MS = 2_000
/** A document that could not be read at the start is tried again so often. */
const LOOK_AGAIN_MS = 30_000
/** Replicas of one ledger learn of a quarantine within so long; the ledger itself refuses at once. */
const QUARANTINE_MS = 2_000
/** An operator who sets a kill waits for its grants to end. */
const KILLS_MS = 200
const NAME_HEADS_MS = 60_000
const CLOCK_MS = 1_000
const NOTES_MS = 30_000
/** A replica that dies is found silent some seconds later; what it left is settled soon after. */
const RECOVER_MS = 3_000
const PRUNE_BATCH = 1_000
const RECOVERY_BATCH = 500
/** Between two tries of a loop that fails. Grants become due all the time, so it is short. */
const LONGEST_BACKOFF_MS = 5_000

/** Dependencies of the loops, and callbacks for their state. */
export interface SweeperParts extends Omit<DenyReconcilerParts, 'memory' | 'proofs' | 'problems'>, DenyProblemParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly clockGuard: ClockGuard
  readonly settings: LifeSettings
  readonly ids: Ids
  /** Absent where nothing can show whether a deny list is in force. */
  readonly canaries?: Canaries | undefined
  /** Where stint doctor leaves its sessions; absent: nowhere. */
  readonly notes?: SessionNotes | undefined
  /** How long final grants are kept. */
  readonly retentionMs: number
}

/** Everything that happens to grants because time passes. A few loops for all grants, no timer per grant. */
export class Sweeper {
  readonly #parts: SweeperParts
  readonly #stop = new AbortController()
  readonly #writes = new Set<Promise<void>>()
  readonly #memory = new DenyMemory()
  readonly #problems: DenyProblems
  readonly #proofs: DenyCanaries | undefined
  readonly #laterState: LaterStateLook
  #loops: Promise<void>[] = []

  constructor(parts: SweeperParts) {
    this.#parts = parts
    this.#problems = new DenyProblems(parts)
    this.#laterState = new LaterStateLook(parts)
    const { canaries } = parts
    this.#proofs = canaries && new DenyCanaries({ ...parts, canaries, problems: this.#problems }, this.#stop.signal)
  }

  /** Settles what a crash left behind, of this broker or of another replica. Call it before the first request is served. */
  async recover(found: 'at_start' | 'replica_gone' = 'at_start'): Promise<void> {
    const { ledger, clock } = this.#parts
    const now = clock.now()
    for (;;) {
      const abandoned = await ledger.abandonedLeases({ now, limit: RECOVERY_BATCH })
      if (abandoned.length === 0) return
      await Promise.all(
        abandoned.map((lease) =>
          // The secret died with the process that asked for it, but a session may exist: it counts until it is over.
          ledger.settleLease({
            leaseId: lease.id,
            to: 'unknown',
            events: [
              auditEvent('lease.unknown', {
                at: now,
                actor: 'stint',
                grantId: lease.grantId,
                leaseId: lease.id,
                data: { ...toLeaseFacts(lease), found },
              }),
            ],
          }),
        ),
      )
    }
  }

  start(): void {
    this.#loops = [
      this.#every(SWEEP_MS, 'sweep', () => this.sweep()),
      this.#every(RECONCILE_MS, 'reconcile', () => this.#beginWrites()),
      this.#every(QUARANTINE_MS, 'quarantine-watch', () => this.keepQuarantine()),
      this.#every(KILLS_MS, 'kills', () => this.runKills()),
      this.#every(LOOK_AGAIN_MS, 'later-state', () => this.lookForLaterState()),
      this.#every(PRUNE_MS, 'prune', () => this.prune()),
      this.#every(NAME_HEADS_MS, 'heads', () => this.#nameHeads()),
      this.#every(RECOVER_MS, 'recover', () => this.recover('replica_gone')),
      this.#every(NOTES_MS, 'session-notes', () => this.takeNotes()),
      // A clock astray refuses every mint; this loop shows it even if nobody asks for one.
      this.#every(CLOCK_MS, 'clock', async () => this.#parts.clockGuard.check()),
    ]
  }

  /** Stops the loops and waits for the work in hand. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
    await Promise.all(this.#writes)
    await this.#proofs?.idle()
  }

  /** Moves every grant that is due; one pass. Does nothing until the reference clock has told its time once. */
  async sweep(): Promise<number> {
    const { ledger, clockGuard, hub, provider, settings } = this.#parts
    let moved = 0
    // P6: by a clock that was hours ahead at the start, grants would be called ended while their leases work.
    if (!clockGuard.isTold()) return moved
    while (!this.#stop.signal.aborted) {
      // A clock that has jumped ahead would end grants whose leases still work.
      const now = clockGuard.earliestNow()
      const settle = (due: DueGrant) => decideDueMove(due, now, settings, provider)
      const grants = await ledger.sweepGrants({ now, limit: SWEEP_BATCH, settle })
      if (grants.some(({ state }) => isFinalState(state))) failpoint('sweep.after_end')
      for (const grant of grants) hub.changed(grant.id)
      moved += grants.length
      if (grants.length < SWEEP_BATCH) break
    }
    return moved
  }

  /**
   * P13: quarantines a ledger that was set back, and begins to end what it may not know. Call it before the first request is served:
   * the cloud is waited for briefly, and documents that could not be read are tried again by a loop.
   */
  async lookForLaterState(): Promise<void> {
    const { clock } = this.#parts
    const [over, done] = [new AbortController(), new AbortController()]
    const timer = clock.sleep(LOOK_WITHIN_MS, done.signal).then(
      () => over.abort(),
      () => undefined,
    )
    try {
      await this.#laterState.look(AbortSignal.any([over.signal, this.#stop.signal]))
    } finally {
      done.abort()
      await timer
    }
    await this.keepQuarantine()
  }

  /** P13: ends what may have been given out by a later state of the ledger, while it is quarantined; one pass. */
  async keepQuarantine(): Promise<void> {
    await keepQuarantine(this.#parts)
  }

  /** Ends what kills cover, whichever replica set them; one pass. */
  async runKills(): Promise<void> {
    await runKills(this.#parts, this.#stop.signal)
  }

  /** Brings the deny lists to what is wanted; one pass, and the end of every write under way. */
  async reconcile(): Promise<void> {
    await this.#beginWrites()
    await Promise.all(this.#writes)
  }

  /** Waits until each document with a canary is proven to be in force, or the proof has failed. */
  async prove(): Promise<void> {
    await this.#proofs?.idle()
  }

  /** Lets go of what retention allows; one pass. */
  async prune(): Promise<void> {
    const { ledger, clockGuard, retentionMs } = this.#parts
    if (!clockGuard.isTold()) return
    const now = clockGuard.earliestNow()
    await ledger.prune({ before: new Date(now.getTime() - retentionMs), now, limit: PRUNE_BATCH })
  }

  /** Takes the sessions of stint doctor into the ledger; one pass. */
  async takeNotes(): Promise<void> {
    const { ledger, notes, clock } = this.#parts
    if (notes) await takeNotes({ ledger, notes, clock })
  }

  /** P9: within a minute, the end of every chain is named by another one. */
  async #nameHeads(): Promise<void> {
    const { ledger, clock } = this.#parts
    await ledger.nameHeads({ at: clock.now() })
  }

  /** A pass does not wait for its writes: a policy that hangs must not hold up another's. */
  async #beginWrites(): Promise<void> {
    return beginDenyWrites(
      { ...this.#parts, memory: this.#memory, proofs: this.#proofs, problems: this.#problems },
      this.#stop.signal,
      (write) => {
        const tracked: Promise<void> = write.finally(() => this.#writes.delete(tracked))
        this.#writes.add(tracked)
      },
    )
  }

  async #every(ms: number, component: string, work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stop
    const { random } = this.#parts
    const backoff = new Backoff({ random, baseMs: 2 * ms, capMs: Math.max(ms, LONGEST_BACKOFF_MS) })
    while (!signal.aborted) {
      let waitMs = ms
      try {
        await work()
        backoff.reset()
        this.#parts.onWell(component)
      } catch (error) {
        waitMs = Math.max(ms, backoff.nextMs())
        this.#parts.onProblem({ component, error })
      }
      await this.#parts.clock.sleep(waitMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }
}
