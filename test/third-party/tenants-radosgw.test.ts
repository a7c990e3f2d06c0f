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
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { mintRequest } from '../credentials/harness.ts'
import { RADOSGW_SETTINGS } from './radosgw-cloud.ts'
import { describeWithService } from './service.ts'

const never = new AbortController().signal
const region = 'us-east-1'
const TENANTS = ['111111111111', '222222222222']
const RoleName = `tenants-${Date.now()}`
const Bucket = `data-${Date.now()}`
const roleIn = (tenant: string) => `arn:aws:iam::${tenant}:role/stint/${RoleName}`
/** Ceph enforces a changed role policy at once, but a busy machine may be slow to answer. */
const BOUND = { timeout: 15_000 }
const ALLOW = { Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` }

/**
 * Two tenants of radosgw and one broker that is in neither: roles are assumed across tenants. A role's session acts in IAM for the
 * tenant of whoever has assumed it (as seen on 16.2), so no revoker role can write there: each tenant's deny lists are
 * written with keys of that tenant.
 */
describeWithService(
  'two tenants of Ceph radosgw',
  [...RADOSGW_SETTINGS, 'STINT_RADOSGW_TENANT_SECRET'],
  'test/third-party/radosgw-up.sh',
  (settings) => {
    const endpoint = settings.STINT_RADOSGW_ENDPOINT
    const keysOf = (tenant: string) => ({
      accessKeyId: `KEEPER${tenant}`,
      secretAccessKey: settings.STINT_RADOSGW_TENANT_SECRET,
    })
    const keepers = new Map(
      TENANTS.map((tenant) => [tenant, new IAMClient({ endpoint, region, credentials: keysOf(tenant) })]),
    )
    const keeperOf = (tenant: string) => keepers.get(tenant) as IAMClient
    const providers: AwsStsProvider[] = []
    const providerFor = (tenant: string) => {
      const provider = createAwsStsProvider({
        region,
        stsEndpoint: endpoint,
        iamEndpoint: endpoint,
        profile: PROFILES.ceph,
        credentials: { accessKeyId: 'BROKER', secretAccessKey: settings.STINT_RADOSGW_BROKER_SECRET },
        iamCredentials: keysOf(tenant),
        roles: [{ arn: roleIn('*'), accounts: TENANTS, revocation: { kind: 'inline' } }],
        clock: systemClock,
      })
      providers.push(provider)
      return provider
    }

    beforeAll(async () => {
      const trust = { Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/BROKER'] }, Action: ['sts:AssumeRole'] }
      const all = { Effect: 'Allow', Action: ['s3:*'], Resource: 'arn:aws:s3:::*' }
      for (const tenant of TENANTS) {
        const iam = keeperOf(tenant)
        const AssumeRolePolicyDocument = document(trust)
        await iam.send(new CreateRoleCommand({ RoleName, Path: '/stint/', AssumeRolePolicyDocument }))
        await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'Data', PolicyDocument: document(all) }))
        const s3 = new S3Client({ endpoint, region, credentials: keysOf(tenant), forcePathStyle: true })
        await s3.send(new CreateBucketCommand({ Bucket }))
        await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: tenant }))
        s3.destroy()
      }
    })
    afterAll(async () => {
      for (const iam of keepers.values()) {
        const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }))
        for (const PolicyName of PolicyNames) await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
        await iam.send(new DeleteRoleCommand({ RoleName }))
        iam.destroy()
      }
      for (const provider of providers) provider.close()
    })

    /** A lease of the role in a tenant, as its agent would use it. */
    async function leaseIn(provider: AwsStsProvider, tenant: string) {
      const request = mintRequest(new Date(), {
        roleArn: roleIn(tenant),
        allow: ALLOW,
      })
      const issued = await provider.mint(request, never)
      const credentials = {
        accessKeyId: issued.accessKeyId,
        secretAccessKey: issued.secretAccessKey.reveal(),
        sessionToken: issued.sessionToken.reveal(),
      }
      const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
      const get = () =>
        s3.send(new GetObjectCommand({ Bucket, Key: 'a' })).then(
          async ({ Body }) => await Body?.transformToString(),
          (error: Error) => error.name,
        )
      return { grantId: request.grant.id, get }
    }

    for (const tenant of TENANTS) {
      test(`a grant in tenant ${tenant} is cut there, and again after its deny list was removed`, async () => {
        const provider = providerFor(tenant)
        const lease = await leaseIn(provider, tenant)
        const [other = ''] = TENANTS.filter((each) => each !== tenant)
        const neighbour = await leaseIn(provider, other)
        expect([await lease.get(), await neighbour.get()]).toEqual([tenant, other])

        const write = () => provider.writeDenyList(`inline:${roleIn(tenant)}`, { grants: [lease.grantId] }, never)
        await write()
        await expect.poll(lease.get, BOUND).toBe('AccessDenied')
        expect(await neighbour.get()).toBe(other)

        await keeperOf(tenant).send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'StintDeny' }))
        await expect.poll(lease.get, BOUND).toBe(tenant)
        await write()
        await expect.poll(lease.get, BOUND).toBe('AccessDenied')
      })
    }
  },
)

function document(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}
