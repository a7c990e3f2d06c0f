import { expect } from 'vitest'
import { idBody } from '../../../src/core/ids.ts'
import { eventually } from '../../support/eventually.ts'
import type { BrokerStage } from './broker-stage.ts'
import type { Replica } from './replica.ts'

/** Revokes what is still open, waits until every grant has ended, stops the brokers that live, and checks ledger and cloud. */
export async function checkTheEnd(stage: BrokerStage, { by }: { readonly by: Replica }) {
  const open = await stage.sql<{ id: string }>("SELECT id FROM grants WHERE state = 'active'")
  for (const { id } of open) await by.revoke(id)
  const left = async () => stage.sql("SELECT 1 FROM grants WHERE state IN ('active', 'ending')")
  await eventually('the end of every grant', async () => (await left()).length === 0, 120_000, 200)
  const working = stage.cloud.sessions().filter(({ accessKeyId }) => stage.keyWorks(accessKeyId))
  expect(working, 'P6: sessions that work although every grant has ended').toEqual([])
  for (const { process } of stage.replicas) if (!process.gone.aborted) expect((await process.stop()).code).toBe(0)
  return checkTheRecord(stage)
}

async function checkTheRecord(stage: BrokerStage) {
  const view = await stage.ledger()
  expect(view.verdict.problem, 'P9: the audit chains').toBeUndefined()
  const leases = view.grants.flatMap((one) => one.leases)
  const names = new Set(leases.map(({ sessionName }) => sessionName))
  const minted = stage.cloud.sessions().map(({ sessionName }) => sessionName)
  expect(
    minted.filter((name) => !names.has(name)),
    'P2: sessions that nobody knows',
  ).toEqual([])
  for (const { key, answer } of stage.answers) {
    const { lease, grant } = answer
    if (!lease) continue
    const known = leases.find(({ id }) => id === lease.id)
    expect(known, `P1: lease ${lease.id}, whose credentials an agent has`).toMatchObject({
      accessKeyId: lease.accessKeyId,
    })
    const owner = view.grants.find((one) => one.grant.idempotencyKey === key)
    expect(owner?.grant.id, `P3: the grant of ${key}`).toBe(grant.id)
  }
  const keys = view.grants.map(({ grant }) => grant.idempotencyKey)
  expect(new Set(keys).size, 'P3: grants per key').toBe(keys.length)
  for (const { grant, deny } of view.grants)
    if (deny) expect(deny.enforcedAt, `P6: the deny of ${idBody(grant.id)}`).toBeInstanceOf(Date)
  return view
}
