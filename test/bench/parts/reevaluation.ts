import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchRun, startBenchBroker } from '../bench-run.ts'
import { PinnedProcess, SERVER_CORE } from '../pinned-process.ts'

const GRANTS = { full: 10_000, quick: 10_000, smoke: 200 }
const TTL_MS = 3_600_000
const POLL_MS = 50
const GIVE_UP_MS = 300_000

export interface Reevaluation {
  readonly grants: number
  /** From the change of the policy files until no grant that they refuse is active any more, looking for the files and letting them settle included. */
  readonly allMs: number
}

/** Policies change, so that none of many active grants is permitted any more. */
export async function measureReevaluation({ stage, scale, say, ...run }: BenchRun): Promise<Reevaluation> {
  const grants = GRANTS[scale.name]
  say(`${grants} active grants after a policy change`)
  const file = stage.place('reevaluation.db')
  const policies = stage.place('policies/bench.cedar')
  const before = await readFile(policies, 'utf8')
  const filler = new PinnedProcess({ role: 'ledger', core: SERVER_CORE })
  await filler.call('fill', { file, count: grants, deadline: Date.now() + TTL_MS })
  const broker = await startBenchBroker({ ...run, stage, scale, say }, 'reevaluation')
  try {
    const changedMs = performance.now()
    await writeFile(policies, before.replaceAll('data:invoices', 'data:none'))
    while ((await filler.call<number>('active', { file })) > 0) {
      if (performance.now() - changedMs > GIVE_UP_MS) throw new Error('grants that policy refuses are active still')
      await sleep(POLL_MS)
    }
    return { grants, allMs: performance.now() - changedMs }
  } finally {
    await writeFile(policies, before)
    await broker.process.end()
    await filler.end()
  }
}
