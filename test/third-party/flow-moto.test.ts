import {
  CreatePolicyCommand,
  CreateRoleCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListPolicyVersionsCommand,
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { deniesSession } from '../support/deny-evaluator.ts'
import { type ForeignStage, type RunningBroker, setForeignStage } from './foreign-stage.ts'
import { describeWithService } from './service.ts'

const region = 'eu-west-1'
const account = '123456789012'
const name = `flow-${Date.now()}`
const PolicyArn = `arn:aws:iam::${account}:policy/stint-boundary-${name}`
const roleArn = `arn:aws:iam::${account}:role/stint/${name}`
/** "A managed policy can have up to five versions." IAM User Guide, "Versioning IAM policies" */
const MAX_VERSIONS = 5

/**
 * The boundary placement through the whole broker on moto, which answers as IAM does and enforces nothing. It does not echo
 * SourceIdentity, so the broker is told that it speaks to a stand-in.
 */
describeWithService('the flow on moto', ['STINT_MOTO_ENDPOINT'], 'test/third-party/moto-up.sh', (settings) => {
  const endpoint = settings.STINT_MOTO_ENDPOINT
  const keys = { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'none' }
  const iam = new IAMClient({ endpoint, region, credentials: keys })
  let stage: ForeignStage
  let broker: RunningBroker

  beforeAll(async () => {
    const all = { Effect: 'Allow', Action: '*', Resource: '*' }
    const trust = { Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' }
    const PolicyName = `stint-boundary-${name}`
    await iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument: document(all) }))
    await iam.send(
      new CreateRoleCommand({
        RoleName: name,
        Path: '/stint/',
        AssumeRolePolicyDocument: document(trust),
        PermissionsBoundary: PolicyArn,
      }),
    )
    stage = await setForeignStage({
      endpoint,
      region,
      roleArn,
      revocation: { kind: 'boundary', policyArn: PolicyArn },
      settings: { strictness: 'stand-in' },
      broker: keys,
      revoker: keys,
    })
    broker = await stage.start()
  })
  afterAll(async () => {
    await broker?.stop()
    await stage?.close()
    iam.destroy()
  })

  const versions = async () => (await iam.send(new ListPolicyVersionsCommand({ PolicyArn }))).Versions ?? []
  const inForce = async () => {
    const VersionId = (await versions()).find((version) => version.IsDefaultVersion)?.VersionId
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }))
    return decodeURIComponent(PolicyVersion?.Document ?? '')
  }
  const denies = async (grantId: string) => {
    const session = {
      sourceIdentity: idBody(grantId),
      userId: `AROAEXAMPLE:${idBody(grantId)}.1`,
      issuedAt: new Date(),
    }
    return deniesSession(await inForce(), session)
  }
  const request = () =>
    broker.agent.request({
      purpose: 'to look through the archive',
      roleArn,
      access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
      ttlSeconds: 900,
    })

  test("an operator's revocation becomes the boundary's default version, five versions at most", {
    timeout: 60_000,
  }, async () => {
    const neighbour = await request()
    const oscar = await broker.admin('oscar')
    const revoked: string[] = []
    for (let write = 1; write <= MAX_VERSIONS + 2; write += 1) {
      const grant = await request()
      await oscar.post('/v1/grants/{id}/revoke', { path: { id: grant.id }, body: { note: 'stop it' } })
      await expect.poll(() => denies(grant.id), { timeout: 15_000 }).toBe(true)
      revoked.push(grant.id)
      const all = await versions()
      expect(all).toHaveLength(Math.min(MAX_VERSIONS, write + 1))
      expect(all.filter((version) => version.IsDefaultVersion)).toHaveLength(1)
      await grant.close()
    }
    for (const grantId of revoked) expect(await denies(grantId)).toBe(true)
    expect(await denies(neighbour.id)).toBe(false)
    await neighbour.complete()
  })

  test('a grant is ended as revoked once its deny is written and has had its time, and all is on record', async () => {
    const grant = await request()
    await (await broker.admin('oscar')).post('/v1/grants/{id}/revoke', {
      path: { id: grant.id },
      body: { note: 'stop it' },
    })
    const vera = await broker.admin('vera')
    const state = async () => (await vera.get('/v1/grants/{id}', { path: { id: grant.id } })).grant
    await expect.poll(state, { timeout: 15_000 }).toMatchObject({ state: 'ended', reason: 'revoked' })
    expect(await denies(grant.id)).toBe(true)
    await grant.close()
    expect(await vera.get('/v1/audit/verify')).toMatchObject({ verdict: 'unwitnessed' })
    expect(stage.stage.cloud.calls()).toEqual([])
  })
})

function document(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}
