import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListEntitiesForPolicyCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { afterEach, expect, test } from 'vitest'
import type { PracticeCloud } from '../../../src/practice/cloud.ts'
import { ACCOUNT, assume, BOUNDARY, outcome, policy, startStage, TASK_ROLE, TRUST } from '../stage.ts'

let cloud: PracticeCloud | undefined
afterEach(() => cloud?.close())

async function stage(options: Parameters<typeof startStage>[0] = {}) {
  const made = await startStage(options)
  cloud = made.cloud
  return { ...made, client: made.iam(made.broker) }
}

const text = (...statements: object[]) => JSON.stringify(policy(...statements))
const denyOf = (...grants: string[]) =>
  policy({}, { Effect: 'Deny', Condition: { StringEquals: { 'aws:SourceIdentity': grants } } })

/** A policy of exactly this many characters other than white space; the white space must not count. */
function policyOfLength(length: number): string {
  const empty = text({ Sid: '' })
  return text({ Sid: 'x'.repeat(length - empty.length) }).replaceAll(',', ', \n')
}

test('roles and inline policies are created, read back as written, and deleted', async () => {
  const { client } = await stage()
  const trust = JSON.stringify(TRUST)
  const { Role } = await client.send(
    new CreateRoleCommand({
      RoleName: 'made',
      Path: '/jit/',
      AssumeRolePolicyDocument: trust,
      MaxSessionDuration: 7_200,
    }),
  )
  expect(Role).toMatchObject({
    RoleName: 'made',
    Arn: `arn:aws:iam::${ACCOUNT}:role/jit/made`,
    MaxSessionDuration: 7_200,
  })
  const document = text({ Resource: 'arn:aws:s3:::a b/é&<*' })
  await client.send(new PutRolePolicyCommand({ RoleName: 'made', PolicyName: 'p', PolicyDocument: document }))
  const read = await client.send(new GetRolePolicyCommand({ RoleName: 'made', PolicyName: 'p' }))
  expect(decodeURIComponent(read.PolicyDocument ?? '')).toBe(document)
  expect((await client.send(new ListRolePoliciesCommand({ RoleName: 'made' }))).PolicyNames).toEqual(['p'])
  expect(await outcome(client.send(new DeleteRoleCommand({ RoleName: 'made' })))).toMatch(/^DeleteConflict/)
  await client.send(new DeleteRolePolicyCommand({ RoleName: 'made', PolicyName: 'p' }))
  await client.send(new DeleteRoleCommand({ RoleName: 'made' }))
  expect(await outcome(client.send(new GetRoleCommand({ RoleName: 'made' })))).toMatch(/^NoSuchEntity/)
})

test('a managed policy has at most five versions, of which the default one stays', async () => {
  const { client } = await stage({ boundary: policy({}) })
  const add = (setAsDefault: boolean) =>
    client.send(
      new CreatePolicyVersionCommand({ PolicyArn: BOUNDARY, PolicyDocument: text({}), SetAsDefault: setAsDefault }),
    )
  for (const setAsDefault of [false, true, false, true]) await add(setAsDefault)
  expect(await outcome(add(true))).toMatch(/^LimitExceeded/)
  const { Versions = [] } = await client.send(new ListPolicyVersionsCommand({ PolicyArn: BOUNDARY }))
  expect(Versions.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion])).toEqual([
    ['v5', true],
    ['v4', false],
    ['v3', false],
    ['v2', false],
    ['v1', false],
  ])
  expect((await client.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }))).Policy?.DefaultVersionId).toBe('v5')
  expect(await outcome(client.send(new DeletePolicyVersionCommand({ PolicyArn: BOUNDARY, VersionId: 'v5' })))).toMatch(
    /^DeleteConflict/,
  )
  await client.send(new DeletePolicyVersionCommand({ PolicyArn: BOUNDARY, VersionId: 'v1' }))
  await add(true)
  const { PolicyVersion } = await client.send(new GetPolicyVersionCommand({ PolicyArn: BOUNDARY, VersionId: 'v6' }))
  expect(decodeURIComponent(PolicyVersion?.Document ?? '')).toBe(text({}))
})

test('a policy says of how many roles it is the boundary', async () => {
  const { client } = await stage({ boundary: policy({}) })
  const usage = async () =>
    (await client.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }))).Policy?.PermissionsBoundaryUsageCount
  const before = (await usage()) ?? Number.NaN
  await client.send(new DeleteRolePermissionsBoundaryCommand({ RoleName: 'task' }))
  expect(await usage()).toBe(before - 1)
  await client.send(new PutRolePermissionsBoundaryCommand({ RoleName: 'task', PermissionsBoundary: BOUNDARY }))
  expect(await usage()).toBe(before)
})

test('a policy can be attached to roles, which it lists, and taken off again', async () => {
  const { client } = await stage({ boundary: policy({}) })
  const of = { RoleName: 'task', PolicyArn: BOUNDARY }
  const usage = async () => {
    const { Policy } = await client.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }))
    const { PolicyRoles = [] } = await client.send(new ListEntitiesForPolicyCommand({ PolicyArn: BOUNDARY }))
    return [Policy?.AttachmentCount, PolicyRoles.map(({ RoleName }) => RoleName)]
  }
  expect(await usage()).toEqual([0, []])
  for (let n = 0; n < 2; n += 1) await client.send(new AttachRolePolicyCommand(of))
  expect(await usage()).toEqual([1, ['task']])
  await client.send(new DetachRolePolicyCommand(of))
  expect(await usage()).toEqual([0, []])
  expect(await outcome(client.send(new DetachRolePolicyCommand(of)))).toMatch(/^NoSuchEntity/)
})

/** Quotas: IAM User Guide, "IAM and AWS STS quotas"; white space is not counted. */
const limits: { name: string; call: (client: IAMClient) => Promise<unknown>; result: RegExp }[] = [
  {
    name: 'an inline policy of 10240',
    call: (client) =>
      client.send(
        new PutRolePolicyCommand({ RoleName: 'task', PolicyName: 'all', PolicyDocument: policyOfLength(10_240) }),
      ),
    result: /^ok$/,
  },
  {
    name: 'an inline policy of 10241',
    call: (client) =>
      client.send(
        new PutRolePolicyCommand({ RoleName: 'task', PolicyName: 'all', PolicyDocument: policyOfLength(10_241) }),
      ),
    result: /^LimitExceeded/,
  },
  {
    name: 'a second inline policy beyond the sum',
    call: (client) =>
      client.send(new PutRolePolicyCommand({ RoleName: 'task', PolicyName: 'more', PolicyDocument: text({}) })),
    result: /^LimitExceeded/,
  },
  {
    name: 'a managed policy of 6144',
    call: (client) =>
      client.send(new CreatePolicyCommand({ PolicyName: 'fits', PolicyDocument: policyOfLength(6_144) })),
    result: /^ok$/,
  },
  {
    name: 'a managed policy of 6145',
    call: (client) =>
      client.send(new CreatePolicyCommand({ PolicyName: 'over', PolicyDocument: policyOfLength(6_145) })),
    result: /^LimitExceeded/,
  },
  {
    name: 'a managed policy of a taken name',
    call: (client) => client.send(new CreatePolicyCommand({ PolicyName: 'fits', PolicyDocument: text({}) })),
    result: /^EntityAlreadyExists/,
  },
  {
    name: 'a document that is no policy',
    call: (client) =>
      client.send(new PutRolePolicyCommand({ RoleName: 'task', PolicyName: 'p', PolicyDocument: '[]' })),
    result: /^MalformedPolicyDocument/,
  },
  {
    name: 'a role that is not there',
    call: (client) =>
      client.send(new PutRolePolicyCommand({ RoleName: 'none', PolicyName: 'p', PolicyDocument: text({}) })),
    result: /^NoSuchEntity/,
  },
  {
    name: 'a boundary that is not there',
    call: (client) =>
      client.send(new PutRolePermissionsBoundaryCommand({ RoleName: 'task', PermissionsBoundary: BOUNDARY })),
    result: /^NoSuchEntity/,
  },
  {
    name: 'a role of a taken name',
    call: (client) =>
      client.send(new CreateRoleCommand({ RoleName: 'task', AssumeRolePolicyDocument: JSON.stringify(TRUST) })),
    result: /^EntityAlreadyExists/,
  },
]
test('IAM refuses what is over its quotas, is not there, or is there already', async () => {
  const { client } = await stage()
  for (const { name, call, result } of limits)
    expect([name, await outcome(call(client))]).toEqual([name, expect.stringMatching(result)])
})

const GET = ['s3:GetObject', 'arn:aws:s3:::invoices/in/1.txt'] as const

test('a deny list in the boundary is read back at once and enforced after the propagation delay', async () => {
  const { clock, cloud, broker, client, sts } = await stage({ boundary: policy({}), propagationDelayMs: 180_000 })
  await assume(sts(broker), { SourceIdentity: 'grant-1' })
  await assume(sts(broker), { SourceIdentity: 'grant-2' })
  const [first, second] = cloud.liveSessions()
  if (first === undefined || second === undefined) throw new Error('two sessions were minted')
  await client.send(
    new CreatePolicyVersionCommand({
      PolicyArn: BOUNDARY,
      PolicyDocument: JSON.stringify(denyOf('grant-1')),
      SetAsDefault: true,
    }),
  )
  expect((await client.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }))).Policy?.DefaultVersionId).toBe('v2')
  await clock.advance(179_999)
  expect(cloud.allows(first, ...GET).allowed).toBe(true)
  await clock.advance(1)
  expect(cloud.allows(first, ...GET)).toMatchObject({ allowed: false, layer: 'boundary', explicit: true })
  expect(cloud.allows(second, ...GET).allowed).toBe(true)
})

test('an inline deny and its removal each take the propagation delay', async () => {
  const { clock, cloud, broker, client, sts } = await stage({ propagationDelayMs: 4_000 })
  await assume(sts(broker), { SourceIdentity: 'grant-1' })
  const [session] = cloud.liveSessions()
  if (session === undefined) throw new Error('a session was minted')
  const seen = () => cloud.allows(session, ...GET).allowed
  await client.send(
    new PutRolePolicyCommand({
      RoleName: 'task',
      PolicyName: 'deny',
      PolicyDocument: JSON.stringify(denyOf('grant-1')),
    }),
  )
  const written = [seen()]
  await clock.advance(4_000)
  written.push(seen())
  await client.send(new DeleteRolePolicyCommand({ RoleName: 'task', PolicyName: 'deny' }))
  written.push(seen())
  await clock.advance(4_000)
  expect([...written, seen()]).toEqual([true, false, false, true])
})

test('a new role can be assumed after the propagation delay, and a deleted one ends its sessions for good', async () => {
  const { clock, cloud, broker, client, sts } = await stage({ propagationDelayMs: 1_000 })
  const RoleArn = `arn:aws:iam::${ACCOUNT}:role/fresh`
  const create = () =>
    client.send(new CreateRoleCommand({ RoleName: 'fresh', AssumeRolePolicyDocument: JSON.stringify(TRUST) }))
  await create()
  expect(await outcome(assume(sts(broker), { RoleArn }))).toBe('AccessDenied')
  await clock.advance(1_000)
  await client.send(new PutRolePolicyCommand({ RoleName: 'fresh', PolicyName: 'all', PolicyDocument: text({}) }))
  await clock.advance(1_000)
  await assume(sts(broker), { RoleArn })
  const [session] = cloud.liveSessions()
  if (session === undefined) throw new Error('a session was minted')
  expect(cloud.allows(session, ...GET).allowed).toBe(true)
  await client.send(new DeleteRolePolicyCommand({ RoleName: 'fresh', PolicyName: 'all' }))
  await client.send(new DeleteRoleCommand({ RoleName: 'fresh' }))
  await create()
  await client.send(new PutRolePolicyCommand({ RoleName: 'fresh', PolicyName: 'all', PolicyDocument: text({}) }))
  await clock.advance(1_000)
  expect(cloud.allows(session, ...GET).allowed).toBe(false)
})

test('IAM calls are judged by the caller’s own policies', async () => {
  const { cloud, iam } = await stage({ boundary: policy({}) })
  const revoker = cloud.addPrincipal({
    arn: `arn:aws:iam::${ACCOUNT}:user/revoker`,
    policies: [policy({ Action: 'iam:CreatePolicyVersion', Resource: BOUNDARY })],
  })
  const client = iam(revoker)
  expect(
    await outcome(client.send(new CreatePolicyVersionCommand({ PolicyArn: BOUNDARY, PolicyDocument: text({}) }))),
  ).toBe('ok')
  expect(
    await outcome(
      client.send(new PutRolePolicyCommand({ RoleName: 'task', PolicyName: 'p', PolicyDocument: text({}) })),
    ),
  ).toBe('AccessDenied')
  expect(cloud.calls().at(-1)).toMatchObject({
    service: 'iam',
    action: 'PutRolePolicy',
    outcome: 'AccessDenied',
    resource: TASK_ROLE.split('/')[1],
  })
})
