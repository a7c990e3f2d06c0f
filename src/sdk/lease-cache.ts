import type { Clock } from '../core/clock.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { explainEnd, isTerminal } from './grant-end.ts'
import type { GrantAnswer, GrantInfo, LeaseInfo } from './types.ts'

interface Held {
  readonly lease: LeaseInfo
  /** The grant's `renewAfter` when this lease came: a later one means that this lease was cut. */
  readonly renewAfterMs: number
  readonly obtainedMs: number
  /** How long it can be used, and how long it works, by the clock of this process when it came. */
  readonly lifeMs: number
  readonly worksMs: number
}

/** How a caller waits for a lease. */
export interface LeaseWait {
  /** At most so long for a renewal, milliseconds; as long as the renewal takes if left out. It goes on behind the caller's back. */
  readonly waitMs?: number
}

/** A failed early renewal is not tried again sooner; nor is a lease that came already over (a clock that is far off). */
const PAUSE_MS = 1_000

/**
 * The leases of one active grant, from memory. Past half of a lease's life a call starts the next one behind the caller's back;
 * only a lease that is over or cut makes callers wait, all of them for one renewal. Where that does not come, for a broker that is
 * away or a grant at its deadline, a lease past its margin is handed out for as long as it works. Nothing happens without a
 * call, so an idle agent holds no fresh credentials.
 */
export class LeaseCache {
  readonly #clock: Clock
  readonly #renew: () => Promise<GrantAnswer>
  readonly #ended = new AbortController()
  #info: GrantInfo
  #held: Held | undefined
  #renewing: Promise<void> | undefined
  #pauseUntilMs = Number.NEGATIVE_INFINITY

  constructor({ clock, initial, renew }: { clock: Clock; initial: GrantAnswer; renew: () => Promise<GrantAnswer> }) {
    this.#clock = clock
    this.#renew = renew
    this.#info = initial.grant
    this.#take(initial)
  }

  get info(): GrantInfo {
    return this.#info
  }

  /** Aborts, with the StintError as reason, when the grant is ending or ended. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** News of the grant, in the order in which the broker sent it. */
  observe(grant: GrantInfo): void {
    if (this.#info.state === 'ended' || (this.#info.state === 'ending' && grant.state === 'active')) return
    this.#info = grant
    const end = explainEnd(grant)
    if (end) this.end(end)
  }

  /** From now on every call throws this. The credentials are forgotten. */
  end(error: StintError): void {
    if (!this.#ended.signal.aborted) this.#ended.abort(error)
    this.#held = undefined
  }

  /**
   * A lease that can be used now.
   *
   * @throws {StintError} why there is none; BROKER_UNAVAILABLE when `waitMs` has passed.
   */
  async lease({ waitMs }: LeaseWait = {}): Promise<LeaseInfo> {
    this.#throwIfEnded()
    const now = this.#clock.monotonicMs()
    const held = this.#held
    if (held && !this.#isCut(held) && (!this.#isOver(held, now) || now < held.obtainedMs + PAUSE_MS)) {
      if (this.#isDue(held, now)) this.#renewSoon().catch(() => undefined) // kept by #renewNow: the next one that waits hears it
      return held.lease
    }
    const rest = this.#untilEnd(held, now)
    if (held && !this.#isCut(held) && this.#isLast(held)) {
      if (rest) return rest
      const explanation = `Grant ${this.#info.id} has reached its deadline; new work needs a new grant.`
      throw new StintError('GRANT_NOT_ACTIVE', { explanation, grantId: this.#info.id, reason: 'deadline' })
    }
    if (rest && now < this.#pauseUntilMs) return rest
    try {
      await this.#within(waitMs, this.#renewSoon())
    } catch (error) {
      this.#throwIfEnded()
      const working = this.#untilEnd(held, this.#clock.monotonicMs())
      if (working && asStintError(error).retryable) return working
      throw error
    }
    this.#throwIfEnded()
    const fresh = this.#held
    if (!fresh) throw new StintError('INTERNAL', { explanation: 'The broker renewed the grant but sent no lease.' })
    return fresh.lease
  }

  /** Renews now, whatever is held; joins a renewal under way. */
  async renew(): Promise<LeaseInfo> {
    this.#throwIfEnded()
    await this.#renewSoon()
    return this.lease()
  }

  /** @throws {StintError} BROKER_UNAVAILABLE when the time is over; the work goes on. */
  async #within(waitMs: number | undefined, work: Promise<void>): Promise<void> {
    if (waitMs === undefined) return work
    const done = new AbortController()
    const late = this.#clock.sleep(waitMs, done.signal).then(() => {
      const explanation = `The broker did not renew grant ${this.#info.id} within ${waitMs} ms, and no lease is valid any more; the client keeps trying.`
      throw new StintError('BROKER_UNAVAILABLE', { explanation, grantId: this.#info.id })
    })
    try {
      await Promise.race([work, late])
    } finally {
      done.abort()
    }
  }

  #renewSoon(): Promise<void> {
    this.#renewing ??= this.#renewNow().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #renewNow(): Promise<void> {
    try {
      this.#take(await this.#renew())
    } catch (error) {
      const known = asStintError(error)
      if (isTerminal(known)) this.end(known)
      this.#pauseUntilMs = this.#clock.monotonicMs() + PAUSE_MS
      throw known
    }
  }

  #take(answer: GrantAnswer): void {
    this.observe(answer.grant)
    const { lease } = answer
    if (!lease || this.#ended.signal.aborted) return
    this.#held = {
      lease,
      renewAfterMs: answer.grant.renewAfter?.getTime() ?? 0,
      obtainedMs: this.#clock.monotonicMs(),
      lifeMs: lease.usableUntil.getTime() - this.#clock.now().getTime(),
      worksMs: lease.notAfter.getTime() - this.#clock.now().getTime(),
    }
  }

  /** By either clock: a wall clock that was set back must not stretch a lease. */
  #isOver({ lease, obtainedMs, lifeMs }: Held, nowMs: number): boolean {
    return this.#clock.now() >= lease.usableUntil || nowMs - obtainedMs >= lifeMs
  }

  /** The lease with what is left of it between the margin and its end, for want of another. */
  #untilEnd(held: Held | undefined, nowMs: number): LeaseInfo | undefined {
    if (!held || held !== this.#held || this.#isCut(held)) return undefined
    const { lease, obtainedMs, worksMs } = held
    const works = this.#clock.now() < lease.notAfter && nowMs - obtainedMs < worksMs
    return works ? { ...lease, usableUntil: lease.notAfter } : undefined
  }

  #isDue(held: Held, nowMs: number): boolean {
    return (
      nowMs - held.obtainedMs >= Math.max(held.lifeMs / 2, PAUSE_MS) &&
      nowMs >= this.#pauseUntilMs &&
      !this.#isLast(held)
    )
  }

  #isCut({ renewAfterMs }: Held): boolean {
    return (this.#info.renewAfter?.getTime() ?? 0) > renewAfterMs
  }

  #isLast({ lease }: Held): boolean {
    return this.#info.deadline !== undefined && lease.notAfter >= this.#info.deadline
  }

  #throwIfEnded(): void {
    if (this.#ended.signal.aborted) throw this.#ended.signal.reason
  }
}
