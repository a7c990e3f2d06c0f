import { StintError } from '../../src/core/errors.ts'
import { verifyLedger } from '../support/audit-record.ts'
import { agentLife, operatorLife } from './actors.ts'
import { type Broker, type OperatorFiles, SETTINGS, startBroker } from './broker.ts'
import { Cloud } from './cloud.ts'
import { type FaultKind, Faults } from './faults.ts'
import { Broken, History } from './history.ts'
import { type Machine, Process, trueDate } from './process.ts'
import { Chance, Scheduler } from './scheduler.ts'
import { Disk } from './store.ts'

/** What one simulation came to. */
export interface Outcome {
  readonly seed: number
  readonly faults: readonly FaultKind[]
  readonly grants: number
  readonly sessions: number
  readonly crashes: number
  readonly steps: number
  readonly virtualMs: number
  readonly broken: Error | undefined
}

const MINUTE = 60_000
/** Once nothing but time passes, loops that run less often find the same. */
const CLOSING_SLOWNESS = 50
/** Faults that may keep a document from being looked at or written in time. */
const HINDERS = /^(iam_(?!edited)|store|broker|clock|sts_date)/
const AGENTS = 3
/** By then whatever was granted is over: the longest task, its approval, and the longest deny. */
const LONGEST_END_MS = 30 * MINUTE
/** By then no agent asks for anything any more. */
const GOING_HOME_MS = 3 * MINUTE
/** From the end of the last grant until its deny has left the document. */
const CLEAN_UP_MS = 5 * MINUTE

/** Everything of one seed: the cloud, the machine, the broker that lives and dies on it, agents, operators and faults. */
export class World {
  readonly scheduler: Scheduler
  readonly chance: Chance
  readonly cloud: Cloud
  readonly faults: Faults
  readonly history: History
  readonly machine: Machine = { wallOffsetMs: 0, suspendedMs: 0 }
  readonly disk = new Disk()
  readonly files: OperatorFiles = { forbidden: new Set(), unregistered: new Set() }
  readonly #slowness: number
  readonly seed: number
  broker: Broker | undefined
  crashes = 0
  /** Agents and operators go home. */
  isClosing = false
  /** Told when the process of a broker is gone, as by a broken connection. */
  readonly #listeners = new Set<() => void>()
  readonly #trace: ((line: string) => void) | undefined

  constructor(seed: number, options: { kinds?: readonly FaultKind[]; trace?: (line: string) => void } = {}) {
    this.seed = seed
    this.chance = new Chance(seed)
    this.scheduler = new Scheduler(this.chance)
    this.#trace = options.trace
    this.cloud = new Cloud(this.scheduler, ['data', 'logs'])
    this.faults = new Faults(this.chance, options.kinds)
    this.#slowness = this.chance.pick([5, 15, 25])
    const note = (fact: string) => this.note(fact)
    this.history = new History({ scheduler: this.scheduler, cloud: this.cloud, leaseMs: SETTINGS.leaseMs, note })
  }

  note(fact: string): void {
    this.#trace?.(`${trueDate(this.scheduler.nowMs).toISOString().slice(11)} ${fact}`)
  }

  async run(): Promise<Outcome> {
    const { scheduler, chance, history } = this
    this.note(`seed ${this.seed}: ${[...this.faults.kinds].join(' ') || 'no faults'}`)
    if (this.faults.kinds.has('clock_off_at_start')) this.machine.wallOffsetMs = chance.between(-50_000, 50_000)
    try {
      void this.#startBroker()
      this.#beginFaults()
      for (let n = 0; n < AGENTS; n += 1) void agentLife(this, `spiffe://example.org/bot-${n}`).catch(this.#fail)
      void operatorLife(this).catch(this.#fail)
      const closeMs = chance.between(4, 12) * MINUTE
      await scheduler.run(() => scheduler.nowMs >= closeMs || history.broken !== undefined)
      this.#heal()
      const [soonestMs, latestMs] = [scheduler.nowMs + GOING_HOME_MS, scheduler.nowMs + LONGEST_END_MS]
      const isQuiet = () => scheduler.nowMs > soonestMs && this.#isQuiet()
      await scheduler.run(() => history.broken !== undefined || scheduler.nowMs > latestMs || isQuiet())
      const cleanMs = scheduler.nowMs + CLEAN_UP_MS
      await scheduler.run(() => history.broken !== undefined || scheduler.nowMs > cleanMs)
      if (!history.broken) await this.#checkEnd()
      return this.#outcome()
    } finally {
      this.broker?.process.die()
      await this.disk.dispose()
    }
  }

  /** The broker dies here and now; what it had in hand is lost. It is started again after a while. */
  crash(process: Process): void {
    if (process.isDead) return
    process.die()
    this.broker = undefined
    this.crashes += 1
    this.note('the broker dies')
    for (const listener of this.#listeners) listener()
    this.scheduler.after(this.chance.pick([50, 1_000, 10_000, 90_000]), () => void this.#startBroker())
  }

  /** @returns stops listening */
  onGone(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #startBroker(): Promise<void> {
    const process = new Process(this.scheduler)
    this.note('a broker starts')
    try {
      const broker = await startBroker(this.#brokerWorld(), process)
      if (process.isDead) return
      await this.#checkRecovered()
      this.broker = broker
    } catch (error) {
      if (error instanceof StintError) this.crash(process)
      else this.#fail(error)
    }
  }

  #brokerWorld() {
    const { scheduler, cloud, faults, history, machine, disk, files } = this
    return {
      ...{ scheduler, cloud, faults, history, machine, disk, files },
      slowness: () => (this.isClosing ? CLOSING_SLOWNESS : this.#slowness),
      onSeam: (process: Process, isIdle: boolean) => this.#atSeam(process, isIdle),
      onFatal: (process: Process) => this.crash(process),
    }
  }

  #atSeam(process: Process, isIdle: boolean): void {
    const { faults, chance, machine } = this
    if (faults.strikes('broker_crashes', isIdle ? 0.001 : 0.015)) this.crash(process)
    if (!faults.strikes('broker_pauses', isIdle ? 0.001 : 0.01)) return
    const ms = chance.pick([2_000, 30_000, 120_000])
    const isSuspended = chance.happens(0.3)
    this.note(`the broker is ${isSuspended ? 'suspended' : 'paused'} for ${ms} ms`)
    process.pause(ms)
    // The monotonic clock of a suspended machine stands still, so its wall clock seems to jump.
    if (isSuspended)
      this.scheduler.after(ms - 1, () => {
        machine.suspendedMs += ms
      })
  }

  /** Faults that come by themselves. */
  #beginFaults(): void {
    const { chance, faults, machine, cloud, files } = this
    const again = (fromS: number, toS: number, run: () => void): void => {
      this.scheduler.after(chance.between(fromS * 1_000, toS * 1_000), () => {
        if (this.isClosing) return
        run()
        again(fromS, toS, run)
      })
    }
    faults.newSpell()
    again(60, 300, () => {
      faults.newSpell()
      this.note(`faults: ${[...faults.kinds].filter((kind) => faults.acts(kind)).join(' ')}`)
    })
    again(30, 400, () => {
      if (!faults.acts('clock_jumps')) return
      const byMs = chance.pick([-7_200_000, -61_000, -4_000, 3_000, 8_000, 59_000, 400_000, 7_200_000])
      this.note(`the wall clock jumps by ${byMs} ms`)
      machine.wallOffsetMs += byMs
      this.scheduler.after(chance.between(1_000, 240_000), () => {
        if (!this.isClosing) machine.wallOffsetMs -= byMs
      })
    })
    again(60, 400, () => {
      if (!faults.acts('iam_edited')) return
      this.#edit(chance.pick(cloud.roles).policyArn)
    })
    again(60, 300, () => {
      if (!faults.acts('policy_changes')) return
      const subject = `spiffe://example.org/bot-${chance.between(0, AGENTS - 1)}`
      const set = chance.pick([files.forbidden, files.unregistered])
      if (!set.delete(subject)) set.add(subject)
    })
  }

  /** Somebody else writes the template or an older version into a boundary. Where nothing else fails, it is undone at the next look. */
  #edit(policyArn: string): void {
    const { chance, cloud, scheduler, history } = this
    this.note(`somebody edits ${policyArn}`)
    const isFollowed = cloud.versions(policyArn).some(({ id, isForeign }) => id !== 'v1' && !isForeign)
    cloud.edit(policyArn, chance.happens(0.5) ? undefined : chance.pick(cloud.versions(policyArn)).document)
    const edited = cloud.current(policyArn)
    if (!isFollowed || !edited.isForeign || [...this.faults.kinds].some((kind) => HINDERS.test(kind))) return
    const lookMs = 70_000 + 3_000 * CLOSING_SLOWNESS
    scheduler.after(lookMs, () =>
      history.expect(
        cloud.current(policyArn) !== edited,
        `P6: an edit of ${policyArn} still stands after ${lookMs / 1_000} s`,
      ),
    )
  }

  /** P2: a broker serves nobody before each mint that a crash cut off is on record as of unknown outcome. */
  async #checkRecovered(): Promise<void> {
    const { scheduler, history, disk } = this
    const now = new Date(trueDate(scheduler.nowMs).getTime() + this.machine.wallOffsetMs)
    const left = await scheduler.work(() => disk.current.abandonedLeases({ now, limit: 1 }))
    history.expect(
      left.length === 0,
      `P2: ${left[0]?.sessionName} was cut off by a crash, and the next broker has not said so`,
    )
  }

  #heal(): void {
    this.note('every fault ends')
    this.isClosing = true
    this.faults.end()
    this.machine.wallOffsetMs = 0
    this.files.forbidden.clear()
    this.files.unregistered.clear()
  }

  #isQuiet(): boolean {
    return [...this.history.grants.values()].every(({ grant: { dueAt } }) => dueAt === undefined)
  }

  async #checkEnd(): Promise<void> {
    const { history, cloud, scheduler, disk } = this
    const ledger = disk.current
    await history.checkRecord(ledger)
    for (const { policyArn } of cloud.roles) {
      const { document } = cloud.current(policyArn)
      // What somebody else wrote into a document that nobody ever had to be denied by is not read.
      if ((await ledger.getDenyList(`boundary:${policyArn}`)) === undefined) continue
      history.expect(!/[0-9A-HJKMNP-TV-Z]{26}/.test(document), `${policyArn} still denies somebody: ${document}`)
    }
    const verdict = await verifyLedger(ledger)
    history.expect(verdict.problem === undefined, `P9: ${verdict.problem?.kind}`)
    for (const secret of disk.findSecrets()) history.expect(false, `P8: the ledger holds ${secret}`)
    await this.#checkServing()
    history.expect(scheduler.working === 0, 'something is still at work')
  }

  /** P3: after the last fault a request is served as ever, and so is its repeat, under the same grant. */
  async #checkServing(): Promise<void> {
    let served: boolean | undefined
    const ask = () => agentLife.askOnce(this, 'spiffe://example.org/bot-0', `last-key-${this.seed}`)
    const askTwice = async () => {
      const [first, second] = [await ask(), await ask()]
      served = first.lease !== undefined && second.lease !== undefined && first.grant.id === second.grant.id
    }
    void askTwice().catch((error) => {
      this.note(`the last request failed: ${error}`)
      served = false
    })
    const latestMs = this.scheduler.nowMs + MINUTE
    await this.scheduler.run(() => served !== undefined || this.scheduler.nowMs > latestMs)
    this.history.expect(served === true, 'P5: once every fault is over, a request is not served')
  }

  readonly #fail = (error: unknown): void => {
    this.history.broken ??= error instanceof Broken ? error : Object.assign(new Broken(String(error)), { cause: error })
    this.note(`FAILED ${error instanceof Error ? error.stack : error}`)
  }

  #outcome(): Outcome {
    const { seed, crashes, history, cloud, scheduler } = this
    return {
      ...{ seed, crashes, faults: [...this.faults.kinds] },
      ...{ grants: history.grants.size, sessions: cloud.sessions.length },
      ...{ steps: scheduler.steps, virtualMs: scheduler.nowMs, broken: history.broken },
    }
  }
}
