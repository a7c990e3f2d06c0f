import { PROFILES } from '../../aws/store-profile.ts'
import { TokenBucket } from '../../core/limits/token-bucket.ts'
import { CloudClockRelay } from '../cloud-clock.ts'
import { IamAccounts } from './accounts/iam-accounts.ts'
import { MintLanes, STS_SOCKETS } from './accounts/mint-lanes.ts'
import { ServedRoles } from './accounts/served-roles.ts'
import {
  createIamClient,
  createIamClients,
  createMintClient,
  createStsClient,
  createStsClients,
} from './calls/clients.ts'
import type { HttpLimits } from './calls/network.ts'
import type { RetryLimits } from './calls/retry.ts'
import { AwsCanaries } from './canary/aws-canaries.ts'
import { DocumentRoom } from './deny/document-room.ts'
import { IamDenyWriter } from './deny/iam-deny-writer.ts'
import { AssumeRoleMinter } from './mint/assume-role.ts'
import { ExternalIds } from './mint/external-ids.ts'
import { PackedSizes } from './mint/packed-sizes.ts'
import { ScopedCredentialsMinter } from './mint/scoped-credentials.ts'
import { BrokerCredentials, type BrokerKeys, type ReadBrokerKeys } from './own-credentials/broker-credentials.ts'
import type { CallerIdentityDeps } from './own-credentials/caller-identity.ts'
import { readDefaultChain } from './own-credentials/default-chain.ts'
import { AwsProbes } from './probes.ts'
import type { AwsStsProviderOptions } from './provider-options.ts'
import { RoleReaders } from './role-reader/role-readers.ts'

/** The options, with a listener for the time of every answer. */
type TimedOptions = AwsStsProviderOptions & { readonly onTime: (cloudNow: Date) => void }

const HTTP: HttpLimits = { connectionTimeoutMs: 2_000, requestTimeoutMs: 5_000 }
const MINT: RetryLimits = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 2_000, totalMs: 10_000 }
const WRITE: RetryLimits = { maxAttempts: 5, baseDelayMs: 250, maxDelayMs: 5_000, totalMs: 20_000 }
const DEFAULT_CALLS_PER_SECOND = 300
/** Revokers of many accounts may be needed at once. With the default pace of mints, the sum stays below the quota of STS. */
const REVOKER_CALLS_PER_SECOND = 200
const DEFAULT_OTHER_INLINE_CHARACTERS = 4_096
/** Sockets for the broker's own credentials, and for each account with a revoker. */
const IAM_SOCKETS = 64
/** Sockets of all canaries together. Each makes one call at a time. */
const CANARY_SOCKETS = 256
/** Sockets for assuming readers of role policies, and calls a second. Neither minting nor revoking waits for them. */
const READER_SOCKETS = 16
const READER_CALLS_PER_SECOND = 20
/** Time for the call that makes AWS tell its time. */
const ASK_MS = 20_000

/** The parts of the provider. */
export type ProviderParts = ReturnType<typeof createProviderParts>

/**
 * Makes the parts of the provider, each with what it depends on.
 *
 * @throws {StintError} CONFIG_INVALID as `createAwsStsProvider`
 */
export function createProviderParts(given: AwsStsProviderOptions) {
  const options: TimedOptions = { ...given, onTime: (cloudNow) => cloudClock.tell(cloudNow) }
  const profile = options.profile ?? PROFILES.aws
  const roles = new ServedRoles(options.roles, options.clock)
  const { denyLists } = roles
  const shared = sharedParts(options)
  const externalIds = new ExternalIds({
    find: (roleArn) => roles.findExternalId(roleArn),
    clock: options.clock,
    onProblem: (roleArn, error) => shared.observer.externalIdRead?.(roleArn, error),
  })
  const own = ownClients(options, shared)
  const accounts = iamAccounts(options, { shared, own, roles, externalIds })
  const minting = minters(options, { shared, own, roles, externalIds })
  const accessTo = (key: string) => accounts.accessTo(key)
  const canaries = new AwsCanaries({
    ...minting.deps,
    denyLists,
    clients: createIamClients({ ...endpointOptions(options, options.iamEndpoint), maxSockets: CANARY_SOCKETS }),
  })
  const probes = new AwsProbes({ ...minting.deps, accessTo, denyLists, callers: own.callers })
  const cloudClock = new CloudClockRelay(
    // The observer hears of a failure.
    profile.callerIdentity
      ? () => void probes.credentials(AbortSignal.timeout(ASK_MS)).catch(() => undefined)
      : undefined,
  )
  return {
    leaseEnd: profile.policy.leaseEnd,
    roles,
    denyLists,
    minting,
    writer: new IamDenyWriter({ ...shared, accessTo, limits: { ...WRITE, ...options.writeLimits } }),
    room: new DocumentRoom({
      clock: options.clock,
      otherInlineCharacters: options.otherInlineCharacters ?? DEFAULT_OTHER_INLINE_CHARACTERS,
      denyBy: options.denyBy ?? 'both',
    }),
    canaries,
    probes,
    cloudClock,
    openRoleReaders: () => roleReaders(options, { shared, own, roles, externalIds }),
    /** As `ServedRoles.prepare`. */
    prepareRoles: (next: AwsStsProviderOptions['roles']) => {
      const serve = roles.prepare(next)
      return () => {
        serve()
        for (const forgetful of [accounts, externalIds, canaries]) forgetful.forget()
      }
    },
    close: () => {
      canaries.close()
      for (const client of [own.sts, own.writerSts, own.iam]) client.destroy()
      accounts.close()
      minting.close()
    },
  }
}

/** Parts that several others depend on. */
interface Foundations {
  readonly shared: ReturnType<typeof sharedParts>
  readonly own: ReturnType<typeof ownClients>
  readonly roles: ServedRoles
  readonly externalIds: ExternalIds
}

/** The IAM of every account, through its revoker if it has one. */
function iamAccounts(options: TimedOptions, { shared, own, roles, externalIds }: Foundations): IamAccounts {
  const { credentials, iamCredentials } = own
  return new IamAccounts({
    denyLists: roles.denyLists,
    own: { client: own.iam, credentials: iamCredentials },
    revokers: {
      ...shared,
      service: iamCredentials === credentials ? 'sts' : 'iam',
      client: own.writerSts,
      credentials: iamCredentials,
      bucket: new TokenBucket({ clock: options.clock, ratePerSecond: REVOKER_CALLS_PER_SECOND }),
      externalIds,
    },
    createClients: () =>
      createIamClients({ ...endpointOptions(options, options.iamEndpoint), maxSockets: IAM_SOCKETS }),
    clock: options.clock,
  })
}

/** Readers of role policies with sockets of their own, and an end to those. */
function roleReaders(options: TimedOptions, { shared, own, externalIds }: Foundations) {
  const { clock, observer } = options
  const { credentials } = own
  const client = createStsClient({
    ...endpointOptions(options, options.stsEndpoint),
    credentials: credentials.source,
    maxSockets: READER_SOCKETS,
  })
  const readers = new RoleReaders({
    ...shared,
    // Whoever reads shows what failed. A success of a reader must not clear a problem of a mint or of a revoker.
    observer: { callFailed: (call) => observer?.callFailed?.(call) },
    service: 'sts',
    client,
    credentials,
    bucket: new TokenBucket({ clock, ratePerSecond: READER_CALLS_PER_SECOND }),
    externalIds,
    createClients: () =>
      createIamClients({ ...endpointOptions(options, options.iamEndpoint), maxSockets: READER_SOCKETS }),
  })
  return {
    read: (...args: Parameters<RoleReaders['read']>) => readers.read(...args),
    close: () => client.destroy(),
  }
}

/** Both ways to mint; `scoped` only if the options choose it. */
function minters(options: TimedOptions, { shared, own, roles, externalIds }: Foundations) {
  const { clock, callsPerSecond: ratePerSecond = DEFAULT_CALLS_PER_SECOND } = options
  const profile = options.profile ?? PROFILES.aws
  const deps = {
    ...shared,
    assumeRole: own.assumeRole,
    credentials: own.credentials,
    bucket: new TokenBucket({ clock, ratePerSecond }),
    limits: { ...MINT, ...options.mintLimits },
    strictness: options.strictness ?? profile.answers,
    leaseEnd: profile.policy.leaseEnd,
    externalIds,
    sizes: new PackedSizes({ clock }),
    lanes: new MintLanes({ clock, isListed: (roleArn) => roles.isListed(roleArn) }),
  }
  const clients = createStsClients({ ...endpointOptions(options, options.stsEndpoint), maxSockets: STS_SOCKETS })
  const scoped =
    options.mintBy === 'scoped-credentials'
      ? new ScopedCredentialsMinter({ ...deps, clientFor: (keys) => clients.clientFor(async () => keys) })
      : undefined
  return {
    deps,
    scoped,
    assumeRole: new AssumeRoleMinter(deps),
    // Scoped credentials may take three calls: from an old session of the grant that has ended meanwhile, a new session, from it.
    totalMs: deps.limits.totalMs * (scoped ? 3 : 1),
    close: () => {
      scoped?.close()
      clients.close()
    },
  }
}

/** Clients that sign with the broker's own credentials. */
function ownClients(options: TimedOptions, shared: ReturnType<typeof sharedParts>) {
  const credentials = brokerCredentials(options, options.credentials)
  const iamCredentials = options.iamCredentials ? brokerCredentials(options, options.iamCredentials) : credentials
  const stsOptions = { ...endpointOptions(options, options.stsEndpoint), maxSockets: STS_SOCKETS }
  const mints = createMintClient({ ...stsOptions, credentials: credentials.source }, options.stsClient ?? 'direct')
  const { client: sts, assumeRole } = mints
  // A client of its own, so that a revocation finds a socket whatever the mints wait for.
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

function endpointOptions(options: TimedOptions, endpoint: string | undefined) {
  return {
    region: options.region,
    onTime: options.onTime,
    http: { ...HTTP, ...options.http },
    ...(options.network && { network: options.network }),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

function brokerCredentials(options: TimedOptions, given: BrokerKeys | ReadBrokerKeys | undefined): BrokerCredentials {
  const chain = () => readDefaultChain(endpointOptions(options, options.stsEndpoint))
  const read = typeof given === 'object' ? async () => given : (given ?? chain())
  return new BrokerCredentials({ read, clock: options.clock })
}
