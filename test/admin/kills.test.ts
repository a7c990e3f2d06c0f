import { expect, test } from 'vitest'
import { adminRig, KILL_ID } from './rig.ts'

const ORDER = { scope: 'team', value: 'data', why: 'it deletes buckets' }

test('a kill is handed on with the operator who set it, and answered with what it came to', async () => {
  const rig = adminRig()
  const response = await rig.call('POST', '/v1/kills', {
    as: 'operator',
    body: { ...ORDER, isPublic: true, roleWatermarks: ['inline:x'] },
  })
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    kill: { id: KILL_ID, state: 'denying' },
    isExisting: false,
    shutOut: [],
  })
  expect(rig.calls).toMatchObject([
    {
      method: 'kill',
      operator: { name: 'operator' },
      input: { ...ORDER, isPublic: true, roleWatermarks: ['inline:x'] },
    },
  ])
})

for (const { name, body } of [
  { name: 'without a reason', body: { scope: 'team', value: 'data' } },
  { name: 'of a scope that there is not', body: { ...ORDER, scope: 'planet' } },
  { name: 'with a setting that there is not', body: { ...ORDER, force: true } },
]) {
  test(`a kill ${name} is refused, and nothing is killed`, async () => {
    const rig = adminRig()
    const response = await rig.call('POST', '/v1/kills', { as: 'operator', body: body })
    expect(response.status).toBe(400)
    expect(rig.calls).toEqual([])
  })
}

test('a drill, a list, one kill and its lift have their own paths', async () => {
  const rig = adminRig()
  expect(
    await (await rig.call('POST', '/v1/kills/drill', { as: 'operator', body: { scope: 'everything' } })).json(),
  ).toMatchObject({
    counts: { grants: 1 },
  })
  expect(await (await rig.call('GET', '/v1/kills?state=in_force', { as: 'viewer' })).json()).toMatchObject({
    items: [{ id: KILL_ID }],
  })
  expect(await (await rig.call('GET', `/v1/kills/${KILL_ID}`, { as: 'viewer' })).json()).toMatchObject({
    denies: { unwritten: 1 },
  })
  expect((await rig.call('GET', '/v1/kills/kil_none', { as: 'viewer' })).status).toBe(404)
  expect(
    (await rig.call('POST', `/v1/kills/${KILL_ID}/lift`, { as: 'operator', body: { note: 'looked at it' } })).status,
  ).toBe(200)
  expect(rig.calls.map(({ method }) => method)).toEqual(['drillKill', 'liftKill'])
})

for (const path of ['/v1/kills', '/v1/kills/drill', `/v1/kills/${KILL_ID}/lift`]) {
  test(`POST ${path.replace(KILL_ID, '{id}')} is not for an approver`, async () => {
    const rig = adminRig()
    expect(
      (await rig.call('POST', path, { as: 'approver', body: path.endsWith('lift') ? { note: 'x' } : ORDER })).status,
    ).toBe(403)
    expect(rig.calls).toEqual([])
  })
}
