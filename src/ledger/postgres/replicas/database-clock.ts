import type { Clock } from '../../../core/clock.ts'
import type { ClockReading } from '../../../core/clock-guard.ts'
import type { Rows, Statement } from '../database/statement.ts'

/** Readings that the offset is chosen from. */
const RECENT = 5

interface Compared {
  /** Our wall clock minus that of the database. */
  readonly offsetMs: number
  readonly errorMs: number
}

/** Compares the clock of this machine with that of the database, which all replicas have in common. */
export class DatabaseClock {
  readonly #clock: Clock
  readonly #listeners: ((reading: ClockReading) => void)[] = []
  #latest: ClockReading | undefined
  #recent: readonly Compared[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Hands over every reading from now on, and the latest one at once. */
  listen(listener: (reading: ClockReading) => void): void {
    this.#listeners.push(listener)
    if (this.#latest) listener(this.#latest)
  }

  /** Our wall clock minus that of the database, by the quickest of the last readings: half of its round trip is the error. */
  get offsetMs(): number | undefined {
    return this.#recent.toSorted((a, b) => a.errorMs - b.errorMs)[0]?.offsetMs
  }

  /** Runs statements, one of them a question for the time, in one round. @returns the answers to the others */
  async ask(
    statements: readonly Statement[],
    run: (statements: readonly Statement[]) => Promise<Rows[]>,
  ): Promise<Rows[]> {
    const [wallMs, sentMs] = [this.#clock.now().getTime(), this.#clock.monotonicMs()]
    const [own, ...others] = await run([TIME, ...statements])
    const tookMs = this.#clock.monotonicMs() - sentMs
    const databaseMs = Number((own?.[0] as { now: string } | undefined)?.now)
    if (Number.isFinite(databaseMs)) this.#take({ wallMs, sentMs, tookMs, databaseMs })
    return others
  }

  /** The write that puts the offset on record. */
  writes(replica: string): Statement[] {
    const offsetMs = this.offsetMs
    if (offsetMs === undefined) return []
    const text = 'UPDATE replicas SET clock_offset_ms = $2 WHERE id = $1'
    return [{ name: 'clock-offset', text, values: [replica, Math.round(offsetMs)] }]
  }

  #take(read: { wallMs: number; sentMs: number; tookMs: number; databaseMs: number }): void {
    const errorMs = read.tookMs / 2
    const atMs = read.sentMs + errorMs
    this.#latest = { atMs, offsetMs: read.databaseMs - atMs, errorMs }
    this.#recent = [...this.#recent, { offsetMs: read.wallMs + errorMs - read.databaseMs, errorMs }].slice(-RECENT)
    for (const listener of this.#listeners) listener(this.#latest)
  }
}

/** In the middle of a transaction too, the time of now. */
const TIME: Statement = { text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now' }
