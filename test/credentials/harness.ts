import { PROFILES } from '../../src/aws/store-profile.ts'
import { randomIds } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import { type LeaseSession, roleSessionName, toLeaseSession } from '../../src/credentials/aws-sts/mint/lease-session.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import type { AwsStsProviderOptions } from '../../src/credentials/aws-sts/provider-options.ts'
import type { MintRequest } from '../../src/credentials/provider.ts'
import type { Grant } from '../../src/ledger/records.ts'
import { HurriedClock } from '../support/hurried-clock.ts'
import { sampleOpen, samplePlan } from '../support/ledger-records.ts'
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

/** What a test may choose of a mint; the rest is a fresh grant, a lease that ends in five minutes, and a plan that reads. */
export interface MintChange {
  readonly roleArn?: string
  readonly notAfter?: Date
  /** The one Allow of the plan's session policy. */
  readonly allow?: object
  /** The whole of the plan's session policy. */
  readonly sessionPolicy?: string
  readonly grant?: Partial<Pick<Grant, 'subject' | 'owner' | 'team'>>
}

/** A complete request for a fresh grant. */
export function mintRequest(now: Date, change: MintChange = {}): MintRequest {
  const { roleArn = BOUNDARY_ROLE, allow = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::data/a/*' } } = change
  const Statement = [{ Effect: 'Allow', ...allow }]
  const sessionPolicy = change.sessionPolicy ?? JSON.stringify({ Version: '2012-10-17', Statement })
  const plan = { ...samplePlan(), sessionPolicy }
  const { grant } = sampleOpen(randomIds, now, { plan, grant: { roleArn, ...change.grant } })
  const named = { grantId: grant.id, number: 1, agent: grant.subject }
  return {
    grant: { ...grant, leaseCount: 1, version: 1 },
    lease: {
      id: randomIds.next('lse', now),
      ...named,
      roleArn,
      sessionName: roleSessionName(named),
      state: 'intended',
      notAfter: change.notAfter ?? new Date(now.getTime() + 300_000),
      intendedAt: now,
    },
    plan,
  }
}

/** What STS is asked for such a request, changed in whatever way a test needs. */
export function leaseSession(now: Date, change: Partial<LeaseSession> = {}): LeaseSession {
  return { ...sessionOf(mintRequest(now)), ...change }
}

/** What AWS is asked for a request. */
export function sessionOf(request: MintRequest): LeaseSession {
  return toLeaseSession(request, PROFILES.aws.policy.leaseEnd)
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
