import { randomUUID } from 'node:crypto'
import { createAdminApp } from '../admin/app.ts'
import type { AdminDeps, AdminLimits, PolicySetStatus } from '../admin/deps.ts'
import { createOperatorDirectory } from '../admin/operators/operator-directory.ts'
import { startAdminServer } from '../admin/server.ts'
import { PROFILES } from '../aws/store-profile.ts'
import { filesOpenToOthers } from '../config/files-open-to-others.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { createClockGuard } from '../core/clock-guard.ts'
import { StintError } from '../core/errors.ts'
import { readSmallFile } from '../core/files/read-small-file.ts'
import { hostPortText } from '../core/host-port.ts'
import { randomIds } from '../core/ids.ts'
import type { Logger } from '../core/log.ts'
import type { RefusedConnection } from '../core/net/guarded-listener.ts'
import { PartHealth } from '../core/part-health.ts'
import { Reloading, type ReloadingOptions } from '../core/reloading.ts'
import { CredentialCheck } from '../credentials/aws-sts/credential-check.ts'
import { Admission, type AdmissionLimits } from '../grants/admission.ts'
import type { ApprovalParts } from '../grants/decide-approval.ts'
import { GrantEnder } from '../grants/end-grants.ts'
import { createGrantService } from '../grants/grant-service.ts'
import { createJudge } from '../grants/judge.ts'
import type { LifeSettings } from '../grants/lifecycle.ts'
import { createOperatorService } from '../grants/operator-service.ts'
import { RecordLimits } from '../grants/record-limits.ts'
import { Sweeper } from '../grants/sweeper.ts'
import { TokenGuard } from '../grants/token-guard.ts'
import { WatchHub } from '../grants/watch-hub.ts'
import { Watermarks } from '../grants/watermarks.ts'
import { startAgentPorts } from '../grpc/agent-ports.ts'
import { refusal } from '../grpc/broker-server.ts'
import { startHealthServer } from '../grpc/health.ts'
import { DEAD_AFTER_MS } from '../grpc/server-options.ts'
import { type BundleStore, requireBundle } from '../identity/bundle-store.ts'
import type { OidcIssuer } from '../identity/oidc/issuer.ts'
import type { OidcVerifier } from '../identity/oidc/oidc-verifier.ts'
import { RefusalLog } from '../ledger/refusal-log.ts'
import { openSqliteLedger } from '../ledger/sqlite/sqlite-ledger.ts'
import { NO_LABELS } from '../plan/labels.ts'
import { loadLabels } from '../plan/load-labels.ts'
import { createPlanner, type Planner } from '../plan/planner.ts'
import { decide } from '../policy/decide.ts'
import type { Policy } from '../policy/policy.ts'
import { type PolicyStatus, PolicyStore } from '../policy/policy-store.ts'
import { RegistryStore } from '../registry/registry-store.ts'
import { startIdentity } from './identity/identity-from-config.ts'
import { createOidcVerifier } from './identity/issuers.ts'
import { jwtSvidRules } from './identity/jwt-svid-rules.ts'
import { listenerLimits } from './ports/connection-limits.ts'
import { createProvider } from './provider.ts'

/** A running broker. */
export interface Broker {
  /** `host:port` of each port that listens. */
  readonly addresses: {
    readonly agents: string
    readonly bearer?: string
    readonly admin: string
    readonly health: string
    readonly bundle?: string
  }
  /** Settles, with the reason, when the broker can no longer keep its promises and has to be started anew. */
  readonly failed: Promise<StintError>
  /** Not ready, no new calls, work in hand finished, nothing left running. */
  stop(): Promise<void>
}

export interface BrokerDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  /** For tests: bounds of the admin API other than the usual. */
  readonly adminLimits?: Partial<AdminLimits>
}

/** SDKs are told that a lease ends this long before it does. */
const USABLE_MARGIN_MS = 30_000
/** A flood of bad certificates shows on record and cannot fill it. */
const REFUSAL_EVENTS_PER_MINUTE = 60

/**
 * Builds everything once and starts it, in the order in which parts need each other; what a crash left behind is settled
 * before the first call is served. If a part cannot start, those before it are stopped again.
 *
 * @throws {StintError} CONFIG_INVALID, BUNDLE_INVALID, LEDGER_*: what keeps it from starting
 */
export async function startBroker(config: Config, deps: BrokerDeps): Promise<Broker> {
  const stack = new AsyncDisposableStack()
  const failure = Promise.withResolvers<StintError>()
  try {
    const addresses = await start(config, deps, stack, failure.resolve)
    const stop = async () => {
      deps.logger.info('stopping')
      await stack.disposeAsync()
      deps.logger.info('stopped')
    }
    return { addresses, failed: failure.promise, stop }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function start(
  config: Config,
  deps: BrokerDeps,
  stack: AsyncDisposableStack,
  fail: (error: StintError) => void,
): Promise<Broker['addresses']> {
  const { clock, logger } = deps
  const partHealth = new PartHealth({ logger, clock })
  for (const notice of filesOpenToOthers(config))
    logger.warn({ notice }, 'a file of the configuration is open to others')
  const ledger = await openSqliteLedger({
    file: config.ledger.file,
    clock,
    ids: randomIds,
    onNotice: (notice) => logger.warn({ notice }, 'the ledger file was open to others'),
  })
  stack.defer(() => ledger.close())
  const sockets = await listenerLimits(config)
  // The broker serves on, with fewer connections than it was told to take.
  if (sockets.notice) {
    partHealth.found('open-files', [{ finding: 'too-few', code: 'CONFIG_INVALID', explanation: sockets.notice }])
  }
  const refusals = new RefusalLog({
    ledger,
    clock,
    logger,
    callers: 'agents',
    eventsPerMinute: REFUSAL_EVENTS_PER_MINUTE,
  })
  stack.defer(() => refusals.close())
  /** What was turned away at a port of ours, for the record. */
  const onRefused =
    (port: string) =>
    ({ peer, error }: RefusedConnection) =>
      void refusals.note(refusal(error, `connection:${port}`, peer))
  const identity = await startIdentity(
    config,
    {
      ...deps,
      random: Math.random,
      partHealth,
      endpoint: { limits: sockets.limits.bundle, onRefused: onRefused('bundle') },
    },
    stack,
  )
  const { bundles } = identity
  const oidc = await startIssuers(config, deps, partHealth, stack)
  const rules = await startRules(config, deps, partHealth, stack)
  const provider = await createProvider(config, { ...deps, partHealth })
  stack.defer(() => provider.close())
  const credentialCheck = new CredentialCheck({
    look: (signal) => provider.probes.credentials(signal),
    everyMs: PROFILES[config.aws.profile].callerIdentity ? config.aws.credentialCheckEvery : 0,
    clock,
  })
  credentialCheck.start()
  stack.defer(() => credentialCheck.stop())

  const settings = lifeSettings(config)
  const refusedTokens = new RefusalLog({
    ledger,
    clock,
    logger,
    callers: 'agents',
    eventsPerMinute: REFUSAL_EVENTS_PER_MINUTE,
  })
  stack.defer(() => refusedTokens.close())
  const tokens = new TokenGuard({
    ledger,
    refusedTokens,
    clock,
    reuse: config.identity.tokens.reuse,
    deadAfterMs: DEAD_AFTER_MS,
    onProblem: (error) => partHealth.failed('tokens', error),
    onWell: () => partHealth.well('tokens'),
  })
  stack.defer(() => tokens.stop())
  const hub = new WatchHub()
  const watermarks = new Watermarks({ provider })
  const parts: ApprovalParts = {
    ledger,
    provider,
    judge: rules.judge,
    ender: new GrantEnder({ ledger, provider, hub, settings }),
    admission: new Admission({ limits: admissionLimits(config), clock }),
    recordLimits: new RecordLimits({
      rates: { refusalsPerMinute: config.grants.refusalsPerMinutePerAgent },
      ledger,
      clock,
    }),
    hub,
    watermarks,
    clock,
    clockGuard: createClockGuard({ clock }),
    ids: randomIds,
    settings,
    onMintFailed: (failure) => logger.warn(failure, 'a mint failed'),
    tokens,
    quotas: { openGrantsPerAgent: config.grants.openGrantsPerAgent },
    trust: { isTrusted: (trustDomain) => oidc?.isTrusted(trustDomain) === true || isTrusted(bundles, trustDomain) },
  }
  const onProblem = (found: { component: string; error: unknown }) => {
    partHealth.failed(found.component, found.error)
    // After a failed sync the ledger takes nothing more until its file has been opened and checked again.
    if (found.error instanceof StintError && found.error.details.poisoned === true) fail(found.error)
  }
  const sweeper = new Sweeper({
    ...parts,
    owner: randomUUID(),
    random: Math.random,
    retentionMs: config.grants.retention,
    onProblem,
    onWell: (component) => partHealth.well(component),
  })
  await sweeper.recover()
  sweeper.start()
  stack.defer(() => sweeper.stop())

  const health = await startHealthServer({
    ...config.listen.health,
    clock,
    limits: sockets.limits.health,
    onRefused: onRefused('health'),
  })
  stack.defer(() => health.stop())
  const stopping = new AbortController()
  let identityUsable = true
  const admin = await startAdminServer({
    ...config.listen.admin,
    ...(config.admin.tls && { tls: config.admin.tls }),
    limits: sockets.limits.admin,
    onRefused: onRefused('admin'),
    clock,
    logger,
    admin: createAdminApp({
      ledger,
      operators: createOperatorDirectory({ rows: config.admin.operators, clock }),
      operatorService: createOperatorService(parts),
      registry: rules.registryView,
      policies: { status: rules.policyStatus },
      status: () => {
        const problems = partHealth.problems()
        // Calls are still taken while AWS fails: completing, watching and looking do not need it, and no other replica
        // would fare better with the same credentials.
        const canMint = !problems.some(({ component }) => component === 'aws:sts')
        const ready = rules.ready() && identityUsable && canMint
        return { ready, problems, identity: identity.view(), version: deps.version }
      },
      clock,
      logger,
      ...(deps.adminLimits && { limits: deps.adminLimits }),
      stopping: stopping.signal,
    }),
  })
  stack.defer(() => admin.stop())
  const ports = await startAgentPorts({
    ...agentPortSettings(config),
    connections: { mutual: sockets.limits.agents, bearer: sockets.limits.bearer },
    bundles,
    oidc,
    grants: createGrantService(parts),
    health: health.health,
    refusals,
    clock,
    ids: randomIds,
    logger,
    serverIdentity: identity.server(),
    onAccept: (setting, problem) => (problem ? partHealth.failed(setting, problem) : partHealth.well(setting)),
    onServerIdentity: (usable) => {
      identityUsable = usable
      health.setServing(usable && !stopping.signal.aborted)
    },
  })
  stack.defer(() => ports.stop())
  health.setServing(identityUsable)
  stack.defer(() => {
    stopping.abort()
    health.setServing(false)
  })
  const bearer = ports.bearer ? { bearer: ports.bearer } : {}
  const bundle = identity.bundleEndpoint ? { bundle: identity.bundleEndpoint } : {}
  const { spiffeId, bundles: trusted } = identity.view()
  logger.info(
    { agents: ports.mutual, ...bearer, admin: admin.url, health: health.port, ...bundle, spiffeId, trusted },
    'serving',
  )
  return {
    agents: ports.mutual,
    ...bearer,
    admin: admin.url,
    health: hostPortText(config.listen.health.host, health.port),
    ...bundle,
  }
}

/** Follows the keys of the configured issuers; one that cannot be reached is a problem of its own agents alone. */
async function startIssuers(
  config: Config,
  { clock }: BrokerDeps,
  partHealth: PartHealth,
  stack: AsyncDisposableStack,
): Promise<OidcVerifier | undefined> {
  const componentOf = ({ alias, keyPlaces }: OidcIssuer, place: string) =>
    keyPlaces.length > 1 ? `issuer:${alias}:${place}` : `issuer:${alias}`
  const oidc = await createOidcVerifier(config, {
    clock,
    onProblem: (issuer, error, place) => {
      partHealth.failed(componentOf(issuer, place), error, { issuer: issuer.alias, place })
    },
    onReview: ({ alias }, problem) => {
      if (problem) partHealth.failed(`token_review:${alias}`, problem)
      else partHealth.well(`token_review:${alias}`)
    },
    onLoaded: (issuer, notes, place) => {
      const component = componentOf(issuer, place)
      partHealth.well(component)
      partHealth.found(
        component,
        notes.map((explanation) => ({ finding: 'keys', code: 'ISSUER_INVALID', explanation })),
      )
    },
  })
  oidc?.start()
  stack.defer(() => oidc?.stop())
  return oidc
}

/** @throws {StintError} TRUST_DOMAIN_UNAVAILABLE */
function isTrusted({ snapshot }: BundleStore, trustDomain: string): boolean {
  const bundle = snapshot.isUnavailable(trustDomain) ? requireBundle(snapshot, trustDomain) : snapshot.get(trustDomain)
  return bundle !== undefined && (bundle.x509Authorities.length > 0 || bundle.jwtAuthorities.size > 0)
}

/** Registrations, labels and policies, each following its files. */
async function startRules(config: Config, { clock }: BrokerDeps, partHealth: PartHealth, stack: AsyncDisposableStack) {
  const follow = (component: string) => ({
    clock,
    onProblem: (error: unknown) => partHealth.failed(component, error),
    onLoaded: () => partHealth.well(component),
  })
  const registry = new RegistryStore({ file: config.registry.file, ...follow('registry') })
  const policies = new PolicyStore({ directory: config.policy.directory, ...follow('policy') })
  const planners = followPlanner(config, follow('labels'))
  for (const followed of [registry, policies, planners]) {
    await followed.start()
    stack.defer(() => followed.stop())
  }
  const judge = createJudge({
    registry,
    planner: { plan: (subject, task) => current(planners).plan(subject, task) },
    policy: { decide: (question) => decide(policies.current(), question) },
    approvalsRequiredFor: config.policy.approvalsRequiredFor,
  })
  return {
    judge,
    registryView: registryView(registry),
    policyStatus: () =>
      policyStatus({ status: policies.status, registered: policies.status.hash ? policies.current().policies : [] }),
    ready: () =>
      policies.status.hash !== undefined && registry.status.value !== undefined && planners.status.value !== undefined,
  }
}

/** The planner is made anew with each version of the labels: its plans rest on them. */
function followPlanner(
  config: Config,
  follow: Pick<ReloadingOptions<Planner>, 'clock' | 'onLoaded' | 'onProblem'>,
): Reloading<Planner> {
  const file = config.labels?.file
  const roles = new Map(config.roles.map(({ arn, allowWildcard }) => [arn, { allowWildcard }]))
  const { minTaskTime, maxTaskTime } = config.grants
  const limits = { minTtlSeconds: Math.ceil(minTaskTime / 1_000), maxTtlSeconds: Math.floor(maxTaskTime / 1_000) }
  return new Reloading({
    ...follow,
    load: async () =>
      createPlanner({
        labels: file ? await loadLabels(file) : NO_LABELS,
        roles,
        limits,
        profile: PROFILES[config.aws.profile],
      }),
    fingerprint: async () => (file ? (await readSmallFile(file)).hash : ''),
    pollMs: config.identity.reloadEvery,
  })
}

/** Without labels a forbid on `touches` would not fire, so a first load that failed serves nobody. */
function current(planners: Reloading<Planner>): Planner {
  const { value, problem } = planners.status
  if (value) return value
  const explanation = 'No labels have been loaded, so nothing can be judged; an operator has to mend the file.'
  throw new StintError('POLICY_UNAVAILABLE', { explanation }, problem?.error)
}

function registryView(registry: RegistryStore): AdminDeps['registry'] {
  return {
    list: () => registry.status.value?.registrations ?? [],
    problem: () => fileProblem(registry.status.problem),
  }
}

function policyStatus({
  status,
  registered,
}: {
  status: PolicyStatus
  registered: readonly Policy[]
}): PolicySetStatus {
  const problem = fileProblem(status.problem)
  return {
    ...(status.hash && { hash: status.hash }),
    ...(status.loadedAt && { loadedAt: status.loadedAt }),
    policies: registered.map(({ id, effect, file, approvalGroup }) => ({
      id,
      effect,
      file,
      ...(approvalGroup && { approval: approvalGroup }),
    })),
    ...(problem && { problem }),
  }
}

function fileProblem(problem: { error: StintError } | undefined) {
  return problem && { code: problem.error.code, explanation: problem.error.message }
}

function agentPortSettings(config: Config) {
  const { listen, server } = config
  return {
    mutual: listen.agents,
    bearer: listen.bearer,
    tokens: jwtSvidRules(config),
    mintLimits: admissionLimits(config),
    maxCallMs: server.maxCallTime,
    drainMs: server.drainTime,
    reflection: server.reflection,
  }
}

function lifeSettings({ grants }: Config): LifeSettings {
  return {
    leaseMs: grants.leaseTime,
    usableMarginMs: USABLE_MARGIN_MS,
    approvalMs: grants.approvalTime,
    settleMs: grants.settleTime,
  }
}

function admissionLimits({ grants }: Config): AdmissionLimits {
  return {
    callsPerSecond: grants.callsPerSecondPerAgent,
    burst: grants.burstPerAgent,
    concurrent: grants.concurrentPerAgent,
  }
}
