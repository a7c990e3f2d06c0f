import { afterEach, beforeEach, expect, test } from 'vitest'
import { stageCloudPolicies } from '../../../src/practice/stage/stage-rules.ts'
import type { StintClient } from '../../../src/sdk/client.ts'
import { eventually } from '../../support/eventually.ts'
import { ReloadRig } from './reload-rig.ts'

const OBJECT = 'arn:aws:s3:::invoices-staging/2026/11/one.json'
const WRITE = { actions: ['s3:PutObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }
const DELETE = { actions: ['s3:DeleteObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }

let rig: ReloadRig
let agent: StintClient
beforeEach(async () => {
  rig = await ReloadRig.open()
  agent = await rig.agent()
})
afterEach(() => rig.close())

const arn = (resource: string) => `arn:aws:iam::${rig.stage.cloud.accountId}:${resource}`
const findCode = async (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  )

/** Makes another role in the cloud, with a boundary of its own that anybody may write. */
function makeRole(name: string): string {
  const { cloud } = rig.stage
  const policies = stageCloudPolicies(arn)
  const boundary = arn(`policy/${name}-boundary`)
  cloud.createPolicy({ arn: boundary, document: policies.boundary })
  cloud.createRole({
    arn: arn(`role/stint/${name}`),
    trustPolicy: policies.trust,
    policies: { data: policies.role },
    permissionsBoundary: boundary,
  })
  return arn(`role/stint/${name}`)
}

const findSession = (grantId: string) => {
  const body = grantId.slice(grantId.indexOf('_') + 1)
  return rig.stage.cloud.sessions().findLast(({ sourceIdentity }) => sourceIdentity === body)
}
const allowed = (grantId: string) => {
  const session = findSession(grantId)
  return session !== undefined && rig.stage.cloud.allows(session, 's3:PutObject', OBJECT).allowed
}

test('a role that comes into the file is served at once, and one that leaves it no more', async () => {
  const other = makeRole('other')
  const task = rig.task({ roleArn: other })
  expect(await findCode(agent.requestGrant(task, 'role-key-00001'))).toBe('ROLE_UNKNOWN')
  await rig.change((settings) => {
    settings.roles.push({ arn: other, revocation: { kind: 'boundary', policyArn: arn('policy/other-boundary') } })
  })
  const { grant } = await agent.requestGrant(task, 'role-key-00002')
  expect(grant.state).toBe('active')
  await rig.change((settings) => settings.roles.pop())
  expect(await findCode(agent.requestGrant(task, 'role-key-00003'))).toBe('ROLE_UNKNOWN')
})

test('a role that leaves the file while grants on it are active: renewals end them, and their sessions are cut', async () => {
  const other = makeRole('other')
  const { grant } = await agent.requestGrant(rig.task({ access: [WRITE] }), 'role-key-00001')
  expect(allowed(grant.id)).toBe(true)
  await rig.change((settings) => {
    settings.roles = [{ arn: other, revocation: { kind: 'none' } }]
  })
  expect(await findCode(agent.renewLease(grant.id))).toBe('ROLE_UNKNOWN')
  const ended = await agent.getGrant(grant.id)
  expect([ended.state, ended.reason]).toEqual([expect.stringMatching(/ending|ended/), 'policy_changed'])
  await eventually('the session is cut', () => !allowed(grant.id))
  // The document is still there to be written, so that the entry is no problem.
  expect((await rig.status()).problems.filter(({ component }) => component.startsWith('deny:'))).toEqual([])
})

test('what waited for its deny list when the role left the file is still denied there', async () => {
  const other = makeRole('other')
  const { cloud } = rig.stage
  const { grant } = await agent.requestGrant(rig.task({ access: [WRITE] }), 'role-key-00001')
  const cure = cloud.setFault({ service: 'iam', kind: 'error500' })
  await agent.completeGrant(grant.id, 'done')
  await rig.change((settings) => {
    settings.roles = [{ arn: other, revocation: { kind: 'none' } }]
  })
  cure()
  await eventually('the session is cut', () => !allowed(grant.id))
})

test('a role that is given another boundary: its entries stay on the old one, and can still be made urgent', async () => {
  makeRole('other')
  const { cloud } = rig.stage
  const { grant } = await agent.requestGrant(rig.task({ access: [WRITE] }), 'role-key-00001')
  const cure = cloud.setFault({ service: 'iam', kind: 'error500' })
  await agent.completeGrant(grant.id, 'done')
  await rig.change((settings) => {
    settings.roles[0].revocation.policyArn = arn('policy/other-boundary')
  })
  const revoked = await rig.post(`/v1/grants/${grant.id}/revoke`, 'oscar', { note: 'now' })
  expect(revoked.status).toBe(200)
  cure()
  await eventually('the session is cut by the old boundary', () => !allowed(grant.id))
  const later = await agent.requestGrant(rig.task({ access: [WRITE] }), 'role-key-00002')
  await rig.post(`/v1/grants/${later.grant.id}/revoke`, 'oscar', { note: 'now' })
  const lists = (await (await rig.get('/v1/deny-lists')).json()) as { items: { key: string; entries: number }[] }
  expect(lists.items.map(({ key }) => key).sort()).toEqual(
    [`boundary:${arn('policy/other-boundary')}`, `boundary:${arn('policy/stint-boundary')}`].sort(),
  )
})

test('a change of a role that changes the plan voids the approval that was asked for', async () => {
  const { grant } = await agent.requestGrant(rig.task({ access: [DELETE] }), 'role-key-00001')
  expect(grant.state).toBe('awaiting_approval')
  const approvals = (await (await rig.get('/v1/approvals', 'olga')).json()) as {
    items: { id: string; planHash: string }[]
  }
  const [approval] = approvals.items
  await rig.change((settings) => {
    settings.roles[0].revocation = { kind: 'none' }
  })
  const answer = await rig.post(`/v1/approvals/${approval?.id}/approve`, 'olga', {
    planHash: approval?.planHash,
    note: 'go on',
  })
  expect(await answer.json()).toMatchObject({
    code: 'APPROVAL_VOIDED',
    details: { changes: ['Its warnings differ.'] },
  })
  expect(await rig.problems('roles')).toMatchObject([{ finding: 'cannot-revoke' }])
})

test('the classes that need an approval change with the file', async () => {
  await rig.change((settings) => {
    settings.policy.approvalsRequiredFor = ['read', 'write', 'destructive', 'permissions', 'escalation']
  })
  const { grant } = await agent.requestGrant(rig.task(), 'role-key-00001')
  expect(grant.state).toBe('awaiting_approval')
})

test('the time of leases changes with the file, for leases that begin then', async () => {
  const leaseMs = async (key: string) => {
    const { lease } = await agent.requestGrant(rig.task(), key)
    return (lease?.notAfter.getTime() ?? 0) - Date.now()
  }
  expect(await leaseMs('role-key-00001')).toBeGreaterThan(200_000)
  await rig.change((settings) => {
    settings.grants.leaseTime = '60s'
  })
  expect(await leaseMs('role-key-00002')).toBeLessThanOrEqual(60_000)
})

test('a role whose external id cannot be read changes nothing, until the file is there', async () => {
  const other = makeRole('other')
  await rig.change((settings) => {
    settings.admin.operators.pop()
    settings.roles.push({ arn: other, externalIdFile: 'not-there', revocation: { kind: 'none' } })
  })
  expect(await rig.problems('config')).toMatchObject([
    { code: 'CONFIG_INVALID', explanation: expect.stringContaining('not-there') },
  ])
  expect(await findCode(agent.planTask(rig.task({ roleArn: other })))).toBe('ROLE_UNKNOWN')
})

test('a reload under load drops no call', async () => {
  const other = makeRole('other')
  let calls = 0
  let over = false
  const work = async (n: number) => {
    while (!over) {
      const { grant } = await agent.requestGrant(rig.task(), `load-${n}-${calls++}-0000`)
      await agent.renewLease(grant.id)
      await agent.completeGrant(grant.id, 'done')
    }
  }
  const working = Promise.all(Array.from({ length: 4 }, (_, n) => work(n)))
  for (let n = 0; n < 6; n++) {
    await rig.change((settings) => {
      settings.roles = [settings.roles[0], ...(n % 2 ? [] : [{ arn: other, revocation: { kind: 'none' } }])]
      settings.roles[0].tagKeys = [`key-${n}`]
    })
  }
  over = true
  await working
  expect(await rig.events('configuration.reloaded')).toHaveLength(6)
  expect(calls).toBeGreaterThan(6)
})
