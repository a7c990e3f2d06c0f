import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchRun, startBenchBroker } from '../bench-run.ts'
import { PinnedProcess, SERVER_CORE } from '../pinned-process.ts'

/** What filling and starting may take before the deadline comes; tried again with twice as much where it is too little. */
const LEAD_MS = { full: 10_000, quick: 10_000, smoke: 2_500 }
/** How often the ledger is read for grants that still live, and for how long: a busy machine sweeps late. */
const POLL_MS = 500
const GRACE_MS = 60_000
const LONGEST_LEAD_MS = 60_000

export interface Expiry {
  readonly grants: number
  readonly ended: number
  /** From the deadline to the end on record. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the ledger's file, for a grant from its request to its end, with its share of the audit log. */
  readonly kbEach: number
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
  const name = `expiry-${leadMs}`
  const file = stage.place(`${name}.db`)
  const deadline = Date.now() + leadMs
  const filler = new PinnedProcess({ role: 'ledger', core: SERVER_CORE })
  await filler.call('fill', { file, count: scale.expiringGrants, deadline })
  const broker = await startBenchBroker(run, name)
  const isTooLate = Date.now() >= deadline
  if (!isTooLate) {
    await sleep(deadline - Date.now())
    await waitUntilAllEnded(filler, file, deadline)
  }
  await broker.process.end()
  const late = isTooLate ? undefined : await filler.call<Omit<Expiry, 'kbEach'>>('lateness', { file, deadline })
  await filler.end()
  return late && { ...late, kbEach: (await stat(file)).size / 1_024 / late.grants }
}

/** @throws {Error} when grants still live long after their deadline: a figure of those that ended would flatter. */
async function waitUntilAllEnded(filler: PinnedProcess, file: string, deadline: number): Promise<void> {
  for (;;) {
    await sleep(POLL_MS)
    const live = await filler.call<number>('live', { file })
    if (live === 0) return
    if (Date.now() > deadline + GRACE_MS) throw new Error(`${live} grants live ${GRACE_MS} ms after their deadline`)
  }
}
