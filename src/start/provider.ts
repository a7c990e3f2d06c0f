import { parseRoleArn } from '../aws/arn.ts'
import { parseRolePattern } from '../aws/roles/role-pattern.ts'
import { fillTemplate, type RolePlace } from '../aws/roles/role-template.ts'
import { PROFILES } from '../aws/store-profile.ts'
import type { RoleSetting } from '../config/role-settings.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { StintError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Secret } from '../core/secret.ts'
import type { ObservedCall, ProviderObserver } from '../credentials/aws-sts/calls/observer.ts'
import type { RevocationPlacement, Revoker } from '../credentials/aws-sts/deny/deny-list-locations.ts'
import { checkExternalId } from '../credentials/aws-sts/mint/session-request.ts'
import type { BrokerKeys, ReadBrokerKeys } from '../credentials/aws-sts/own-credentials/broker-credentials.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../credentials/aws-sts/provider.ts'
import { type NamedRoles, type PartReports, ProviderProblems } from '../credentials/aws-sts/provider-problems.ts'
import { meterProvider } from '../metrics/meter-provider.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { openAwsNetwork } from './aws/network.ts'
import { readSecret } from './aws/secret-files.ts'
import { definePart } from './part.ts'
import { findUnrevocable } from './revocation-reach.ts'
import type { Surroundings } from './surroundings.ts'

interface Needs extends Surroundings {
  readonly metrics: Metrics | undefined
}

/** The part that mints credentials and revokes them. */
export const provider = definePart({
  name: 'provider',
  async start({ config, clock, logger, partHealth, metrics }: Needs) {
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
    return {
      value,
      stop: () => value.close(),
      // Calls are still taken while AWS fails: completing, watching and looking do not need it, and no other replica
      // would fare better with the same credentials.
      ready: () => !partHealth.problems().some(({ component }) => component === 'aws:sts'),
    }
  },
})

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
): Promise<AwsStsProvider> {
  const { aws } = config
  const [credentials, iamCredentials] = await Promise.all([
    keyReader(aws.credentials),
    keyReader(aws.revokerCredentials),
  ])
  const roles = await Promise.all(
    config.roles.map(async ({ arn, accounts, revocation, externalIdFile }) => ({
      arn,
      accounts,
      revocation: await withOwnRoles(arn, revocation),
      ...(externalIdFile && { externalId: await externalIdReader(arn, externalIdFile) }),
    })),
  )
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
    observer: observer(deps, namedRoles(config)),
  })
  return {
    ...provider,
    close: () => {
      close()
      provider.close()
    },
  }
}

function endpoints({ endpoint, stsEndpoint = endpoint, iamEndpoint = endpoint }: Config['aws']) {
  return { ...(stsEndpoint && { stsEndpoint }), ...(iamEndpoint && { iamEndpoint }) }
}

function namedRoles({ roles }: Config): NamedRoles {
  const patterns = roles.flatMap(({ arn, accounts }) => parseRolePattern(arn, accounts) ?? [])
  const accounts = new Set(patterns.flatMap((pattern) => [...(pattern.accounts ?? [])]))
  return {
    roleArns: new Set(patterns.flatMap(({ spelled }) => spelled ?? [])),
    accounts,
    oneAccount: accounts.size === 1 && patterns.every((pattern) => pattern.accounts),
  }
}

interface ObserverDeps {
  readonly logger: Logger
  readonly partHealth?: PartReports
  readonly metrics?: Metrics
}

function observer({ logger, partHealth, metrics }: ObserverDeps, named: NamedRoles): ProviderObserver {
  const problems = partHealth && new ProviderProblems(partHealth, named)
  return {
    clockSkewed: (skewMs) => logger.warn({ skewMs }, 'the clock differs from that of STS'),
    externalIdRead: (roleArn, error) => {
      const component = `external-id:${roleArn}`
      if (error) partHealth?.failed(component, error)
      else partHealth?.well(component)
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

async function withOwnRoles(roleArn: string, revocation: RoleSetting['revocation']): Promise<RevocationPlacement> {
  if (revocation.kind === 'none') return revocation
  const revoker = await ownRole(roleArn, revocation.revoker)
  if (revocation.kind === 'inline') return { ...revocation, revoker }
  return { ...revocation, revoker, canary: await ownRole(roleArn, revocation.canary) }
}

type OwnRole = Extract<RoleSetting['revocation'], { kind: 'boundary' }>['revoker']

async function ownRole(roleArn: string, setting: OwnRole): Promise<Revoker | undefined> {
  if (!setting) return undefined
  const { roleArn: own, externalIdFile: file } = setting
  return { roleArn: own, ...(file && { externalId: await externalIdReader(roleArn, file) }) }
}

/**
 * Makes a reader of an external id. The file is read now, so that a missing or malformed one is found at start, and again whenever
 * the provider asks. The files of several accounts are read when needed, so that a missing one does not hold up the others.
 */
async function externalIdReader(roleArn: string, template: string): Promise<(place: RolePlace) => Promise<Secret>> {
  const only = parseRoleArn(roleArn)
  if (only || !template.includes('{'))
    checkExternalId(roleArn, await readSecret(only ? fillTemplate(template, only) : template))
  return (place) => readSecret(fillTemplate(template, place))
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
