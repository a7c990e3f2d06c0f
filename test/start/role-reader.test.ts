import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AttachRolePolicyCommand,
  CreatePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { type PracticeCloud, startPracticeCloud } from '../../src/practice/cloud.ts'
import { LiveConfig } from '../../src/start/reload/live-config.ts'
import { rolePolicies } from '../../src/start/rules/role-policies/role-policies.ts'
import { roleReader } from '../../src/start/rules/role-policies/role-reader.ts'
import { ManualClock } from '../support/manual-clock.ts'

const HUB = '999999999999'
const [FIRST, SECOND] = ['111111111111', '222222222222'] as const
const roleIn = (account: string, name = 'stint/ops') => `arn:aws:iam::${account}:role/${name}`
const policyIn = (account: string, name: string) => `arn:aws:iam::${account}:policy/${name}`
const boundaryIn = (account: string) => policyIn(account, 'stint-boundary')
const externalIdOf = (account: string) => `reader-of-${account}`
const stopIn = (account: string) => ({
  action: 'ec2:StopInstances',
  resource: `arn:aws:ec2:eu-west-1:${account}:instance/i-1`,
})
const GET = { action: 's3:GetObject', resource: 'arn:aws:s3:::data/a' }

/** A template of docs/aws, filled in for an account. */
function template(name: string, account: string): string {
  const filled: Readonly<Record<string, string>> = {
    __TASK_ACCOUNT_ID__: account,
    __BROKER_ACCOUNT_ID__: HUB,
    __BROKER_ROLE_NAME__: 'stint-broker',
    __EXTERNAL_ID__: 'external-id-of-tasks',
    __READER_EXTERNAL_ID__: externalIdOf(account),
    __BOUNDARY_POLICY_NAME__: 'stint-boundary',
  }
  const text = readFileSync(new URL(`../../docs/aws/${name}.json`, import.meta.url), 'utf8')
  return text.replace(/__[A-Z_]+?__/g, (placeholder) => filled[placeholder] ?? placeholder)
}

const allow = (...Action: string[]) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
})

let cloud: PracticeCloud
let clock: ManualClock
let provider: AwsStsProvider
let folder: string
const admins = new Map<string, IAMClient>()
const admin = (account: string) => admins.get(account) as IAMClient
const stops: (() => unknown)[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-role-reader-'))
  clock = new ManualClock(new Date().toISOString())
  cloud = await startPracticeCloud({ clock, signatureClock: systemClock, accountId: HUB, propagationDelayMs: 0 })
  const broker = cloud.addPrincipal({
    arn: `arn:aws:iam::${HUB}:role/stint-broker`,
    policies: [allow('sts:AssumeRole')],
  })
  for (const account of [FIRST, SECOND]) {
    writeFileSync(join(folder, account), externalIdOf(account))
    cloud.createPolicy({ arn: boundaryIn(account), document: template('boundary', account) })
    cloud.createPolicy({ arn: policyIn(account, 'team/read-data'), document: allow('s3:Get*') })
    cloud.createRole({
      arn: roleIn(account),
      trustPolicy: template('task-role-trust', account),
      permissionsBoundary: boundaryIn(account),
      policies: { ops: allow('ec2:StopInstances') },
    })
    cloud.createRole({
      arn: roleIn(account, 'stint-reader'),
      trustPolicy: template('reader-trust', account),
      policies: { Read: template('reader-policy', account) },
    })
    const keys = cloud.addPrincipal({ arn: `arn:aws:iam::${account}:user/admin`, policies: [allow('*')] })
    admins.set(account, new IAMClient({ endpoint: cloud.endpoint, region: cloud.region, credentials: keys }))
  }
  provider = createAwsStsProvider({
    ...{ region: cloud.region, stsEndpoint: cloud.endpoint, iamEndpoint: cloud.endpoint },
    ...{ credentials: broker, roles: [], clock },
  })
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  provider.close()
  for (const each of admins.values()) each.destroy()
  await cloud.close()
  rmSync(folder, { recursive: true })
})

async function start() {
  const partHealth = new PartHealth({ logger: createLogger({ level: 'fatal' }), clock })
  const boundary = { kind: 'boundary', policyArn: boundaryIn('{account}') }
  const config = {
    identity: { reloadEvery: 600_000 },
    roles: [
      { arn: roleIn('*'), accounts: [FIRST, SECOND], revocation: boundary },
      { arn: roleIn(FIRST, 'stint/any-*'), revocation: boundary },
    ],
    reach: {
      reader: {
        roleArn: roleIn('{account}', 'stint-reader'),
        externalIdFile: join(folder, '{account}'),
        every: 900_000,
      },
      staleAfter: 7 * 86_400_000,
    },
  }
  const surroundings = { config, liveConfig: new LiveConfig(config as never), clock, partHealth, provider }
  const policies = await rolePolicies.start(surroundings as never)
  // Sleepers at rest: the two looks of the policies' part, and the pause of each account. At the start its time-out is one more.
  const moveOn = (resting: number) => (clock.sleepers < resting ? clock.advance(0) : clock.advance(1_000))
  let started = false
  const starting = Promise.resolve(
    roleReader.start({ ...surroundings, rolePolicies: policies.value } as never),
  ).finally(() => {
    started = true
  })
  while (!started) await moveOn(5)
  const reader = await starting
  stops.push(
    () => policies.stop?.(),
    () => reader.stop?.(),
  )
  const current = () => policies.value.current()
  return {
    current,
    judge: (account: string, question = stopIn(account)) => current().find(roleIn(account))?.judge(question).verdict,
    problems: () => partHealth.problems().map(({ component, code, explanation }) => ({ component, code, explanation })),
    /** Waits for the readings that are due after each role's readings so far. */
    async readAgain(accounts: readonly string[] = [FIRST, SECOND]) {
      const before = accounts.map((account) => current().readAt(roleIn(account))?.getTime())
      while (accounts.some((account, at) => current().readAt(roleIn(account))?.getTime() === before[at]))
        await moveOn(4)
    },
    async waitFor(holds: () => boolean) {
      while (!holds()) await moveOn(4)
    },
  }
}

test('a reader role reads the inline and attached policies and the boundary of each spelled role, when the broker starts', async () => {
  await admin(FIRST).send(
    new AttachRolePolicyCommand({ RoleName: 'ops', PolicyArn: policyIn(FIRST, 'team/read-data') }),
  )
  const { judge, current, problems } = await start()
  expect(problems()).toEqual([])
  expect([judge(FIRST), judge(FIRST, GET), judge(SECOND), judge(SECOND, GET)]).toEqual(['yes', 'yes', 'yes', 'no'])
  expect(current().find(roleIn(FIRST))?.unread).toEqual([])
  expect(current().readAt(roleIn(FIRST))).toBeInstanceOf(Date)
  // Agents make up the names that a pattern allows.
  expect(current().find(roleIn(FIRST, 'stint/any-1'))).toBeUndefined()
})

test('the session of a reader may read the configured roles and managed policies, and nothing else', async () => {
  await start()
  const session = cloud.sessions().find(({ roleArn }) => roleArn === roleIn(FIRST, 'stint-reader'))
  expect(session).toMatchObject({ sessionName: 'stint-reader' })
  if (!session) return
  const allowed = (action: string, resource: string) => cloud.allows(session, action, resource).allowed
  expect(allowed('iam:GetRole', roleIn(FIRST))).toBe(true)
  expect(allowed('iam:GetPolicyVersion', boundaryIn(FIRST))).toBe(true)
  expect(allowed('iam:GetRole', roleIn(FIRST, 'stint/other'))).toBe(false)
  expect(allowed('iam:PutRolePolicy', roleIn(FIRST))).toBe(false)
  expect(allowed('iam:CreatePolicyVersion', boundaryIn(FIRST))).toBe(false)
})

test('a changed policy counts after the next reading; one that says the same, and a deny list, change no answer', async () => {
  const { judge, current, readAgain } = await start()
  expect(judge(FIRST)).toBe('yes')
  const before = current()
  const deny = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      {
        ...{ Effect: 'Deny', Action: '*', Resource: '*' },
        Condition: { StringEquals: { 'aws:SourceIdentity': ['01JD0000000000000000000000'] } },
      },
    ],
  })
  await admin(FIRST).send(
    new CreatePolicyVersionCommand({ PolicyArn: boundaryIn(FIRST), PolicyDocument: deny, SetAsDefault: true }),
  )
  await readAgain()
  expect(current()).toBe(before)
  const PolicyDocument = JSON.stringify(allow('ec2:StartInstances'))
  await admin(FIRST).send(new PutRolePolicyCommand({ RoleName: 'ops', PolicyName: 'ops', PolicyDocument }))
  await readAgain()
  expect(current()).not.toBe(before)
  expect([judge(FIRST), judge(SECOND)]).toEqual(['no', 'yes'])
})

test('more policies than one page has are all read', async () => {
  // IAM lists 100 to a page; see the IAM API Reference, ListRolePolicies. No more fit into a role with such short ones.
  for (let at = 0; at < 105; at++) {
    const PolicyDocument = JSON.stringify(
      at === 104 ? allow('s3:Get*') : { Statement: { Effect: 'Allow', Action: 'a:b', Resource: '*' } },
    )
    const PolicyName = `z${String(at).padStart(3, '0')}`
    await admin(FIRST).send(new PutRolePolicyCommand({ RoleName: 'ops', PolicyName, PolicyDocument }))
  }
  const { judge, waitFor } = await start()
  await waitFor(() => judge(FIRST) !== undefined)
  expect(judge(FIRST, GET)).toBe('yes')
})

for (const { name, fault, breaks, repairs, code, says } of [
  {
    name: 'a reader that lost its rights',
    breaks: () => admin(FIRST).send(new DeleteRolePolicyCommand({ RoleName: 'stint-reader', PolicyName: 'Read' })),
    repairs: () =>
      admin(FIRST).send(
        new PutRolePolicyCommand({
          ...{ RoleName: 'stint-reader', PolicyName: 'Read' },
          PolicyDocument: template('reader-policy', FIRST),
        }),
      ),
    code: 'PROVIDER_REFUSED',
    says: /1 of 1 roles of account 111111111111 .* denies iam:GetRole to the reader arn:aws:iam::111111111111:role\/stint-reader/,
  },
  {
    name: 'an account whose IAM throttles',
    fault: { service: 'iam', action: 'GetPolicyVersion', resource: boundaryIn(FIRST), kind: 'throttle' } as const,
    code: 'PROVIDER_THROTTLED',
    says: /account 111111111111 .*throttling/,
  },
  {
    name: 'a reader that cannot be assumed',
    fault: { service: 'sts', resource: roleIn(FIRST, 'stint-reader'), kind: 'access_denied' } as const,
    code: 'PROVIDER_REFUSED',
    says: /could not assume the reader arn:aws:iam::111111111111:role\/stint-reader/,
  },
])
  test(`${name} is a problem of its account until it is over; its last good policies stay, and other accounts go on`, async () => {
    const { judge, problems, readAgain, waitFor } = await start()
    await breaks?.()
    if (fault) cloud.setFault(fault)
    await admin(SECOND).send(
      new PutRolePolicyCommand({
        ...{ RoleName: 'ops', PolicyName: 'ops' },
        PolicyDocument: JSON.stringify(allow('ec2:StartInstances')),
      }),
    )
    await waitFor(() => problems().length > 0)
    await readAgain([SECOND])
    expect(problems()).toEqual([
      { component: `role-policies:${FIRST}`, code, explanation: expect.stringMatching(says) },
    ])
    expect([judge(FIRST), judge(SECOND)]).toEqual(['yes', 'no'])
    cloud.clearFaults()
    await repairs?.()
    await waitFor(() => problems().length === 0)
    expect(judge(FIRST)).toBe('yes')
  })

test('a role that is gone is named, and the policies that were last read get old on the status', async () => {
  const { problems, waitFor } = await start()
  await admin(FIRST).send(new DeleteRolePolicyCommand({ RoleName: 'ops', PolicyName: 'ops' }))
  await admin(FIRST).send(new DeleteRoleCommand({ RoleName: 'ops' }))
  await waitFor(() => problems().length > 0)
  expect(problems()).toMatchObject([
    {
      component: `role-policies:${FIRST}`,
      explanation: expect.stringMatching(/stint\/ops could not be read.*if the role exists/),
    },
  ])
  await clock.advance(8 * 86_400_000)
  await waitFor(() => problems().some(({ code }) => code === 'ROLE_POLICIES_OLD'))
  expect(problems().find(({ code }) => code === 'ROLE_POLICIES_OLD')?.explanation).toMatch(
    /could not be read from IAM since/,
  )
})
