import { IAMClient } from '@aws-sdk/client-iam'
import { S3Client } from '@aws-sdk/client-s3'
import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from '@aws-sdk/client-sts'
import { type PracticeCloud, type PracticeCloudOptions, startPracticeCloud } from '../../src/practice/cloud.ts'
import { ManualClock } from '../support/manual-clock.ts'

export const ACCOUNT = '111122223333'
export const BROKER = `arn:aws:iam::${ACCOUNT}:user/broker`
export const TASK_ROLE = `arn:aws:iam::${ACCOUNT}:role/task`
export const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/deny-list`

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** A policy of one or more statements; each defaults to `Allow`, all actions, all resources. */
export function policy(...statements: object[]): object {
  return {
    Version: '2012-10-17',
    Statement: statements.map((statement) => {
      const action = 'NotAction' in statement ? {} : { Action: '*' }
      const resource = 'NotResource' in statement ? {} : { Resource: '*' }
      return { Effect: 'Allow', ...action, ...resource, ...statement }
    }),
  }
}

export const TRUST = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: BROKER },
      Action: ['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'],
    },
  ],
}

/** A practice cloud on a manual clock, with a broker (all rights), a task role (all rights) and SDK clients on that clock. */
export async function startStage(options: PracticeCloudOptions & { readonly boundary?: object } = {}) {
  const { boundary, ...cloudOptions } = options
  const clock = new ManualClock()
  const cloud = await startPracticeCloud({ clock, ...cloudOptions })
  const broker = cloud.addPrincipal({ arn: BROKER, policies: [policy({})] })
  if (boundary !== undefined) cloud.createPolicy({ arn: BOUNDARY, document: boundary })
  cloud.createRole({
    arn: TASK_ROLE,
    trustPolicy: TRUST,
    policies: { all: policy({}) },
    ...(boundary === undefined ? {} : { permissionsBoundary: BOUNDARY }),
  })
  cloud.createBucket('invoices')
  cloud.putObject('invoices', 'in/1.txt', 'one')
  return { clock, cloud, broker, ...clientsOf(cloud, clock) }
}

/** SDK clients that believe the manual clock; one attempt each, unless said otherwise. */
export function clientsOf(cloud: Pick<PracticeCloud, 'endpoint' | 'region'>, clock: ManualClock) {
  const base = (keys: Keys, maxAttempts = 1) => ({
    endpoint: cloud.endpoint,
    region: cloud.region,
    credentials: keys,
    maxAttempts,
    systemClockOffset: clock.now().getTime() - Date.now(),
  })
  return {
    sts: (keys: Keys, maxAttempts?: number) => new STSClient(base(keys, maxAttempts)),
    iam: (keys: Keys, maxAttempts?: number) => new IAMClient(base(keys, maxAttempts)),
    s3: (keys: Keys, maxAttempts?: number) => new S3Client({ ...base(keys, maxAttempts), forcePathStyle: true }),
  }
}

/** AssumeRole of the task role; the session's keys. */
export async function assume(
  client: STSClient,
  input: Partial<Omit<AssumeRoleCommandInput, 'Policy'>> & { Policy?: object } = {},
) {
  const { Policy, ...rest } = input
  const answer = await client.send(
    new AssumeRoleCommand({
      RoleArn: TASK_ROLE,
      RoleSessionName: 'g-1',
      DurationSeconds: 900,
      ...rest,
      ...(Policy === undefined ? {} : { Policy: JSON.stringify(Policy) }),
    }),
  )
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration } = answer.Credentials ?? {}
  return {
    answer,
    expiration: Expiration,
    keys: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
  }
}

/** What a call comes to: `ok`, or the code of the error. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'ok'
  } catch (error) {
    return error instanceof Error ? error.name : 'not an error'
  }
}
