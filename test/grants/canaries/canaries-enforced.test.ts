import { readFileSync } from 'node:fs'
import { DeleteRolePermissionsBoundaryCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { asStintError } from '../../../src/core/errors.ts'
import { Secret } from '../../../src/core/secret.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../../src/credentials/aws-sts/provider.ts'
import { CANARY_SUBJECT } from '../../../src/grants/canaries/canary-sessions.ts'
import { type PracticeCloud, startPracticeCloud } from '../../../src/practice/cloud.ts'
import { recordOf } from '../../support/audit-record.ts'
import { caller, OSCAR, openHarness, task, WRITE } from '../../support/grant-harness.ts'
import { HurriedClock } from '../../support/hurried-clock.ts'

const HUB = '999999999999'
const ACCOUNTS = ['111111111111', '222222222222'] as const
const [ONE, TWO] = ACCOUNTS
const roleIn = (account: string, name = 'deployer') => `arn:aws:iam::${account}:role/stint/${name}`
const boundaryIn = (account: string) => `arn:aws:iam::${account}:policy/stint-boundary`
const componentOf = (account: string) => `deny:boundary:${boundaryIn(account)}:canary`
const externalIdOf = (account: string) => `external-id-of-${account}`
const canaryPolicy = (account: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iam:GetRole', Resource: roleIn(account, 'canary') }],
})

/** A template of docs/aws, filled in for an account. */
function template(name: string, account: string): string {
  const filled: Readonly<Record<string, string>> = {
    __TASK_ACCOUNT_ID__: account,
    __BROKER_ACCOUNT_ID__: HUB,
    __BROKER_ROLE_NAME__: 'stint-broker',
    __EXTERNAL_ID__: externalIdOf(account),
    __REVOKER_EXTERNAL_ID__: externalIdOf(account),
    __BOUNDARY_POLICY_NAME__: 'stint-boundary',
  }
  const text = readFileSync(new URL(`../../../docs/aws/${name}.json`, import.meta.url), 'utf8')
  return text.replace(/__[A-Z_]+?__/g, (placeholder) => filled[placeholder] ?? placeholder)
}

type Harness = Awaited<ReturnType<typeof openHarness<AwsStsProvider>>>
let cloud: PracticeCloud
let clock: HurriedClock
let provider: AwsStsProvider
let h: Harness
let admin: IAMClient
beforeEach(async () => {
  // From the time of now, which the server says in each answer.
  clock = new HurriedClock(new Date().toISOString())
  cloud = await startPracticeCloud({ clock, signatureClock: systemClock, accountId: HUB, propagationDelayMs: 4_000 })
  const broker = cloud.addPrincipal({
    arn: `arn:aws:iam::${HUB}:role/stint-broker`,
    policies: [template('broker-policy', '*')],
  })
  for (const account of ACCOUNTS) {
    cloud.createPolicy({ arn: boundaryIn(account), document: template('boundary', account) })
    setUpRole(account, 'deployer', { Work: allow('s3:*') })
    setUpRole(account, 'canary', { Look: canaryPolicy(account) })
    cloud.createRole({
      arn: roleIn(account, 'revoker'),
      trustPolicy: template('revoker-trust', account),
      policies: { Write: template('revoker-policy-boundary', account) },
    })
  }
  const externalId = async ({ accountId }: { accountId: string }) => new Secret(externalIdOf(accountId))
  provider = createAwsStsProvider({
    region: cloud.region,
    stsEndpoint: cloud.endpoint,
    iamEndpoint: cloud.endpoint,
    credentials: broker,
    roles: [
      {
        arn: roleIn('*', '*'),
        accounts: ACCOUNTS,
        externalId,
        revocation: {
          kind: 'boundary',
          policyArn: boundaryIn('{account}'),
          revoker: { roleArn: roleIn('{account}', 'revoker'), externalId },
          canary: { roleArn: roleIn('{account}', 'canary'), externalId },
        },
      },
    ],
    clock,
    http: { connectionTimeoutMs: 100, requestTimeoutMs: 100 },
  })
  h = await open()
  const keys = cloud.addPrincipal({ arn: `arn:aws:iam::${ONE}:user/admin`, policies: [allow('*')] })
  admin = new IAMClient({ endpoint: cloud.endpoint, region: cloud.region, credentials: keys })
})
afterEach(async () => {
  await h.close()
  h.remove()
  provider.close()
  admin.destroy()
  await cloud.close()
})

/** The Date of the practice cloud's answers is the system's, by which the SDKs sign; here time moves by hand. */
function onManualTime(real: AwsStsProvider): AwsStsProvider {
  return {
    ...real,
    readDenyList: async (...args) => ({ ...(await real.readDenyList(...args)), at: clock.now() }),
    writeDenyList: async (...args) => ({ ...(await real.writeDenyList(...args)), at: clock.now() }),
  }
}

function open(folder?: string): Promise<Harness> {
  const roles = ACCOUNTS.map((account) => roleIn(account))
  return openHarness({
    clock,
    provider: onManualTime(provider),
    canaries: provider.canaries,
    roles,
    ...(folder && { folder }),
  })
}

function setUpRole(account: string, name: string, policies: Record<string, object>): void {
  cloud.createRole({
    arn: roleIn(account, name),
    trustPolicy: template('task-role-trust', account),
    permissionsBoundary: boundaryIn(account),
    policies: { ...policies, Guard: JSON.parse(template('task-role-guard', account)) },
  })
}

/** Somebody changes what the canary role of the first account may do. */
async function letCanary(policy: object): Promise<void> {
  const PolicyDocument = JSON.stringify(policy)
  await admin.send(new PutRolePolicyCommand({ RoleName: 'canary', PolicyName: 'Look', PolicyDocument }))
  await clock.advance(4_000)
}

function allow(Action: string): object {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] }
}

async function revoked(account: string, key: string): Promise<string> {
  const { grant } = await h.request(key, task(WRITE, { roleArn: roleIn(account) }), caller())
  await h.operators.revokeGrant(OSCAR, grant.id, 'to test')
  return grant.id
}

/** The write, the proof of it, and what then is due. */
async function pass(): Promise<void> {
  await h.sweeper.reconcile()
  await h.sweeper.prove()
  await h.sweeper.sweep()
}

const stateOf = async (id: string) => (await h.ledger.getGrant(id))?.state
const mayPut = (account: string) => {
  const session = cloud.sessions().find(({ roleArn }) => roleArn === roleIn(account))
  return session && cloud.allows(session, 's3:PutObject', 'arn:aws:s3:::data/a').allowed
}
const canaryProblems = (account: string) =>
  h.problems.filter((one) => one.component === componentOf(account)).map(({ error }) => asStintError(error).code)
const eventsOf = async (type: string) => (await recordOf(h.ledger)).filter((event) => event.type === type)

describe('a grant that is revoked', () => {
  test('ends when the canary is refused, long before the settle time, and the lag is on record', async () => {
    const id = await revoked(ONE, 'key-00000001')
    await h.sweeper.reconcile()
    const writtenMs = clock.monotonicMs()
    expect([await stateOf(id), mayPut(ONE)]).toEqual(['ending', true])
    await h.sweeper.prove()
    await h.sweeper.sweep()
    expect([await stateOf(id), mayPut(ONE)]).toEqual(['ended', false])
    expect(clock.monotonicMs() - writtenMs).toBeLessThan(10_000)
    expect(await h.ledger.findDenyEntry(id)).toMatchObject({ enforcedBy: 'canary' })
    const [proof] = await eventsOf('deny.enforced')
    expect(proof?.data).toMatchObject({ grants: 1, denyList: `boundary:${boundaryIn(ONE)}` })
    const lagMs = (proof?.data as { lagMs?: number } | undefined)?.lagMs
    expect(lagMs).toBeGreaterThan(3_000)
    expect(lagMs).toBeLessThan(6_000)
    expect((await eventsOf('grant.ended')).map(({ data }) => data)).toMatchObject([{ enforcedBy: 'canary' }])
    expect(h.problems).toEqual([])
  })

  test('goes on ending past the settle time while the document is not in force, which is a problem after a minute', async () => {
    cloud.setPropagationDelayMs(100_000)
    const id = await revoked(ONE, 'key-00000001')
    await h.sweeper.reconcile()
    const proven = h.sweeper.prove()
    while (canaryProblems(ONE).length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(canaryProblems(ONE)).toEqual(['DENY_LIST_LATE'])
    // A look that finds the document as it was left, after the settle time.
    await h.sweeper.reconcile()
    expect(await h.ledger.findDenyEntry(id)).not.toHaveProperty('enforcedAt')
    await h.sweeper.sweep()
    expect([await stateOf(id), mayPut(ONE)]).toEqual(['ending', true])
    await proven
    await h.sweeper.sweep()
    expect([await stateOf(id), mayPut(ONE)]).toEqual(['ended', false])
    expect(h.well).toContain(componentOf(ONE))
    expect(await eventsOf('canary.failed')).toHaveLength(1)
  })

  test('ends with its leases if the document is never in force: the canary role lacks the boundary', async () => {
    await admin.send(new DeleteRolePermissionsBoundaryCommand({ RoleName: 'canary' }))
    await clock.advance(4_000)
    const id = await revoked(ONE, 'key-00000001')
    await pass()
    expect(await stateOf(id)).toBe('ending')
    expect(canaryProblems(ONE)).toEqual(['DENY_LIST_LATE', 'DENY_LIST_LATE'])
    await clock.advance(300_000)
    await h.sweeper.sweep()
    expect((await eventsOf('grant.ended')).find(({ grantId }) => grantId === id)?.data).toMatchObject({
      by: 'lease_end',
    })
  })

  for (const { name, spoil } of [
    {
      name: 'its role cannot be assumed',
      spoil: () =>
        cloud.setFault({
          service: 'sts',
          action: 'AssumeRole',
          resource: roleIn(ONE, 'canary'),
          kind: 'access_denied',
        }),
    },
    { name: 'its role may not read', spoil: () => letCanary(allow('s3:*')) },
    { name: 'its read fails', spoil: () => cloud.setFault({ service: 'iam', action: 'GetRole', kind: 'error500' }) },
    { name: 'its read hangs', spoil: () => cloud.setFault({ service: 'iam', action: 'GetRole', kind: 'hang' }) },
  ])
    test(`ends by the settle time if the canary does not work, and the status says so: ${name}`, async () => {
      await spoil()
      const id = await revoked(ONE, 'key-00000001')
      await pass()
      expect(canaryProblems(ONE)).toEqual(['CANARY_UNUSABLE'])
      await clock.advance(33_000)
      await pass()
      expect(await stateOf(id)).toBe('ended')
      expect(await h.ledger.findDenyEntry(id)).toMatchObject({ enforcedBy: 'settle_time' })
      // Later entries are proven again once it works.
      cloud.clearFaults()
      await letCanary(canaryPolicy(ONE))
      await clock.advance(60_000)
      const next = await revoked(ONE, 'key-00000002')
      await pass()
      expect(await h.ledger.findDenyEntry(next)).toMatchObject({ enforcedBy: 'canary' })
      expect(h.well).toContain(componentOf(ONE))
    })

  test('during a proof is proven by the next one, of a document that is written for it', async () => {
    const first = await revoked(ONE, 'key-00000001')
    await h.sweeper.reconcile()
    const second = await revoked(ONE, 'key-00000002')
    await h.sweeper.reconcile()
    await h.sweeper.prove()
    await h.sweeper.sweep()
    expect([await stateOf(first), await stateOf(second)]).toEqual(['ended', 'ending'])
    await pass()
    expect(await stateOf(second)).toBe('ended')
    expect((await eventsOf('deny.enforced')).map(({ data }) => (data as { grants: number }).grants)).toEqual([1, 1])
  })
})

test("the canary of one account hangs: neither its account's writes nor the other account's proofs wait", async () => {
  cloud.setFault({ service: 'sts', action: 'AssumeRole', resource: roleIn(ONE, 'canary'), kind: 'hang' })
  const [one, two] = [await revoked(ONE, 'key-00000001'), await revoked(TWO, 'key-00000002')]
  await h.sweeper.reconcile()
  for (const id of [one, two]) expect(await h.ledger.findDenyEntry(id)).toHaveProperty('writtenAt')
  const proven = h.sweeper.prove()
  while ((await stateOf(two)) !== 'ended') await h.sweeper.sweep()
  const again = await revoked(ONE, 'key-00000003')
  await h.sweeper.reconcile()
  expect(await h.ledger.findDenyEntry(again)).toHaveProperty('writtenAt')
  await proven
  expect(canaryProblems(TWO)).toEqual([])
})

test('every session of a canary is a lease on record, may do one read, and no agent can have one', async () => {
  await revoked(ONE, 'key-00000001')
  await pass()
  const sessions = cloud.sessions().filter(({ roleArn }) => roleArn === roleIn(ONE, 'canary'))
  const { items } = await h.ledger.listGrants({ subject: CANARY_SUBJECT }, { limit: 10 })
  const leases = (await Promise.all(items.map(({ id }) => h.ledger.listLeases(id)))).flat()
  expect(leases.map(({ accessKeyId }) => accessKeyId).sort()).toEqual(
    sessions.map(({ accessKeyId }) => accessKeyId).sort(),
  )
  expect(sessions).toHaveLength(2)
  for (const { grantId } of leases)
    expect((await h.ledger.trail(grantId)).map(({ type }) => type)).toEqual(['own_session.intended', 'lease.issued'])
  const may = (action: string, resource: string) =>
    sessions.some((session) => cloud.allows(session, action, resource).allowed)
  expect(may('iam:GetRole', roleIn(ONE, 'canary'))).toBe(true)
  expect(may('iam:GetRole', roleIn(ONE))).toBe(false)
  expect(may('s3:GetObject', 'arn:aws:s3:::data/a')).toBe(false)
  // Its role matches the pattern that agents are served by.
  const { grant } = await h.request('key-00000002', task(WRITE, { roleArn: roleIn(ONE) }), caller())
  const [lease] = await h.ledger.listLeases(grant.id)
  const plan = await h.ledger.getPlan(grant.planHash)
  if (!lease || !plan) throw new Error('no lease')
  const asCanary = { grant, lease: { ...lease, roleArn: roleIn(ONE, 'canary') }, plan }
  await expect(provider.mint(asCanary, h.signal)).rejects.toMatchObject({ code: 'ROLE_UNKNOWN' })
  // The broker lets them run out.
  await clock.advance(300_000)
  await h.sweeper.sweep()
  for (const { id } of items) expect(await h.ledger.getGrant(id)).toMatchObject({ state: 'ended', reason: 'deadline' })
})

for (const { name, crash } of [
  { name: 'between the write and the mint', crash: 'AssumeRole' },
  { name: 'between the mint and the proof', crash: 'GetRole' },
] as const)
  test(`after a crash ${name} the deny is proven anew, and the document was changed by nobody`, async () => {
    cloud.setFault({
      service: crash === 'GetRole' ? 'iam' : 'sts',
      action: crash,
      resource: roleIn(ONE, 'canary'),
      kind: 'hang',
    })
    const id = await revoked(ONE, 'key-00000001')
    await h.sweeper.reconcile()
    await h.sweeper.stop()
    await h.close()
    cloud.clearFaults()
    h = await open(h.folder)
    await h.sweeper.recover()
    await clock.advance(60_000)
    await pass()
    expect(await stateOf(id)).toBe('ended')
    expect(await h.ledger.findDenyEntry(id)).toMatchObject({ enforcedBy: 'canary' })
    expect(await eventsOf('deny.changed')).toEqual([])
    expect(h.problems).toEqual([])
  })
