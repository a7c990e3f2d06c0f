import { PROFILES, type StoreProfile } from '../../aws/store-profile.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { TokenBucket } from '../../core/limits/token-bucket.ts'
import type { Canaries } from '../canary.ts'
import { CloudClockRelay } from '../cloud-clock.ts'
import type { CredentialProvider } from '../provider.ts'
import { IamAccounts } from './accounts/iam-accounts.ts'
import { MintLanes, STS_SOCKETS } from './accounts/mint-lanes.ts'
import { type AwsRole, ServedRoles } from './accounts/served-roles.ts'
import type { StsClientKind } from './calls/assume-role-call.ts'
import {
  createIamClient,
  createIamClients,
  createMintClient,
  createStsClient,
  createStsClients,
} from './calls/clients.ts'
import type { AwsNetwork, HttpLimits } from './calls/network.ts'
import type { ProviderObserver } from './calls/observer.ts'
import type { RetryLimits } from './calls/retry.ts'
import { AwsCanaries } from './canary/aws-canaries.ts'
import type { DenyKey } from './deny/deny-document.ts'
import { denyWindow, mintTimeoutMs } from './deny/deny-window.ts'
import { readContent } from './deny/document-mark.ts'
import { DocumentRoom } from './deny/document-room.ts'
import { IamDenyWriter } from './deny/iam-deny-writer.ts'
import { AssumeRoleMinter } from './mint/assume-role.ts'
import { ExternalIds } from './mint/external-ids.ts'
import { roleSessionName, toLeaseSession, toSessionParts } from './mint/lease-session.ts'
import type { MintBy } from './mint/mint-by.ts'
import { PackedSizes } from './mint/packed-sizes.ts'
import { ScopedCredentialsMinter } from './mint/scoped-credentials.ts'
import type { AnswerStrictness } from './mint/session-answer.ts'
import { BrokerCredentials, type BrokerKeys, type ReadBrokerKeys } from './own-credentials/broker-credentials.ts'
import type { CallerIdentityDeps } from './own-credentials/caller-identity.ts'
import { readDefaultChain } from './own-credentials/default-chain.ts'
import { AwsProbes } from './probes.ts'

/** One region, any number of accounts. Every field with a unit has it in its name. */
export interface AwsStsProviderOptions {
  /** The region whose STS endpoint is called; its tokens are valid in all regions. */
  readonly region: string
  /** Also for the STS calls by which the default chain gets the broker's own credentials. */
  readonly stsEndpoint?: string
  readonly iamEndpoint?: string
  readonly network?: AwsNetwork
  /**
   * The broker's own, for AssumeRole only. A function is called again whenever AWS refuses what it gave. Default: AWS's chain.
   */
  readonly credentials?: BrokerKeys | ReadBrokerKeys
  /** Credentials of the revoker, where it is another principal. Default: `credentials`. */
  readonly iamCredentials?: BrokerKeys | ReadBrokerKeys
  readonly roles: readonly AwsRole[]
  /** Default `assume-role`. */
  readonly mintBy?: MintBy
  /** What sends AssumeRole for leases. Default `direct`. */
  readonly stsClient?: StsClientKind
  /** Pace of STS calls, below the quota of 600 a second an account and region. Default 300. */
  readonly callsPerSecond?: number
  readonly clock: Clock
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number
  readonly observer?: ProviderObserver
  /** The kind of store that answers. Default AWS. */
  readonly profile?: StoreProfile
  /** How closely answers are checked. Default as the profile says. */
  readonly strictness?: AnswerStrictness
  /** Characters that the role's other inline policies take of IAM's 10,240. Default 4,096. */
  readonly otherInlineCharacters?: number
  /** By which keys a boundary names the sessions of a grant. Default both, as far as there is room. */
  readonly denyBy?: DenyKey
  readonly http?: Partial<HttpLimits>
  readonly mintLimits?: Partial<RetryLimits>
  readonly writeLimits?: Partial<RetryLimits>
}

/** With who hears the time of every answer. */
type ToldOptions = AwsStsProviderOptions & { readonly onTime: (cloudNow: Date) => void }

/** The provider, what `stint doctor` asks of AWS, and an end to its sockets. */
export interface AwsStsProvider extends CredentialProvider {
  readonly probes: AwsProbes
  readonly canaries: Canaries
  close(): void
}

const HTTP: HttpLimits = { connectionTimeoutMs: 2_000, requestTimeoutMs: 5_000 }
const MINT: RetryLimits = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 2_000, totalMs: 10_000 }
const WRITE: RetryLimits = { maxAttempts: 5, baseDelayMs: 250, maxDelayMs: 5_000, totalMs: 20_000 }
const DEFAULT_CALLS_PER_SECOND = 300
/** Revokers of many accounts may be needed in one moment; with the mints' default it stays below the quota of STS. */
const REVOKER_CALLS_PER_SECOND = 200
const DEFAULT_OTHER_INLINE_CHARACTERS = 4_096
/** For the broker's own credentials, and for each account that has a revoker. */
const IAM_SOCKETS = 64
/** Of all canaries together, which make one call at a time each. */
const CANARY_SOCKETS = 256
/** For the look that asks AWS for its time. */
const ASK_MS = 20_000

/**
 * Leases from AWS STS, and their revocation through IAM policy documents.
 *
 * @throws {StintError} CONFIG_INVALID for malformed ARNs or external ids, a role given twice, or a plain-HTTP endpoint.
 */
export function createAwsStsProvider(given: AwsStsProviderOptions): AwsStsProvider {
  const options: ToldOptions = { ...given, onTime: (cloudNow) => cloudClock.tell(cloudNow) }
  const profile = options.profile ?? PROFILES.aws
  const roles = new ServedRoles(options.roles)
  const { denyLists } = roles
  const shared = sharedParts(options)
  const externalIds = new ExternalIds({
    find: (roleArn) => roles.findExternalId(roleArn),
    clock: options.clock,
    onProblem: (roleArn, error) => shared.observer.externalIdRead?.(roleArn, error),
  })
  const {
    credentials,
    iamCredentials,
    sts,
    assumeRole: sendAssumeRole,
    iam,
    writerSts,
    callers,
  } = ownClients(options, shared)
  const accounts = new IamAccounts({
    denyLists,
    own: { client: iam, credentials: iamCredentials },
    revokers: {
      ...shared,
      service: iamCredentials === credentials ? 'sts' : 'iam',
      client: writerSts,
      credentials: iamCredentials,
      bucket: new TokenBucket({ clock: options.clock, ratePerSecond: REVOKER_CALLS_PER_SECOND }),
      externalIds,
    },
    createClients: () =>
      createIamClients({ ...endpointOptions(options, options.iamEndpoint), maxSockets: IAM_SOCKETS }),
    clock: options.clock,
  })
  const mintLimits = { ...MINT, ...options.mintLimits }
  const minterDeps = {
    ...shared,
    assumeRole: sendAssumeRole,
    credentials,
    bucket: new TokenBucket({
      clock: options.clock,
      ratePerSecond: options.callsPerSecond ?? DEFAULT_CALLS_PER_SECOND,
    }),
    limits: mintLimits,
    strictness: options.strictness ?? profile.answers,
    leaseEnd: profile.policy.leaseEnd,
    externalIds,
    sizes: new PackedSizes({ clock: options.clock }),
    lanes: new MintLanes({ clock: options.clock, isListed: (roleArn) => roles.isListed(roleArn) }),
  }
  const clients = createStsClients({ ...endpointOptions(options, options.stsEndpoint), maxSockets: STS_SOCKETS })
  const scoped =
    options.mintBy === 'scoped-credentials'
      ? new ScopedCredentialsMinter({ ...minterDeps, clientFor: (keys) => clients.clientFor(async () => keys) })
      : undefined
  const assumeRole = new AssumeRoleMinter(minterDeps)
  // From an old session of the grant, which has ended meanwhile; a new session; from that one.
  const mintTotalMs = mintLimits.totalMs * (scoped ? 3 : 1)
  const writer = new IamDenyWriter({
    ...shared,
    accessTo: (listKey) => accounts.accessTo(listKey),
    limits: { ...WRITE, ...options.writeLimits },
  })
  const room = new DocumentRoom({
    clock: options.clock,
    otherInlineCharacters: options.otherInlineCharacters ?? DEFAULT_OTHER_INLINE_CHARACTERS,
    denyBy: options.denyBy ?? 'both',
  })

  const canaries = new AwsCanaries({
    ...minterDeps,
    denyLists,
    clients: createIamClients({ ...endpointOptions(options, options.iamEndpoint), maxSockets: CANARY_SOCKETS }),
  })
  const probes = new AwsProbes({ ...minterDeps, accessTo: (listKey) => accounts.accessTo(listKey), denyLists, callers })
  const cloudClock = new CloudClockRelay(
    // The observer is told what the look finds, a fault included.
    profile.callerIdentity
      ? () => void probes.credentials(AbortSignal.timeout(ASK_MS)).catch(() => undefined)
      : undefined,
  )

  return {
    name: 'aws-sts',
    nameSession: roleSessionName,
    mintTimeoutMs: mintTimeoutMs(mintTotalMs),
    mint: async (request, signal) => {
      const { roleArn } = request.lease
      if (!roles.has(roleArn)) throw unknownRole(roleArn)
      const session = () => toLeaseSession(request, profile.policy.leaseEnd)
      const credentials = await (scoped ? scoped.mint(request, signal) : assumeRole.mint(session(), signal))
      denyLists.confirmSpelling(roleArn)
      return credentials
    },
    forecastSize: (session) => minterDeps.sizes.forecast(toSessionParts(session, profile.policy.leaseEnd)),
    denyWindow: (leases, plan) => denyWindow(leases, plan, mintTotalMs),
    findDenyList: (roleArn) => denyLists.ofRole(roleArn),
    documentsOf: (listKey) => denyLists.documentsOf(listKey),
    fits: (key, list, spare) => {
      const document = denyLists.find(key)?.document
      return document !== undefined && room.fits(key, document, list, spare)
    },
    digestOf: (key, list) => readContent(room.text(key, denyLists.require(key).document, list)).digest,
    readDenyList: async (key, signal) => {
      const { value, at } = await writer.read(key, denyLists.require(key).document, signal)
      return { ...readContent(value), exists: value !== undefined, ...(at && { at }) }
    },
    writeDenyList: async (key, list, signal, mark) => {
      const { document } = denyLists.require(key)
      scoped?.dropDenied(list, (roleArn) => {
        const location = denyLists.ofRole(roleArn)
        return location !== undefined && denyLists.documentsOf(location.key).includes(key)
      })
      const { at } = await writer.write(key, document, room.text(key, document, list, mark), signal).catch((error) => {
        if (error instanceof StintError && error.details.limit) room.shrink(key, document, list)
        throw error
      })
      return { ...(at && { at }) }
    },
    cloudClock,
    canaries,
    probes,
    close: () => {
      canaries.close()
      for (const client of [sts, writerSts, iam]) client.destroy()
      accounts.close()
      scoped?.close()
      clients.close()
    },
  }
}

/** Clients that sign with the broker's own credentials. */
function ownClients(options: ToldOptions, shared: ReturnType<typeof sharedParts>) {
  const credentials = brokerCredentials(options, options.credentials)
  const iamCredentials = options.iamCredentials ? brokerCredentials(options, options.iamCredentials) : credentials
  const stsOptions = { ...endpointOptions(options, options.stsEndpoint), maxSockets: STS_SOCKETS }
  const mints = createMintClient({ ...stsOptions, credentials: credentials.source }, options.stsClient ?? 'direct')
  const { client: sts, assumeRole } = mints
  // Not the minting client: a revocation must find a socket whatever the mints are waiting for.
  const writerSts = createStsClient({ ...stsOptions, credentials: iamCredentials.source })
  const iam = createIamClient({
    ...endpointOptions(options, options.iamEndpoint),
    credentials: iamCredentials.source,
    maxSockets: IAM_SOCKETS,
  })
  const callers: CallerIdentityDeps[] = [{ ...shared, service: 'sts', client: sts, credentials }]
  if (iamCredentials !== credentials)
    callers.push({ ...shared, service: 'iam', client: writerSts, credentials: iamCredentials })
  return { credentials, iamCredentials, sts, assumeRole, iam, writerSts, callers }
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

function endpointOptions(options: ToldOptions, endpoint: string | undefined) {
  return {
    region: options.region,
    onTime: options.onTime,
    http: { ...HTTP, ...options.http },
    ...(options.network && { network: options.network }),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

function brokerCredentials(options: ToldOptions, given: BrokerKeys | ReadBrokerKeys | undefined): BrokerCredentials {
  const chain = () => readDefaultChain(endpointOptions(options, options.stsEndpoint))
  const read = typeof given === 'object' ? async () => given : (given ?? chain())
  return new BrokerCredentials({ read, clock: options.clock })
}

function unknownRole(roleArn: string): StintError {
  return new StintError('ROLE_UNKNOWN', {
    explanation: 'The provider has no such role; an operator must configure it.',
    roleArn,
    outcome: 'not_minted',
  })
}
