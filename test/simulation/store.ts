import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { StintError } from '../../src/core/errors.ts'
import { type Ids, randomIds } from '../../src/core/ids.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import type { Faults } from './faults.ts'
import type { History } from './history.ts'
import type { Process } from './process.ts'
import type { Scheduler } from './scheduler.ts'

const MEMORY = '/dev/shm'
const WRITES = [
  'openGrant',
  'intendLease',
  'settleLease',
  'moveGrant',
  'appendEvents',
  'nameHeads',
  'noteUnregistered',
  'appendReports',
  'connectionClosed',
  'sweepGrants',
  'claimDenyList',
  'denyWritten',
  'denyProven',
  'denyFailed',
  'prune',
] as const satisfies readonly (keyof Ledger)[]
const KNOWN: readonly string[] = ['isLive', 'close']
/** Units of the loops, which mostly find nothing to do. */
const IDLE: readonly string[] = ['sweepGrants', 'claimDenyList', 'nameHeads', 'prune']
type Write = (typeof WRITES)[number]

/** The disk: what was committed outlives the process, and nothing else does. A real SQLite ledger, in memory if there is room. */
export class Disk {
  readonly #folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'stint-simulation-'))
  #images = 0
  #open: Ledger | undefined

  get file(): string {
    return join(this.#folder, `ledger-${this.#images}.db`)
  }

  /** Opens what is durable. The process before is gone without having closed anything. */
  async open(clock: Clock, ids: Ids): Promise<Ledger> {
    const before = this.file
    this.#images += 1
    if (!this.#open) writeFileSync(before, await template())
    for (const end of ['', '-wal'])
      if (existsSync(`${before}${end}`)) copyFileSync(`${before}${end}`, `${this.file}${end}`)
    await this.#open?.close()
    for (const end of ['', '-wal', '-shm', '.lock']) rmSync(`${before}${end}`, { force: true })
    this.#open = await openSqliteLedger({ file: this.file, clock, ids })
    return this.#open
  }

  /** The ledger of the newest process, without anything between. */
  get current(): Ledger {
    if (!this.#open) throw new Error('nothing was opened')
    return this.#open
  }

  /** Secrets of sessions that lie on the disk. */
  findSecrets(): readonly string[] {
    return ['', '-wal'].flatMap((end) =>
      existsSync(`${this.file}${end}`)
        ? [...readFileSync(`${this.file}${end}`, 'latin1').matchAll(/canary-(?:secret|token)-\d+/g)].map(
            ([found]) => found,
          )
        : [],
    )
  }

  async dispose(): Promise<void> {
    await this.#open?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

let made: Buffer | undefined

/** An empty ledger, made once: to bring a new one up to date takes longer than many a simulation. */
async function template(): Promise<Buffer> {
  if (made) return made
  const folder = mkdtempSync(join(tmpdir(), 'stint-simulation-'))
  const file = join(folder, 'empty.db')
  await (await openSqliteLedger({ file, clock: systemClock, ids: randomIds })).close()
  made = readFileSync(file)
  rmSync(folder, { recursive: true })
  return made
}

/** The ledger as one process reaches it: calls take time, fail, or are answered with an error although they were committed. */
export function reachLedger(
  ledger: Ledger,
  parts: {
    scheduler: Scheduler
    process: Process
    faults: Faults
    history: History
    /** Called before and after each unit; between them, what happened is durable and the process has not heard. */
    onSeam: (isIdle: boolean) => void
  },
): Ledger {
  const { scheduler, process, faults, history, onSeam } = parts
  const { chance } = scheduler
  let isPoisoned = false

  const latencyMs = () => (faults.strikes('store_slow', 0.2) ? chance.between(100, 3_000) : chance.between(0, 4))
  const refused = () => new StintError('LEDGER_UNAVAILABLE', { explanation: 'simulated: the store refuses' })
  const poisoned = () =>
    new StintError('LEDGER_UNAVAILABLE', { explanation: 'simulated: a sync failed', poisoned: true })

  async function write(name: Write, input: never): Promise<unknown> {
    const isIdle = IDLE.includes(name)
    onSeam(isIdle)
    await process.wait(latencyMs())
    if (!isPoisoned && faults.strikes('store_poisoned', 0.01)) {
      isPoisoned = true
      // Whether the commit that failed is durable is not known.
      if (chance.happens(0.5)) await scheduler.work(() => commit(name, input)).catch(() => undefined)
    }
    if (isPoisoned) throw poisoned()
    if (faults.strikes('store_refuses', 0.1)) throw refused()
    const result = await scheduler.work(() => commit(name, input))
    onSeam(isIdle)
    await process.wait(latencyMs())
    if (faults.strikes('store_loses_acknowledgements', 0.1)) throw refused()
    return result
  }

  async function commit(name: Write, input: never): Promise<unknown> {
    const result = await (ledger[name] as (input: never) => Promise<unknown>)(input)
    history.committed(name, input, result)
    return result
  }

  async function read(name: keyof Ledger, args: unknown[]): Promise<unknown> {
    await process.wait(latencyMs())
    if (faults.strikes('store_refuses', 0.05)) throw refused()
    const result = await scheduler.work(() => (ledger[name] as (...args: unknown[]) => Promise<unknown>)(...args))
    history.read(name, result)
    await process.wait(latencyMs())
    return result
  }

  return new Proxy(ledger, {
    get(target, name: keyof Ledger) {
      const member = target[name]
      // What the process knows without asking the store.
      if (typeof member !== 'function') return member
      if (KNOWN.includes(name)) return member.bind(target)
      if ((WRITES as readonly string[]).includes(name)) return (input: never) => write(name as Write, input)
      return (...args: unknown[]) => read(name, args)
    },
  })
}
