import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { caller, type Harness, OSCAR, openHarness, READ, task } from '../support/grant-harness.ts'

let h: Harness

beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

/** As a disk or a person would: past the broker, without its checks. */
function damage(sql: string): void {
  const db = new DatabaseSync(join(h.folder, 'ledger.db'), { enableForeignKeyConstraints: false })
  db.exec(`PRAGMA ignore_check_constraints = ON; ${sql}`)
  db.close()
}

/** No Date reaches this far. */
const FAR = '8640000000000001'

const DAMAGE = [
  { what: 'plan does not parse', sql: "UPDATE plans SET body = '{'" },
  { what: 'lease ends beyond all dates', sql: `UPDATE leases SET not_after = ${FAR}` },
  { what: 'lease has an impossible end on record', sql: `UPDATE leases SET ended_at = ${FAR}` },
]

// P6: whatever a row has become, a person can still take the credentials back.
describe('a grant whose', () => {
  for (const { what, sql } of DAMAGE) {
    test(`${what} is revoked, and goes on the deny list`, async () => {
      const { grant } = await h.request('key-00000001', task(READ))
      damage(sql)
      const revoked = await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
      expect(revoked).toMatchObject({ grant: { state: 'ending', reason: 'revoked' }, outcome: { kind: 'ending' } })
      expect(await h.ledger.findDenyEntry(grant.id)).toMatchObject({ grantId: grant.id })
    })

    test(`${what} is completed by its agent`, async () => {
      const { grant } = await h.request('key-00000001', task(READ))
      damage(sql)
      const { grant: completed } = await h.grants.completeGrant(caller(), grant.id, 'done')
      expect(completed).toMatchObject({ state: 'ending', reason: 'completed' })
    })
  }

  test('plan cannot be read is denied for as long as any plan could need it, also if its task only read', async () => {
    const { grant } = await h.request('key-00000001', task(READ))
    const whole = (await h.request('key-00000002', task({ ...READ, resources: ['arn:aws:s3:::other/*'] }))).grant
    damage(`UPDATE plans SET body = '{' WHERE n = (SELECT plan_n FROM grants WHERE id = '${grant.id}')`)
    for (const { id } of [grant, whole]) await h.grants.completeGrant(caller(), id, 'done')
    const hourMs = 3_600_000
    expect((await h.ledger.findDenyEntry(grant.id))?.until.getTime()).toBeGreaterThan(h.clock.now().getTime() + hourMs)
    expect(await h.ledger.findDenyEntry(whole.id)).toBeUndefined()
  })

  test('plan cannot be read ends at its deadline, and is denied as if its sessions could chain', async () => {
    const { grant } = await h.request('key-00000001', task(READ))
    damage("UPDATE plans SET body = '{'")
    await h.clock.advance(1_800_000)
    await h.sweeper.sweep()
    expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended', reason: 'deadline' })
    expect((await h.ledger.findDenyEntry(grant.id))?.until.getTime()).toBeGreaterThan(
      h.clock.now().getTime() + 1_800_000,
    )
  })

  test('deny entry does not say until when is denied anew by a revocation', async () => {
    const { grant } = await h.request('key-00000001', task({ actions: ['s3:PutObject'], resources: READ.resources }))
    await h.grants.completeGrant(caller(), grant.id, 'done')
    damage(`UPDATE deny_entries SET until = ${FAR}`)
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    expect((await h.ledger.findDenyEntry(grant.id))?.until.getTime()).toBeGreaterThan(h.clock.now().getTime())
  })
})
