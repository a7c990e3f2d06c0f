import { isDeepStrictEqual } from 'node:util'
import { PROFILES } from '../aws/store-profile.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { StintError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { nameMissingHome } from '../core/process/home.ts'
import type { ObservedCall, ProviderObserver } from '../credentials/aws-sts/calls/observer.ts'
import type { BrokerKeys, ReadBrokerKeys } from '../credentials/aws-sts/own-credentials/broker-credentials.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../credentials/aws-sts/provider.ts'
import { type NamedRoles, type PartReports, ProviderProblems } from '../credentials/aws-sts/provider-problems.ts'
import { meterProvider } from '../metrics/meter-provider.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { openAwsNetwork } from './aws/network.ts'
import { findAssumed, namedRoles, readRoles } from './aws/provider-roles.ts'
import { readSecret } from './aws/secret-files.ts'
import { checksCredentials } from './credential-check.ts'
import { definePart } from './part.ts'
import { problemReason } from './readiness.ts'
import { findUnrevocable } from './revocation-reach.ts'
import type { Surroundings } from './surroundings.ts'

interface Needs extends Surroundings {
  readonly metrics: Metrics | undefined
}

/** The component of the status. */
const STS = 'aws:sts'

/** The part that mints credentials and revokes them. */
export const provider = definePart({
  name: 'provider',
  async start({ config, liveConfig, clock, logger, partHealth, metrics }: Needs) {
    const created = await createProvider(config, {
      clock,
      logger,
      partHealth,
      followEveryMs: config.identity.reloadEvery,
      ...(metrics && { metrics }),
    })
    const value = metrics ? meterProvider(created, metrics) : created
    if (metrics) followCloudClock(value, clock, metrics)
    partHealth.found('roles', findUnrevocable(config.roles))
    const looks = checksCredentials(config)
    liveConfig.follow('provider', async (next) => {
      if (isDeepStrictEqual(next.roles, liveConfig.current().roles)) return () => undefined
      const serve = await created.prepareConfig(next)
      return () => {
        serve()
        partHealth.found('roles', findUnrevocable(next.roles))
      }
    })
    return {
      value,
      stop: () => value.close(),
      notReady: () => {
        const reason = problemReason(partHealth, ({ component }) => component === STS)
        // Calls are still taken while only a call can show that STS works again. Completing, watching and looking do not need it,
        // and no other replica would fare better.
        return reason && { ...reason, takesCalls: !looks || !created.isClearedByLook(STS) }
      },
    }
  },
})

/** A provider whose roles are those of a configuration. */
export interface ConfiguredProvider extends AwsStsProvider {
  /** As `prepareRoles`, for the roles of another configuration. @throws {StintError} CONFIG_INVALID */
  prepareConfig(next: Config): Promise<() => void>
  /** As `ProviderProblems.isClearedByLook`. */
  isClearedByLook(component: string): boolean
}

/**
 * The provider that a configuration describes, for the broker and for `stint doctor`.
 *
 * @param deps.followEveryMs how often to look whether aws.caFile and aws.proxy.credentialsFile have changed; absent: never.
 * @param deps.partHealth shows what is wrong with AWS or with our credentials for it; absent: the log alone.
 * @throws {StintError} CONFIG_INVALID for a secret file that cannot be read or is empty, and as `createAwsStsProvider`
 */
export async function createProvider(
  config: Config,
  deps: ObserverDeps & { readonly clock: Clock; readonly followEveryMs?: number },
): Promise<ConfiguredProvider> {
  const { aws } = config
  const [credentials, iamCredentials] = await Promise.all([
    keyReader(aws.credentials),
    keyReader(aws.revokerCredentials),
  ])
  const roles = await readRoles(config)
  if (aws.mintBy === 'scoped-credentials')
    deps.logger.warn(
      { mintBy: aws.mintBy },
      'minting by GetScopedCredentials is unproven: it was never run against AWS',
    )
  const { clock, followEveryMs, partHealth } = deps
  const report = (component: string, problem: StintError | undefined) =>
    problem ? partHealth?.failed(component, problem) : partHealth?.well(component)
  const { network, close } = await openAwsNetwork(
    aws,
    followEveryMs === undefined ? undefined : { clock, everyMs: followEveryMs, report },
  )
  const told = observe(deps, config)
  nameMissingHome()
  const provider = createAwsStsProvider({
    region: aws.region,
    roles,
    mintBy: aws.mintBy,
    stsClient: aws.stsClient,
    denyBy: aws.denyBy,
    callsPerSecond: aws.callsPerSecond,
    clock: deps.clock,
    profile: PROFILES[aws.profile],
    ...endpoints(aws),
    network,
    ...(aws.strictness && { strictness: aws.strictness }),
    ...(credentials && { credentials }),
    ...(iamCredentials && { iamCredentials }),
    observer: told.observer,
  })
  return {
    ...provider,
    isClearedByLook: told.isClearedByLook,
    prepareConfig: async (next) => {
      const serve = provider.prepareRoles(await readRoles(next))
      return () => {
        serve()
        told.setRoles(next)
      }
    },
    close: () => {
      close()
      provider.close()
    },
  }
}

function endpoints({ endpoint, stsEndpoint = endpoint, iamEndpoint = endpoint }: Config['aws']) {
  return { ...(stsEndpoint && { stsEndpoint }), ...(iamEndpoint && { iamEndpoint }) }
}

interface ObserverDeps {
  readonly logger: Logger
  readonly partHealth?: PartReports
  readonly metrics?: Metrics
}

/** Shows on the status, in the log and in the metrics what becomes of the provider's calls. */
function observe({ logger, partHealth, metrics }: ObserverDeps, config: Config) {
  let named = namedRoles(config)
  const problems = partHealth && new ProviderProblems(partHealth, named)
  const unread = new Set<string>()
  const idWorks = (roleArn: string) => {
    unread.delete(roleArn)
    partHealth?.well(`external-id:${roleArn}`)
  }
  const observer: ProviderObserver = {
    clockSkewed: (skewMs) => logger.warn({ skewMs }, 'the clock differs from that of STS'),
    externalIdRead: (roleArn, error) => {
      if (!error) return idWorks(roleArn)
      unread.add(roleArn)
      partHealth?.failed(`external-id:${roleArn}`, error)
    },
    callFailed: (call) => {
      metrics?.aws.failedTries.inc({ service: call.service, fault: call.fault })
      logger.warn(call, 'a call to AWS failed')
    },
    callEnded: (call) => {
      metrics?.aws.ended.inc(awsCallLabels(call, named))
      problems?.callEnded(call)
    },
  }
  const setRoles = (next: Config) => {
    named = namedRoles(next)
    const isAssumed = findAssumed(next)
    problems?.setNamed(named, isAssumed)
    for (const roleArn of unread) if (!isAssumed(roleArn)) idWorks(roleArn)
  }
  const isClearedByLook = (component: string) => problems?.isClearedByLook(component) === true
  return { observer, setRoles, isClearedByLook }
}

function awsCallLabels(
  call: ObservedCall & { readonly error: StintError | undefined },
  { accounts }: NamedRoles,
): Record<'service' | 'operation' | 'account' | 'code', string> {
  const { service, operation, roleArn, target, accountId, error } = call
  const account = accountId ?? /::(\d{12}):/.exec(roleArn ?? target ?? '')?.[1] ?? ''
  // If a role pattern allows any account, agents can make accounts up, and each would be a new time series.
  return {
    service,
    operation,
    account: account === '' || accounts.has(account) ? account : 'other',
    code: error?.code ?? 'ok',
  }
}

function followCloudClock({ cloudClock }: AwsStsProvider, clock: Clock, metrics: Metrics): void {
  let offsetMs: number | undefined
  cloudClock?.subscribe((cloudNow) => {
    offsetMs = clock.now().getTime() - cloudNow.getTime()
  })
  metrics.onScrape(({ clockOffset }) => {
    if (offsetMs !== undefined) clockOffset.set(offsetMs / 1_000)
  })
}

type KeyFiles = NonNullable<Config['aws']['credentials']>

/** Reads the files now, so that a missing one is found at start, and again whenever the provider asks. */
async function keyReader(files: KeyFiles | undefined): Promise<ReadBrokerKeys | undefined> {
  if (!files) return undefined
  await readKeys(files)
  return () => readKeys(files)
}

async function readKeys({ accessKeyIdFile, secretAccessKeyFile, sessionTokenFile }: KeyFiles): Promise<BrokerKeys> {
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([
    readSecret(accessKeyIdFile),
    readSecret(secretAccessKeyFile),
    sessionTokenFile === undefined ? undefined : readSecret(sessionTokenFile),
  ])
  return {
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken && { sessionToken: sessionToken.reveal() }),
  }
}
