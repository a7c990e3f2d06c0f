import { expect } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { CrashStage } from '../crash/crash-stage.ts'
import { allGrants, verifyLedger } from '../support/audit-record.ts'
import type { SteadyAgents } from './steady-agents.ts'

/** Whatever versions wrote it: every grant that was served is there once and completed, and so is every session of the cloud. */
export async function checkRecord(ledger: Ledger, stage: CrashStage, agents: SteadyAgents): Promise<void> {
  const grants = await allGrants(ledger)
  const byKey = Map.groupBy(grants, ({ idempotencyKey }) => idempotencyKey)
  expect([...byKey.values()].filter((same) => same.length > 1)).toEqual([])
  const unfinished = agents.done.filter((key) => {
    const state = byKey.get(key)?.[0]?.state
    return state !== 'ending' && state !== 'ended'
  })
  expect(unfinished).toEqual([])
  const leases = (await Promise.all(grants.map(({ id }) => ledger.listLeases(id)))).flat()
  const onRecord = new Set(leases.map(({ sessionName }) => sessionName))
  const minted = stage.stage.cloud.sessions().map(({ sessionName }) => sessionName)
  expect(minted.filter((name) => !onRecord.has(name))).toEqual([])
  expect(minted.length).toBeGreaterThan(agents.done.length)
  expect((await verifyLedger(ledger)).problem).toBeUndefined()
}
