import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROFILES } from '../../src/aws/store-profile.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import type { IssuedCredentials } from '../../src/credentials/provider.ts'
import { mintRequest, sessionOf } from '../credentials/harness.ts'
import { describeWithService } from './service.ts'

const never = new AbortController().signal
const region = 'us-east-1'
const roleName = `agent-${Date.now()}`
const bucket = `data-${Date.now()}`
/** radosgw's roles of the default tenant have no account in their ARN. */
const roleArn = `arn:aws:iam:::role/stint/${roleName}`
const target = `inline:${roleArn}`

/**
 * Ceph radosgw enforces session policies, `aws:CurrentTime`, and inline denies by `aws:userid` and `aws:TokenIssueTime` at
 * once. It knows neither `aws:SourceIdentity` nor permissions boundaries, so the boundary placement is not proven here.
 */
describeWithService(
  'Ceph radosgw',
  ['STINT_RADOSGW_ENDPOINT', 'STINT_RADOSGW_TESTER_SECRET', 'STINT_RADOSGW_BROKER_SECRET'],
  'test/third-party/radosgw-up.sh',
  (settings) => {
    const endpoint = settings.STINT_RADOSGW_ENDPOINT
    const tester = { accessKeyId: 'TESTER', secretAccessKey: settings.STINT_RADOSGW_TESTER_SECRET }
    const iam = new IAMClient({ endpoint, region, credentials: tester })
    const s3 = new S3Client({ endpoint, region, credentials: tester, forcePathStyle: true })
    const provider = createAwsStsProvider({
      region,
      stsEndpoint: endpoint,
      iamEndpoint: endpoint,
      credentials: { accessKeyId: 'BROKER', secretAccessKey: settings.STINT_RADOSGW_BROKER_SECRET },
      iamCredentials: tester,
      roles: [{ arn: roleArn, revocation: { kind: 'inline' } }],
      profile: PROFILES.ceph,
      clock: systemClock,
    })

    beforeAll(async () => {
      await s3.send(new CreateBucketCommand({ Bucket: bucket }))
      for (const Key of ['a/x', 'b/x']) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '1' }))
      const trust = { Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/BROKER'] }, Action: ['sts:AssumeRole'] }
      await iam.send(
        new CreateRoleCommand({ RoleName: roleName, Path: '/stint/', AssumeRolePolicyDocument: policy([trust]) }),
      )
      await iam.send(
        new PutRolePolicyCommand({
          RoleName: roleName,
          PolicyName: 'Data',
          PolicyDocument: policy([{ Effect: 'Allow', Action: ['s3:*'], Resource: 'arn:aws:s3:::*' }]),
        }),
      )
    })
    afterAll(async () => {
      for (const PolicyName of ['Data', 'StintDeny'])
        await iam.send(new DeleteRolePolicyCommand({ RoleName: roleName, PolicyName })).catch(() => undefined)
      await iam.send(new DeleteRoleCommand({ RoleName: roleName }))
      provider.close()
      iam.destroy()
      s3.destroy()
    })

    const lease = async (options: { seconds?: number; prefix?: string } = {}) => {
      const notAfter = new Date(Date.now() + (options.seconds ?? 300) * 1_000)
      const allow = { Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/${options.prefix ?? ''}*` }
      const request = mintRequest(new Date(), { roleArn, notAfter, allow })
      const issued = await provider.mint(request, never)
      return { request, issued, reads: (key: string) => reads(endpoint, issued, key) }
    }
    const inlinePolicies = async () =>
      (await iam.send(new ListRolePoliciesCommand({ RoleName: roleName }))).PolicyNames ?? []

    test('refuses what lies outside the session policy, though the role may do it', async () => {
      const { reads } = await lease({ prefix: 'a/' })
      expect(await reads('a/x')).toBe('allowed')
      expect(await reads('b/x')).toBe('AccessDenied')
    })

    test('cuts access at the end of the lease, with no write to IAM', async () => {
      const before = await inlinePolicies()
      const { reads } = await lease({ seconds: 3 })
      expect(await reads('a/x')).toBe('allowed')
      await expect.poll(() => reads('a/x'), { timeout: 15_000, interval: 250 }).toBe('AccessDenied')
      expect(await inlinePolicies()).toEqual(before)
    })

    test('stops one session by the deny list, spares its neighbour, and cleanup removes the entry', async () => {
      const [first, second] = [await lease(), await lease()]
      await provider.writeDenyList(target, { grants: [first.request.grant.id] }, never)
      expect(await first.reads('a/x')).toBe('AccessDenied')
      expect(await second.reads('a/x')).toBe('allowed')
      expect(await inlinePolicies()).toContain('StintDeny')
      await provider.writeDenyList(target, { grants: [] }, never)
      await provider.writeDenyList(target, { grants: [] }, never)
      expect(await inlinePolicies()).not.toContain('StintDeny')
      expect(await second.reads('a/x')).toBe('allowed')
    })

    test('stops a later lease of a denied grant too, since the entry names the grant', async () => {
      const { request } = await lease()
      const { sourceIdentity } = sessionOf(request)
      await provider.writeDenyList(target, { grants: [request.grant.id] }, never)
      const again = await provider.mint(
        { ...request, lease: { ...request.lease, sessionName: `${sourceIdentity}.2` } },
        never,
      )
      expect(await reads(endpoint, again, 'a/x')).toBe('AccessDenied')
      await provider.writeDenyList(target, { grants: [] }, never)
    })

    test('stops by a watermark what was issued before it and nothing after', async () => {
      const old = await lease()
      const watermark = new Date(Math.ceil((old.issued.issuedAt.getTime() + 1_000) / 1_000) * 1_000)
      await provider.writeDenyList(target, { grants: [], watermark }, never)
      expect(await old.reads('a/x')).toBe('AccessDenied')
      await expect.poll(async () => (await lease()).reads('a/x'), { timeout: 15_000, interval: 500 }).toBe('allowed')
      await provider.writeDenyList(target, { grants: [] }, never)
    })

    test('refuses a role that does not trust the broker', async () => {
      const stranger = `${roleName}-stranger`
      const arn = `arn:aws:iam:::role/${stranger}`
      const trust = { Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/TESTER'] }, Action: ['sts:AssumeRole'] }
      await iam.send(new CreateRoleCommand({ RoleName: stranger, AssumeRolePolicyDocument: policy([trust]) }))
      const other = createAwsStsProvider({
        region,
        stsEndpoint: endpoint,
        credentials: { accessKeyId: 'BROKER', secretAccessKey: settings.STINT_RADOSGW_BROKER_SECRET },
        roles: [{ arn, revocation: { kind: 'none' } }],
        profile: PROFILES.ceph,
        clock: systemClock,
      })
      await expect(other.mint(mintRequest(new Date(), { roleArn: arn }), never)).rejects.toMatchObject({
        code: 'PROVIDER_REFUSED',
        details: { outcome: 'not_minted' },
      })
      other.close()
      await iam.send(new DeleteRoleCommand({ RoleName: stranger }))
    })
  },
)

async function reads(endpoint: string, issued: IssuedCredentials, Key: string): Promise<string> {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: {
      accessKeyId: issued.accessKeyId,
      secretAccessKey: issued.secretAccessKey.reveal(),
      sessionToken: issued.sessionToken.reveal(),
    },
  })
  try {
    await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
    return 'allowed'
  } catch (error) {
    return (error as Error).name
  } finally {
    client.destroy()
  }
}

function policy(Statement: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement })
}
