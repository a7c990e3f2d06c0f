import {
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyVersionCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListPolicyVersionsCommand,
} from '@aws-sdk/client-iam'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { deniesSession } from '../support/deny-evaluator.ts'
import { type ForeignStage, type RunningBroker, setForeignStage } from './foreign-stage.ts'
import { describeWithService } from './service.ts'

const region = 'eu-west-1'
const ACCOUNTS = ['111111111111', '222222222222', '333333333333']
const name = `accounts-${Date.now()}`
const roleIn = (account: string) => `arn:aws:iam::${account}:role/stint/${name}`
const boundaryIn = (account: string) => `arn:aws:iam::${account}:policy/stint-boundary-${name}`
const EMPTY = document({ Effect: 'Allow', Action: '*', Resource: '*' })

/**
 * One broker and three accounts on moto, which tells accounts apart by the role that a caller has assumed: a deny list lands in
 * an account only through a session of a role there. moto enforces nothing, so this shows the writes.
 */
describeWithService('three accounts on moto', ['STINT_MOTO_ENDPOINT'], 'test/third-party/moto-up.sh', (settings) => {
  const endpoint = settings.STINT_MOTO_ENDPOINT
  const keys = { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'none' }
  const admins = new Map<string, IAMClient>()
  let stage: ForeignStage
  let broker: RunningBroker

  beforeAll(async () => {
    const sts = new STSClient({ endpoint, region, credentials: keys })
    for (const account of ACCOUNTS) {
      const { Credentials } = await sts.send(
        new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/admin`, RoleSessionName: 'admin' }),
      )
      const credentials = {
        accessKeyId: Credentials?.AccessKeyId ?? '',
        secretAccessKey: Credentials?.SecretAccessKey ?? '',
        sessionToken: Credentials?.SessionToken ?? '',
      }
      const iam = new IAMClient({ endpoint, region, credentials })
      admins.set(account, iam)
      await iam.send(new CreatePolicyCommand({ PolicyName: `stint-boundary-${name}`, PolicyDocument: EMPTY }))
      const trust = { Effect: 'Allow', Principal: { AWS: '123456789012' }, Action: 'sts:AssumeRole' }
      await iam.send(
        new CreateRoleCommand({
          RoleName: name,
          Path: '/stint/',
          AssumeRolePolicyDocument: document(trust),
          PermissionsBoundary: boundaryIn(account),
        }),
      )
    }
    sts.destroy()
    stage = await setForeignStage({
      endpoint,
      region,
      roleArn: roleIn('*'),
      accounts: ACCOUNTS,
      revocation: {
        kind: 'boundary',
        policyArn: boundaryIn('{account}'),
        revoker: { roleArn: 'arn:aws:iam::{account}:role/stint/revoker' },
      },
      settings: { strictness: 'stand-in' },
      broker: keys,
      revoker: keys,
    })
    broker = await stage.start()
  })
  afterAll(async () => {
    await broker?.stop()
    await stage?.close()
    for (const admin of admins.values()) admin.destroy()
  })

  const adminOf = (account: string) => admins.get(account) as IAMClient
  const inForce = async (account: string) => {
    const PolicyArn = boundaryIn(account)
    const { Versions } = await adminOf(account).send(new ListPolicyVersionsCommand({ PolicyArn }))
    const VersionId = Versions?.find((version) => version.IsDefaultVersion)?.VersionId
    const { PolicyVersion } = await adminOf(account).send(new GetPolicyVersionCommand({ PolicyArn, VersionId }))
    return decodeURIComponent(PolicyVersion?.Document ?? '')
  }
  const denies = async (account: string, grantId: string) => {
    const body = idBody(grantId)
    return deniesSession(await inForce(account), {
      sourceIdentity: body,
      userId: `AROAEXAMPLE:${body}.1`,
      issuedAt: new Date(),
    })
  }
  const request = (account: string) =>
    broker.agent.request({
      purpose: 'to look through the archive',
      roleArn: roleIn(account),
      access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
      ttlSeconds: 900,
    })
  const revoke = async (grantId: string) => {
    const oscar = await broker.admin('oscar')
    await oscar.post('/v1/grants/{id}/revoke', { path: { id: grantId }, body: { note: 'stop it' } })
  }
  /** As somebody with too many rights would: the deny list is gone. */
  const tamper = async (account: string) => {
    const PolicyArn = boundaryIn(account)
    const iam = adminOf(account)
    const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }))
    const old = Versions.find((version) => !version.IsDefaultVersion)
    if (Versions.length > 4) await iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: old?.VersionId }))
    await iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: EMPTY, SetAsDefault: true }))
  }

  for (const account of ACCOUNTS) {
    test(`in ${account} a grant is denied there and nowhere else, and again after the list was removed`, {
      timeout: 60_000,
    }, async () => {
      const grant = await request(account)
      await revoke(grant.id)
      await expect.poll(() => denies(account, grant.id), { timeout: 15_000 }).toBe(true)
      for (const other of ACCOUNTS.filter((each) => each !== account)) expect(await denies(other, grant.id)).toBe(false)

      await tamper(account)
      expect(await denies(account, grant.id)).toBe(false)
      // Each write is the whole list.
      const next = await request(account)
      await revoke(next.id)
      await expect.poll(() => denies(account, next.id), { timeout: 15_000 }).toBe(true)
      expect(await denies(account, grant.id)).toBe(true)
      await grant.close()
      await next.close()
    })
  }
})

function document(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}
