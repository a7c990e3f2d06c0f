import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchRun, startBenchBroker } from '../bench-run.ts'
import { PinnedProcess, SERVER_CORE } from '../pinned-process.ts'

/** What filling and starting may take before the deadline comes; tried again with twice as much where it is too little. */
const LEAD_MS = { full: 10_000, quick: 10_000, smoke: 2_500 }
/** How long after the deadline is looked: five times the target. */
const GRACE_MS = { full: 5_000, quick: 5_000, smoke: 1_000 }
const LONGEST_LEAD_MS = 60_000

export interface Expiry {
  readonly grants: number
  readonly ended: number
  /** From the deadline to the end on record. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Many grants with one and the same deadline, and the broker's sweeper. */
export async function measureExpiry(run: BenchRun): Promise<Expiry> {
  for (let leadMs = LEAD_MS[run.scale.name]; leadMs <= LONGEST_LEAD_MS; leadMs *= 2) {
    run.say(`${run.scale.expiringGrants} grants with one deadline in ${leadMs / 1_000} s`)
    const found = await expireAll(run, leadMs)
    if (found) return found
  }
  throw new Error('the machine is too slow: every deadline came before the broker served')
}

/** Undefined when the deadline came too soon. */
async function expireAll(run: BenchRun, leadMs: number): Promise<Expiry | undefined> {
  const { stage, scale } = run
  const file = stage.place(`expiry-${leadMs}.db`)
  const deadline = Date.now() + leadMs
  const filler = new PinnedProcess({ role: 'ledger', core: SERVER_CORE })
  await filler.call('fill', { file, count: scale.expiringGrants, deadline })
  const broker = await startBenchBroker(run, file)
  const isTooLate = Date.now() >= deadline
  if (!isTooLate) await sleep(deadline + GRACE_MS[scale.name] - Date.now())
  await broker.process.end()
  const late = isTooLate ? undefined : await filler.call<Expiry>('lateness', { file, deadline })
  await filler.end()
  return late
}
