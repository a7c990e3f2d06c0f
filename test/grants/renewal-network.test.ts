import { afterEach, expect, test } from 'vitest'
import { caller, type Harness, openHarness } from '../support/grant-harness.ts'

const OFFICE = { network: { sourceIps: ['203.0.113.0/24'], sourceVpcs: [] } }

let h: Harness
afterEach(async () => {
  await h.close()
  h.remove()
})

/** Grants under one setting of the role and renews under another, as after a restart with a changed configuration. */
async function renewUnder(before: object, now: object) {
  h = await openHarness({ roleSettings: before })
  const { grant } = await h.request('key-00000001')
  const { folder, clock, provider } = h
  await h.close()
  h = await openHarness({ folder, clock, provider, roleSettings: now })
  const renewed = h.grants.renewLease(caller(), grant.id, h.signal)
  return { grant, renewed }
}

test('a network that binds the role since the grant ends the grant, since the plan on record is not bound', async () => {
  const { grant, renewed } = await renewUnder({}, OFFICE)
  await expect(renewed).rejects.toMatchObject({ code: 'APPROVAL_STALE' })
  expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ending', reason: 'policy_changed' })
})

for (const { name, before, now } of [
  { name: 'the same network', before: OFFICE, now: OFFICE },
  { name: 'a network that no longer binds the role', before: OFFICE, now: {} },
  { name: 'another setting that narrows nothing', before: {}, now: { tagKeys: ['team'] } },
]) {
  test(`${name} leaves the grant its leases`, async () => {
    const { renewed } = await renewUnder(before, now)
    expect((await renewed).lease).toBeDefined()
  })
}
