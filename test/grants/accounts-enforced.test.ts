import { readFileSync } from 'node:fs'
import { CreatePolicyVersionCommand, IAMClient } from '@aws-sdk/client-iam'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { asStintError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { type PracticeCloud, startPracticeCloud } from '../../src/practice/cloud.ts'
import { caller, OSCAR, openHarness, task, WRITE } from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'

const HUB = '999999999999'
const ACCOUNTS = ['111111111111', '222222222222', '333333333333']
const roleIn = (account: string, name = 'deployer') => `arn:aws:iam::${account}:role/stint/${name}`
const boundaryIn = (account: string) => `arn:aws:iam::${account}:policy/stint-boundary`
const externalIdOf = (account: string) => `external-id-of-${account}`
const OBJECT = 'arn:aws:s3:::data/a'

/** A template of docs/aws, filled in for an account. */
function template(name: string, account: string): string {
  const filled: Readonly<Record<string, string>> = {
    __TASK_ACCOUNT_ID__: account,
    __BROKER_ACCOUNT_ID__: HUB,
    __BROKER_ROLE_NAME__: 'stint-broker',
    __EXTERNAL_ID__: externalIdOf(account),
    __REVOKER_EXTERNAL_ID__: `revoker-${externalIdOf(account)}`,
    __BOUNDARY_POLICY_NAME__: 'stint-boundary',
  }
  const text = readFileSync(new URL(`../../docs/aws/${name}.json`, import.meta.url), 'utf8')
  return text.replace(/__[A-Z_]+?__/g, (placeholder) => filled[placeholder] ?? placeholder)
}

let cloud: PracticeCloud
let h: Awaited<ReturnType<typeof openHarness<AwsStsProvider>>>
const admins = new Map<string, IAMClient>()
beforeEach(async () => {
  // From the time of now, which the server says in each answer.
  const clock = new ManualClock(new Date().toISOString())
  cloud = await startPracticeCloud({ clock, signatureClock: systemClock, accountId: HUB, propagationDelayMs: 0 })
  const broker = cloud.addPrincipal({
    arn: `arn:aws:iam::${HUB}:role/stint-broker`,
    policies: [template('broker-policy', '*')],
  })
  for (const account of ACCOUNTS) {
    cloud.createPolicy({ arn: boundaryIn(account), document: template('boundary', account) })
    cloud.createRole({
      arn: roleIn(account),
      trustPolicy: template('task-role-trust', account),
      permissionsBoundary: boundaryIn(account),
      policies: { Work: policy('s3:*'), Guard: template('task-role-guard', account) },
    })
    cloud.createRole({
      arn: roleIn(account, 'revoker'),
      trustPolicy: template('revoker-trust', account),
      policies: { Write: template('revoker-policy-boundary', account) },
    })
    const admin = cloud.addPrincipal({ arn: `arn:aws:iam::${account}:user/admin`, policies: [policy('*')] })
    const { endpoint, region } = cloud
    admins.set(account, new IAMClient({ endpoint, region, credentials: admin }))
  }
  const provider = createAwsStsProvider({
    region: cloud.region,
    stsEndpoint: cloud.endpoint,
    iamEndpoint: cloud.endpoint,
    credentials: broker,
    roles: [
      {
        arn: roleIn('*', '*'),
        accounts: ACCOUNTS,
        externalId: async ({ accountId }) => new Secret(externalIdOf(accountId)),
        revocation: {
          kind: 'boundary',
          policyArn: boundaryIn('{account}'),
          revoker: {
            roleArn: roleIn('{account}', 'revoker'),
            externalId: async ({ accountId }) => new Secret(`revoker-${externalIdOf(accountId)}`),
          },
        },
      },
    ],
    clock,
  })
  h = await openHarness({ clock, provider, roles: ACCOUNTS.map((account) => roleIn(account)) })
})
afterEach(async () => {
  await h.close()
  h.remove()
  h.provider.close()
  for (const admin of admins.values()) admin.destroy()
  await cloud.close()
})

async function grantIn(account: string, key: string): Promise<string> {
  const { grant } = await h.request(key, task(WRITE, { roleArn: roleIn(account) }), caller())
  return grant.id
}

const mayPut = (account: string) => {
  const session = cloud.sessions().find(({ roleArn }) => roleArn === roleIn(account))
  return session && cloud.allows(session, 's3:PutObject', OBJECT).allowed
}

test('in each of three accounts a grant is cut there and nowhere else, and again after somebody has removed the list', async () => {
  const grants = new Map<string, string>()
  for (const account of ACCOUNTS) grants.set(account, await grantIn(account, `key-of-${account}`))
  expect(ACCOUNTS.map(mayPut)).toEqual([true, true, true])
  for (const [at, account] of ACCOUNTS.entries()) {
    await h.operators.revokeGrant(OSCAR, grants.get(account) ?? '', 'to test')
    await h.sweeper.reconcile()
    await h.clock.advance(1_000)
    expect(ACCOUNTS.map(mayPut)).toEqual(ACCOUNTS.map((_, other) => other > at))
  }

  for (const [at, account] of ACCOUNTS.entries()) {
    const PolicyDocument = template('boundary', account)
    await admins
      .get(account)
      ?.send(new CreatePolicyVersionCommand({ PolicyArn: boundaryIn(account), PolicyDocument, SetAsDefault: true }))
    expect(mayPut(account)).toBe(true)
    // Each write is the whole list.
    const another = await grantIn(account, `another-${at}-of-${account}`)
    await h.operators.revokeGrant(OSCAR, another, 'to test')
    await h.sweeper.reconcile()
    await h.clock.advance(1_000)
    expect(mayPut(account)).toBe(false)
  }
  expect(new Set(h.problems.map(({ error }) => asStintError(error).code))).toEqual(new Set(['DENY_LIST_CHANGED']))
})

test('the session of a revoker may write its own document and nothing else', async () => {
  const [account = '', other = ''] = ACCOUNTS
  await h.operators.revokeGrant(OSCAR, await grantIn(account, 'the-key-of-a-grant'), 'to test')
  await h.sweeper.reconcile()
  const session = cloud.sessions().find(({ roleArn }) => roleArn === roleIn(account, 'revoker'))
  if (!session) throw new Error('no session of a revoker')
  expect(session.sourceIdentity).toBeUndefined()
  const may = (action: string, resource: string) => cloud.allows(session, action, resource).allowed
  expect(may('iam:CreatePolicyVersion', boundaryIn(account))).toBe(true)
  expect(may('iam:CreatePolicyVersion', boundaryIn(other))).toBe(false)
  expect(may('iam:SetDefaultPolicyVersion', boundaryIn(account))).toBe(false)
  expect(may('iam:PutRolePolicy', roleIn(account))).toBe(false)
  expect(may('sts:AssumeRole', roleIn(account))).toBe(false)
})

function policy(Action: string): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })
}
