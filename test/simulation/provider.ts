import { PROFILES } from '../../src/aws/store-profile.ts'
import type { Clock } from '../../src/core/clock.ts'
import { TokenBucket } from '../../src/core/limits/token-bucket.ts'
import { MintLanes } from '../../src/credentials/aws-sts/accounts/mint-lanes.ts'
import { ServedRoles } from '../../src/credentials/aws-sts/accounts/served-roles.ts'
import { DocumentRoom } from '../../src/credentials/aws-sts/deny/document-room.ts'
import { IamDenyWriter } from '../../src/credentials/aws-sts/deny/iam-deny-writer.ts'
import { AssumeRoleMinter } from '../../src/credentials/aws-sts/mint/assume-role.ts'
import { ExternalIds } from '../../src/credentials/aws-sts/mint/external-ids.ts'
import { PackedSizes } from '../../src/credentials/aws-sts/mint/packed-sizes.ts'
import { BrokerCredentials } from '../../src/credentials/aws-sts/own-credentials/broker-credentials.ts'
import { denyListMethods, leaseMethods } from '../../src/credentials/aws-sts/provider.ts'
import { CloudClockRelay } from '../../src/credentials/cloud-clock.ts'
import type { CredentialProvider } from '../../src/credentials/provider.ts'
import { simulatedIam } from './iam.ts'
import { ATTEMPT_MS, answerDate, simulatedSts, type WireParts } from './wires.ts'

/** The provider for AWS as it ships, on simulated wires instead of HTTP. */
export function simulatedProvider(parts: Omit<WireParts, 'onTime'>, clock: Clock): CredentialProvider {
  const { scheduler, cloud } = parts
  const cloudClock: CloudClockRelay = new CloudClockRelay(() => askTime(parts, cloudClock))
  const wires = { ...parts, onTime: (cloudNow: Date) => cloudClock.tell(cloudNow) }
  const random = () => scheduler.chance.next()
  const roles = new ServedRoles(
    cloud.roles.map(({ arn, policyArn }) => ({ arn, revocation: { kind: 'boundary', policyArn } })),
    clock,
  )
  const read = async () => ({ accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'canary-broker-secret' })
  const credentials = new BrokerCredentials({ read, clock })
  const shared = { clock, random, observer: {}, attemptTimeoutMs: ATTEMPT_MS, credentials }
  const limits = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 2_000, totalMs: 10_000 }
  const deps = {
    ...shared,
    limits,
    assumeRole: simulatedSts(wires),
    bucket: new TokenBucket({ clock, ratePerSecond: 300 }),
    strictness: 'aws' as const,
    leaseEnd: PROFILES.aws.policy.leaseEnd,
    externalIds: new ExternalIds({ find: () => undefined, clock }),
    sizes: new PackedSizes({ clock }),
    lanes: new MintLanes({ clock, isListed: (roleArn) => roles.isListed(roleArn) }),
  }
  const access = { client: simulatedIam(wires), credentials }
  const writeLimits = { maxAttempts: 5, baseDelayMs: 250, maxDelayMs: 5_000, totalMs: 20_000 }
  const composed = {
    roles,
    denyLists: roles.denyLists,
    leaseEnd: deps.leaseEnd,
    minting: { deps, scoped: undefined, assumeRole: new AssumeRoleMinter(deps), totalMs: limits.totalMs },
    writer: new IamDenyWriter({ ...shared, accessTo: () => access, limits: writeLimits }),
    room: new DocumentRoom({ clock, otherInlineCharacters: 4_096, denyBy: 'both' }),
  }
  return { name: 'aws-sts', ...leaseMethods(composed), ...denyListMethods(composed), cloudClock }
}

/** The call by which the broker makes AWS tell its time. */
function askTime(parts: Omit<WireParts, 'onTime'>, relay: CloudClockRelay): void {
  const { scheduler, process, faults } = parts
  if (faults.strikes('sts_is_down', 0.5) || faults.strikes('sts_loses_answers', 0.4)) return
  process.after(scheduler.chance.between(2, 80), () => relay.tell(answerDate(parts)))
}
