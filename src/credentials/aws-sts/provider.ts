import { PROFILES, type StoreProfile } from '../../aws/store-profile.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { TokenBucket } from '../../core/limits/token-bucket.ts'
import type { CredentialProvider } from '../provider.ts'
import { createIamClient, createStsClient, createStsClients, type HttpLimits } from './calls/clients.ts'
import type { ProviderObserver } from './calls/observer.ts'
import type { RetryLimits } from './calls/retry.ts'
import { DenyListLocations, type RevocationPlacement } from './deny/deny-list-locations.ts'
import { denyWindow, mintTimeoutMs } from './deny/deny-window.ts'
import { DocumentRoom } from './deny/document-room.ts'
import { IamDenyWriter } from './deny/iam-deny-writer.ts'
import { AssumeRoleMinter } from './mint/assume-role.ts'
import { type ExternalIdSource, ExternalIds } from './mint/external-ids.ts'
import {
  MAX_CHAINED_SESSION_SECONDS,
  MIN_SESSION_SECONDS,
  roleSessionName,
  toLeaseSession,
} from './mint/lease-session.ts'
import type { MintBy } from './mint/mint-by.ts'
import { ScopedCredentialsMinter } from './mint/scoped-credentials.ts'
import type { AnswerStrictness } from './mint/session-answer.ts'
import {
  BrokerCredentials,
  type BrokerKeys,
  type ReadBrokerKeys,
  readDefaultChain,
} from './own-credentials/broker-credentials.ts'
import type { CallerIdentityDeps } from './own-credentials/caller-identity.ts'
import { AwsProbes } from './probes.ts'

/** A role that leases are minted from. */
interface AwsRole {
  readonly arn: string
  /** sts:ExternalId, issued by the broker's operator for this role and never chosen by a customer; a function is asked again. */
  readonly externalId?: ExternalIdSource
  readonly revocation: RevocationPlacement
}

/** One account and region. Every field with a unit has it in its name. */
export interface AwsStsProviderOptions {
  /** Whose regional STS endpoint is called; its tokens are valid in all regions. */
  readonly region: string
  readonly stsEndpoint?: string
  readonly iamEndpoint?: string
  /**
   * The broker's own, for AssumeRole only. A function is called again whenever AWS refuses what it gave. Default: AWS's chain.
   */
  readonly credentials?: BrokerKeys | ReadBrokerKeys
  /** Credentials of the revoker, where it is another principal. Default: `credentials`. */
  readonly iamCredentials?: BrokerKeys | ReadBrokerKeys
  readonly roles: readonly AwsRole[]
  /** Default `assume-role`. */
  readonly mintBy?: MintBy
  /** Pace of STS calls, below the quota of 600 a second an account and region. Default 300. */
  readonly callsPerSecond?: number
  readonly clock: Clock
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number
  readonly observer?: ProviderObserver
  /** What kind of store answers. Default AWS. */
  readonly profile?: StoreProfile
  /** How closely answers are checked. Default as the profile says. */
  readonly strictness?: AnswerStrictness
  /** Characters that the role's other inline policies take of IAM's 10,240. Default 4,096. */
  readonly otherInlineCharacters?: number
  readonly http?: Partial<HttpLimits>
  readonly mintLimits?: Partial<RetryLimits>
  readonly writeLimits?: Partial<RetryLimits>
}

/** The provider, what `stint doctor` asks of AWS, and an end to its sockets. */
export interface AwsStsProvider extends CredentialProvider {
  readonly probes: AwsProbes
  close(): void
}

const HTTP: HttpLimits = { connectionTimeoutMs: 2_000, requestTimeoutMs: 5_000 }
const MINT: RetryLimits = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 2_000, totalMs: 10_000 }
const WRITE: RetryLimits = { maxAttempts: 5, baseDelayMs: 250, maxDelayMs: 5_000, totalMs: 20_000 }
const DEFAULT_CALLS_PER_SECOND = 300
const DEFAULT_OTHER_INLINE_CHARACTERS = 4_096
const STS_SOCKETS = 256
const IAM_SOCKETS = 64

/**
 * Leases from AWS STS, and their revocation through IAM policy documents.
 *
 * @throws {StintError} CONFIG_INVALID for malformed ARNs or external ids, a role given twice, or a plain-HTTP endpoint.
 */
export function createAwsStsProvider(options: AwsStsProviderOptions): AwsStsProvider {
  const profile = options.profile ?? PROFILES.aws
  const denyLists = new DenyListLocations(options.roles)
  const shared = sharedParts(options)
  const externalIds = new ExternalIds({
    sources: new Map(options.roles.flatMap(({ arn, externalId }) => (externalId ? [[arn, externalId] as const] : []))),
    clock: options.clock,
    onProblem: (roleArn, error) => shared.observer.externalIdRead?.(roleArn, error),
  })
  const credentials = brokerCredentials(options, options.credentials)
  const iamCredentials = options.iamCredentials ? brokerCredentials(options, options.iamCredentials) : credentials
  const sts = createStsClient({
    ...clientOptions(options, options.stsEndpoint, credentials),
    maxSockets: STS_SOCKETS,
  })
  const iam = createIamClient({
    ...clientOptions(options, options.iamEndpoint, iamCredentials),
    maxSockets: IAM_SOCKETS,
  })
  const callers: CallerIdentityDeps[] = [{ ...shared, service: 'sts', client: sts, credentials }]
  if (iamCredentials !== credentials) {
    const settings = { ...clientOptions(options, options.stsEndpoint, iamCredentials), maxSockets: IAM_SOCKETS }
    callers.push({ ...shared, service: 'iam', client: createStsClient(settings), credentials: iamCredentials })
  }
  const bucket = new TokenBucket({
    clock: options.clock,
    ratePerSecond: options.callsPerSecond ?? DEFAULT_CALLS_PER_SECOND,
  })
  const mintLimits = { ...MINT, ...options.mintLimits }
  const minterDeps = {
    ...shared,
    client: sts,
    credentials,
    bucket,
    limits: mintLimits,
    strictness: options.strictness ?? profile.answers,
    leaseEnd: profile.policy.leaseEnd,
    externalIds,
  }
  const clients = createStsClients({ ...endpointOptions(options, options.stsEndpoint), maxSockets: STS_SOCKETS })
  const scoped =
    options.mintBy === 'scoped-credentials'
      ? new ScopedCredentialsMinter({ ...minterDeps, clientFor: (keys) => clients.clientFor(async () => keys) })
      : undefined
  const assumeRole = new AssumeRoleMinter(minterDeps)
  // From an old session of the grant, which has ended meanwhile; a new session; from that one.
  const mintTotalMs = mintLimits.totalMs * (scoped ? 3 : 1)
  const longestSessionSeconds = scoped ? MAX_CHAINED_SESSION_SECONDS : MIN_SESSION_SECONDS
  const writer = new IamDenyWriter({
    ...shared,
    accessTo: () => ({ client: iam, credentials: iamCredentials }),
    limits: { ...WRITE, ...options.writeLimits },
  })
  const room = new DocumentRoom(options.otherInlineCharacters ?? DEFAULT_OTHER_INLINE_CHARACTERS)
  const served = new Set(options.roles.map((role) => role.arn))

  return {
    name: 'aws-sts',
    nameSession: roleSessionName,
    mintTimeoutMs: mintTimeoutMs(mintTotalMs),
    mint: async (request, signal) => {
      const { roleArn } = request.lease
      if (!served.has(roleArn)) throw unknownRole(roleArn)
      if (scoped) return scoped.mint(request, signal)
      return assumeRole.mint(toLeaseSession(request, profile.policy.leaseEnd), signal)
    },
    denyWindow: (leases, plan) => denyWindow(leases, plan, mintTotalMs, longestSessionSeconds),
    findDenyList: (roleArn) => denyLists.ofRole(roleArn),
    fits: (listKey, list) => {
      const document = denyLists.find(listKey)
      return document !== undefined && room.fits(listKey, document, list)
    },
    writeDenyList: async (listKey, list, signal) => {
      const document = denyLists.document(listKey)
      scoped?.dropDenied(list, (roleArn) => denyLists.ofRole(roleArn)?.key === listKey)
      await writer.write(listKey, document, list, signal).catch((error) => {
        if (error instanceof StintError && error.details.limit) room.shrink(listKey, document, list)
        throw error
      })
    },
    probes: new AwsProbes({ ...minterDeps, iam, denyLists, callers }),
    close: () => {
      for (const { client } of callers) client.destroy()
      iam.destroy()
      scoped?.close()
      clients.close()
    },
  }
}

function sharedParts(options: AwsStsProviderOptions) {
  const http = { ...HTTP, ...options.http }
  return {
    clock: options.clock,
    random: options.random ?? Math.random,
    observer: options.observer ?? {},
    attemptTimeoutMs: http.connectionTimeoutMs + http.requestTimeoutMs,
  }
}

function clientOptions(options: AwsStsProviderOptions, endpoint: string | undefined, credentials: BrokerCredentials) {
  return { ...endpointOptions(options, endpoint), credentials: credentials.source }
}

function endpointOptions(options: AwsStsProviderOptions, endpoint: string | undefined) {
  return {
    region: options.region,
    http: { ...HTTP, ...options.http },
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

function brokerCredentials(
  { clock, region }: AwsStsProviderOptions,
  given: BrokerKeys | ReadBrokerKeys | undefined,
): BrokerCredentials {
  const read = typeof given === 'object' ? async () => given : (given ?? readDefaultChain(region))
  return new BrokerCredentials({ read, clock })
}

function unknownRole(roleArn: string): StintError {
  return new StintError('ROLE_UNKNOWN', {
    explanation: 'The provider has no such role; an operator must configure it.',
    roleArn,
    outcome: 'not_minted',
  })
}
