import { idBody, randomIds } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import {
  type AwsStsProvider,
  type AwsStsProviderOptions,
  createAwsStsProvider,
} from '../../src/credentials/aws-sts/provider.ts'
import type { MintRequest } from '../../src/credentials/provider.ts'
import { HurriedClock } from '../support/hurried-clock.ts'
import { StsServer } from '../support/sts-server.ts'

export const ACCOUNT = '123456789012'
export const BOUNDARY_ROLE = `arn:aws:iam::${ACCOUNT}:role/stint/reader`
export const BOUNDARY_POLICY = `arn:aws:iam::${ACCOUNT}:policy/stint-boundary`
export const INLINE_ROLE = `arn:aws:iam::${ACCOUNT}:role/stint/writer`
export const PLAIN_ROLE = `arn:aws:iam::${ACCOUNT}:role/plain`
export const EXTERNAL_ID = 'canary-external-id-7f3c'
export const BROKER_SECRET = 'canary-broker-secret-51ab'

/** A session policy that ends at an instant, as the plan compiler would write it. */
export function sessionPolicy(
  end: Date,
  allow: object = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::data/a/*' },
) {
  const at = new Date(Math.floor(end.getTime() / 1_000) * 1_000).toISOString().replace('.000Z', 'Z')
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', ...allow },
      { Effect: 'Deny', Action: '*', Resource: '*', Condition: { DateGreaterThan: { 'aws:CurrentTime': at } } },
    ],
  })
}

/** A complete request for a fresh grant that ends in five minutes. */
export function mintRequest(now: Date, change: Partial<MintRequest> = {}): MintRequest {
  const body = idBody(randomIds.next('grt', now))
  const notAfter = change.notAfter ?? new Date(now.getTime() + 300_000)
  return {
    leaseId: randomIds.next('lse', now),
    roleArn: BOUNDARY_ROLE,
    sessionName: `${body}.1`,
    sourceIdentity: body,
    sessionPolicy: change.sessionPolicy ?? sessionPolicy(notAfter),
    notAfter,
    tags: {
      'stint:agent': 'spiffe://example.org/agents/reader',
      'stint:grant': body,
      'stint:owner': 'dana@example.org',
      'stint:team': 'data',
    },
    ...change,
  }
}

/** A provider behind the STS-shaped server, on a clock where waits pass at once. */
export interface AwsHarness {
  readonly clock: HurriedClock
  readonly server: StsServer
  readonly provider: AwsStsProvider
  /** Clock skews that the provider reported, in milliseconds. */
  readonly skews: number[]
  /** AWS codes of failed tries, in order. */
  readonly failures: string[]
  with(change: Partial<AwsStsProviderOptions>): AwsStsProvider
  close(): Promise<void>
}

export async function startAws(): Promise<AwsHarness> {
  const clock = new HurriedClock()
  const server = await StsServer.start({ clock })
  server.addRole('reader')
  server.addRole('writer')
  server.addRole('plain')
  server.addManagedPolicy(BOUNDARY_POLICY)
  const skews: number[] = []
  const failures: string[] = []
  const providers: AwsStsProvider[] = []
  const options: AwsStsProviderOptions = {
    region: 'eu-west-1',
    stsEndpoint: server.endpoint,
    iamEndpoint: server.endpoint,
    credentials: { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: BROKER_SECRET },
    roles: [
      {
        arn: BOUNDARY_ROLE,
        externalId: new Secret(EXTERNAL_ID),
        revocation: { kind: 'boundary', policyArn: BOUNDARY_POLICY },
      },
      { arn: INLINE_ROLE, revocation: { kind: 'inline' } },
      { arn: PLAIN_ROLE, revocation: { kind: 'none' } },
    ],
    clock,
    random: () => 0.5,
    observer: {
      clockSkewed: (skewMs) => skews.push(skewMs),
      callFailed: ({ awsCode }) => failures.push(awsCode),
    },
  }
  const make = (change: Partial<AwsStsProviderOptions>) => {
    const provider = createAwsStsProvider({ ...options, ...change })
    providers.push(provider)
    return provider
  }
  return {
    clock,
    server,
    provider: make({}),
    skews,
    failures,
    with: make,
    close: async () => {
      for (const provider of providers) provider.close()
      await server.stop()
    },
  }
}
