import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import { LiveConfig } from '../../src/start/reload/live-config.ts'
import { rolePolicies } from '../../src/start/rules/role-policies/role-policies.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/settle.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/ops'
const OTHER = 'arn:aws:iam::123456789012:role/admin'
const MANAGED = 'arn:aws:iam::123456789012:policy/read-data'
const BOUNDARY = 'arn:aws:iam::123456789012:policy/stint-boundary'
const STOP = { action: 'ec2:StopInstances', resource: 'arn:aws:ec2:eu-west-1:123456789012:instance/i-1' }
const policy = (Action: string) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })

/** The output of `aws iam get-account-authorization-details`; field names as in the IAM API Reference. */
const details = (action: string, more: object = {}) => ({
  UserDetailList: [],
  GroupDetailList: [],
  RoleDetailList: [
    {
      ...{ Path: '/stint/', RoleName: 'ops', Arn: ROLE, AssumeRolePolicyDocument: {} },
      RolePolicyList: [{ PolicyName: 'ops', PolicyDocument: policy(action) }],
      AttachedManagedPolicies: [{ PolicyName: 'read-data', PolicyArn: MANAGED }],
      PermissionsBoundary: { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: BOUNDARY },
    },
    { RoleName: 'admin', Arn: OTHER, RolePolicyList: [{ PolicyName: 'x', PolicyDocument: 'never parsed' }] },
  ],
  Policies: [
    {
      Arn: MANAGED,
      DefaultVersionId: 'v2',
      PolicyVersionList: [
        { VersionId: 'v2', IsDefaultVersion: true, Document: policy('s3:Get*') },
        { VersionId: 'v1', IsDefaultVersion: false, Document: policy('s3:*') },
      ],
    },
  ],
  ...more,
})

let folder: string
const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-role-policies-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function start() {
  const clock = new ManualClock()
  const partHealth = new PartHealth({ logger: createLogger({ level: 'fatal' }), clock })
  const config = {
    identity: { reloadEvery: 5_000 },
    roles: [{ arn: ROLE, revocation: { kind: 'boundary', policyArn: BOUNDARY } }],
    reach: { directory: folder, staleAfter: 7 * 86_400_000 },
  }
  const surroundings = { config, liveConfig: new LiveConfig(config as never), clock, partHealth }
  const part = await rolePolicies.start(surroundings as unknown as Parameters<typeof rolePolicies.start>[0])
  return {
    judge: (question = STOP) => part.value.current().find(ROLE)?.judge(question).verdict,
    current: () => part.value.current(),
    async reloadUntil(look: () => boolean) {
      // The files are real: a look that is under way has not gone to sleep yet.
      while (!look()) {
        await until(() => clock.sleepers === 2)
        await clock.advance(5_000)
      }
    },
    clock,
    problems: () => partHealth.problems(),
    stop: () => part.stop?.(),
  }
}

test('roles get the inline and attached policies of the file, and their own boundary needs no text', async () => {
  write('123456789012.json', details('ec2:StopInstances'))
  const { judge, current, problems, stop } = await start()
  expect(judge()).toBe('yes')
  expect(judge({ action: 's3:GetObject', resource: 'arn:aws:s3:::a/b' })).toBe('yes')
  expect(judge({ action: 's3:PutObject', resource: 'arn:aws:s3:::a/b' })).toBe('no')
  expect(current().find(OTHER)).toBeUndefined()
  expect(problems()).toEqual([])
  await stop()
})

test('a changed file counts within seconds; a broken one is a problem, and the last good one stays', async () => {
  write('a.json', details('ec2:StopInstances'))
  const { judge, problems, reloadUntil, stop } = await start()
  write('a.json', details('ec2:StartInstances'))
  await reloadUntil(() => judge() === 'no')
  write('a.json', details('ec2:StopInstances', { IsTruncated: true }))
  await reloadUntil(() => problems().length > 0)
  expect(problems()).toMatchObject([
    {
      component: 'role-policies',
      code: 'ROLE_POLICIES_INVALID',
      explanation: expect.stringMatching(/a\.json is one page/),
    },
  ])
  expect(judge()).toBe('no')
  await stop()
})

test('old policies are on the status', async () => {
  write('a.json', details('ec2:*'))
  const day = new Date(new ManualClock().now().getTime() - 8 * 86_400_000)
  utimesSync(join(folder, 'a.json'), day, day)
  const { problems, current, stop } = await start()
  expect(current().readAt(ROLE)).toEqual(day)
  expect(problems()).toMatchObject([
    {
      component: 'role-policies',
      finding: `old-${ROLE}`,
      code: 'ROLE_POLICIES_OLD',
      explanation: expect.stringContaining(day.toISOString()),
    },
  ])
  await stop()
})

test('a role in two files is refused', async () => {
  write('a.json', details('ec2:*'))
  write('b.json', details('s3:*'))
  const { problems, stop } = await start()
  expect(problems()).toMatchObject([{ explanation: expect.stringContaining('and so has another file') }])
  await stop()
})
