import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { ForeignCloud } from './foreign-stage.ts'

/** What radosgw-up.sh prints. */
export const RADOSGW_SETTINGS = [
  'STINT_RADOSGW_ENDPOINT',
  'STINT_RADOSGW_TESTER_SECRET',
  'STINT_RADOSGW_BROKER_SECRET',
] as const
const DENY_POLICY = 'StintDeny'
const REGION = 'us-east-1'

/** A role, the two buckets of the practice stage and an object in each folder, in a running radosgw. */
export interface RadosgwCloud extends ForeignCloud {
  /** The deny list in the role, as text; undefined when the role has none. */
  denyList(): Promise<string | undefined>
  close(): Promise<void>
}

/** @param roleName of a role that no other suite uses. It may do everything in S3: what is refused, the session refuses. */
export async function openRadosgw(
  settings: Record<(typeof RADOSGW_SETTINGS)[number], string>,
  roleName: string,
): Promise<RadosgwCloud> {
  const endpoint = settings.STINT_RADOSGW_ENDPOINT
  const tester = { accessKeyId: 'TESTER', secretAccessKey: settings.STINT_RADOSGW_TESTER_SECRET }
  const client = { endpoint, region: REGION, credentials: tester }
  const iam = new IAMClient(client)
  const s3 = new S3Client({ ...client, forcePathStyle: true })
  for (const Bucket of ['invoices-staging', 'invoices-prod']) {
    await s3.send(new CreateBucketCommand({ Bucket }))
    for (const Key of ['2026/11/one.json', '2026/12/one.json'])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: '{"invoice":1}' }))
  }
  s3.destroy()
  const trust = { Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/BROKER'] }, Action: ['sts:AssumeRole'] }
  const all = { Effect: 'Allow', Action: ['s3:*'], Resource: 'arn:aws:s3:::*' }
  await iam.send(
    new CreateRoleCommand({ RoleName: roleName, Path: '/stint/', AssumeRolePolicyDocument: document(trust) }),
  )
  await iam.send(new PutRolePolicyCommand({ RoleName: roleName, PolicyName: 'Data', PolicyDocument: document(all) }))

  const denyList = async () => {
    const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName: roleName }))
    if (!PolicyNames.includes(DENY_POLICY)) return undefined
    const found = await iam.send(new GetRolePolicyCommand({ RoleName: roleName, PolicyName: DENY_POLICY }))
    return decodeURIComponent(found.PolicyDocument ?? '')
  }
  return {
    endpoint,
    region: REGION,
    // radosgw's roles of the default tenant have no account in their ARN.
    roleArn: `arn:aws:iam:::role/stint/${roleName}`,
    revocation: { kind: 'inline' },
    settings: { profile: 'ceph' },
    broker: { accessKeyId: 'BROKER', secretAccessKey: settings.STINT_RADOSGW_BROKER_SECRET },
    revoker: tester,
    denyList,
    close: async () => {
      for (const PolicyName of ['Data', ...((await denyList()) === undefined ? [] : [DENY_POLICY])])
        await iam.send(new DeleteRolePolicyCommand({ RoleName: roleName, PolicyName }))
      await iam.send(new DeleteRoleCommand({ RoleName: roleName }))
      iam.destroy()
    },
  }
}

function document(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}
