import { usesWorkloadApi } from '../../config/identity-sources.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { type ErrorCode, StintError } from '../../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../../core/files/read-small-file.ts'
import type { Logger } from '../../core/log.ts'
import type { PartFinding, PartHealth } from '../../core/part-health.ts'
import { type BundleEndpointOptions, startBundleEndpoint } from '../../identity/bundle-endpoint.ts'
import { type BundleFile, BundleFiles } from '../../identity/bundle-files.ts'
import type { BundleNote, BundleReports } from '../../identity/bundle-problems.ts'
import { sequenceByTime } from '../../identity/bundle-sequence.ts'
import { BundleStore } from '../../identity/bundle-store.ts'
import type { EndpointProfile } from '../../identity/federation/endpoint-fetch.ts'
import { FederatedBundle } from '../../identity/federation/federated-bundle.ts'
import { filesIdentity, type ServerIdentity, type ServerIdentitySource } from '../../identity/server-identity.ts'
import { parseSpiffeBundle, type TrustBundle } from '../../identity/trust-bundle.ts'
import { workloadApiTarget } from '../../identity/workload-api/endpoint.ts'
import { WorkloadApiSource, type WorkloadApiSourceOptions } from '../../identity/workload-api/workload-api-source.ts'

type IdentityConfig = Config['identity']
type DomainConfig = IdentityConfig['domains'][string]
type FederationConfig = NonNullable<DomainConfig['federation']>

export interface IdentityDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly partHealth: PartHealth
  readonly random: () => number
  /** Connection limits of our own bundle endpoint, and who hears of refused connections. */
  readonly endpoint?: Pick<BundleEndpointOptions, 'limits' | 'onRefused'>
}

/** Who the broker is and whom it can verify, for the status. */
export interface IdentityView {
  /** Absent while there is no identity to show, and for a certificate that is no X.509-SVID. */
  readonly spiffeId?: string
  /** End of what is shown now. */
  readonly notAfter?: Date
  /** Each configured trust domain; zero keys: nothing of it is accepted. */
  readonly bundles: readonly {
    readonly trustDomain: string
    readonly source: 'file' | 'workload-api' | 'federation'
    readonly x509Authorities: number
    readonly jwtAuthorities: number
  }[]
}

/** Where trust and our own identity come from, started. */
export interface Identity {
  readonly bundles: BundleStore
  /** The server's own certificate and key; one source per listener. */
  server(): ServerIdentitySource
  /** What is shown and trusted now. */
  view(): IdentityView
  /** `host:port` of our own bundle endpoint. */
  readonly bundleEndpoint?: string
}

/**
 * Starts every configured source of bundles, and our own bundle endpoint where one is configured. Files and the Workload
 * API must give something at once; a federation endpoint that is away is a problem of its own trust domain alone.
 *
 * @param stack gets what has to be stopped.
 * @throws {StintError} CONFIG_INVALID, BUNDLE_INVALID, WORKLOAD_API_UNAVAILABLE
 */
export async function startIdentity(
  { identity }: Pick<Config, 'identity'>,
  deps: IdentityDeps,
  stack: AsyncDisposableStack,
): Promise<Identity> {
  const bundles = new BundleStore({ onListeners: (problem) => stateOf(deps)('bundles', problem) })
  await startFiles(identity, bundles, deps, stack)
  const workload = await startWorkloadApi(identity, bundles, deps, stack)
  await startFederation(identity, bundles, deps, stack)
  let shown: ServerIdentity | undefined
  const onShown = (next: ServerIdentity | undefined) => {
    if (next && next.cert !== shown?.cert) {
      const { spiffeId, notAfter } = next
      deps.logger.info({ spiffeId, notAfter }, 'the broker has this identity')
    }
    shown = next
  }
  const server = () => watched(serverIdentityOf(identity, workload, deps), onShown)
  const view = () => viewOf(identity, bundles, shown)
  const { bundleEndpoint: settings } = identity
  if (!settings) return { bundles, server, view }
  const numbered = settings.sequence === 'time' ? sequenceByTime(deps.clock) : (bundle: TrustBundle) => bundle
  const endpoint = await startBundleEndpoint({
    ...settings.listen,
    path: settings.path,
    identity: settings.certificate ? pairIdentity(settings.certificate, identity, 'bundle_endpoint', deps) : server(),
    bundle: () => {
      const bundle = identity.domains[settings.trustDomain]?.workloadApi
        ? workload?.publishable(settings.trustDomain)
        : bundles.get(settings.trustDomain)
      return bundle && numbered(bundle)
    },
    ...(settings.refreshHint !== undefined && { refreshHintSeconds: Math.round(settings.refreshHint / 1_000) }),
    clock: deps.clock,
    ...deps.endpoint,
  })
  stack.defer(() => endpoint.stop())
  return { bundles, server, view, bundleEndpoint: endpoint.address }
}

function watched(source: ServerIdentitySource, onShown: (next: ServerIdentity | undefined) => void) {
  return {
    start: async (onChange: (identity: ServerIdentity | undefined) => void) => {
      const first = await source.start((next) => {
        onShown(next)
        onChange(next)
      })
      onShown(first)
      return first
    },
    stop: () => source.stop(),
  }
}

function viewOf({ domains }: IdentityConfig, store: BundleStore, shown: ServerIdentity | undefined): IdentityView {
  return {
    ...(shown && { notAfter: shown.notAfter }),
    ...(shown?.spiffeId && { spiffeId: shown.spiffeId }),
    bundles: Object.entries(domains).map(([trustDomain, { file, workloadApi }]) => {
      const bundle = store.get(trustDomain)
      const other = workloadApi ? 'workload-api' : 'federation'
      return {
        trustDomain,
        source: file === undefined ? other : 'file',
        x509Authorities: bundle?.x509Authorities.length ?? 0,
        jwtAuthorities: bundle?.jwtAuthorities.size ?? 0,
      }
    }),
  }
}

async function startFiles(
  { domains, reloadEvery }: IdentityConfig,
  store: BundleStore,
  deps: IdentityDeps,
  stack: AsyncDisposableStack,
): Promise<void> {
  const domainFiles = bundleFiles(domains)
  const { clock } = deps
  const files = new BundleFiles({ store, domains: domainFiles, clock, intervalMs: reloadEvery, ...reportsTo(deps) })
  await files.start()
  stack.defer(() => files.stop())
}

/** The trust domains whose bundle is a file. */
export function bundleFiles(domains: IdentityConfig['domains']): Record<string, BundleFile> {
  return Object.fromEntries(
    Object.entries(domains).flatMap(([name, { file, format }]) => (file ? [[name, { file, format }]] : [])),
  )
}

async function startWorkloadApi(
  identity: IdentityConfig,
  store: BundleStore,
  deps: IdentityDeps,
  stack: AsyncDisposableStack,
): Promise<WorkloadApiSource | undefined> {
  if (!usesWorkloadApi(identity)) return undefined
  const { clock, random } = deps
  const source = workloadApiSource(identity, { store, clock, random, ...reportsTo(deps) })
  await source.start()
  stack.defer(() => source.stop())
  return source
}

/** The source for everything that comes from the Workload API, not started. */
export function workloadApiSource(
  { domains, workloadApi, server, tokens }: IdentityConfig,
  common: Omit<WorkloadApiSourceOptions, 'target' | 'trustDomains' | 'startWithinMs' | 'svid' | 'jwtTrustDomains'>,
): WorkloadApiSource {
  const { spiffeId, hint } = workloadApi
  const trustDomains = Object.keys(domains).filter((name) => domains[name]?.workloadApi)
  const choice = { ...(spiffeId !== undefined && { spiffeId }), ...(hint !== undefined && { hint }) }
  return new WorkloadApiSource({
    ...common,
    svid: server === 'workload-api' ? choice : 'any',
    jwtTrustDomains: trustDomains.filter((name) => tokens?.audience ?? domains[name]?.audience),
    target: workloadApiTarget(workloadApi.socket ?? ''),
    trustDomains,
    startWithinMs: workloadApi.startWithin,
  })
}

async function startFederation(
  { domains }: IdentityConfig,
  store: BundleStore,
  deps: IdentityDeps,
  stack: AsyncDisposableStack,
): Promise<void> {
  const { clock } = deps
  const sources = await Promise.all(
    Object.entries(domains).flatMap(([trustDomain, { federation }]) => {
      if (!federation) return []
      return [federatedBundle(federation, { store, trustDomain, clock, ...reportsTo(deps) })]
    }),
  )
  for (const source of sources) stack.defer(() => source.stop())
  await Promise.all(sources.map((source) => source.start()))
}

/**
 * The source for one federated trust domain, not started.
 *
 * @throws {StintError} CONFIG_INVALID, BUNDLE_INVALID: a file that it names cannot be used.
 */
export async function federatedBundle(
  settings: FederationConfig,
  common: Omit<ConstructorParameters<typeof FederatedBundle>[0], 'url' | 'profile' | 'maxStalenessMs'>,
): Promise<FederatedBundle> {
  const { url, maxStaleness, allowPrivate } = settings
  const bootstrap = await bootstrapOf(common.trustDomain, settings)
  const profile = await profileOf(settings)
  return new FederatedBundle({ ...common, url, profile, bootstrap, allowPrivate, maxStalenessMs: maxStaleness })
}

async function profileOf(settings: FederationConfig): Promise<EndpointProfile> {
  if (settings.profile === 'https_spiffe') {
    return { kind: 'https_spiffe', endpointSpiffeId: settings.endpointSpiffeId }
  }
  if (settings.caFile === undefined) return { kind: 'https_web' }
  return { kind: 'https_web', ca: [await readText(settings.caFile)] }
}

async function bootstrapOf(trustDomain: string, settings: FederationConfig): Promise<TrustBundle | undefined> {
  if (settings.profile !== 'https_spiffe' || settings.bundleFile === undefined) return undefined
  return parseSpiffeBundle(trustDomain, await readText(settings.bundleFile)).bundle
}

async function readText(file: string): Promise<string> {
  try {
    return (await readSmallFile(file)).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('CONFIG_INVALID', { explanation: `The file ${file} ${error.message}.` }, error)
  }
}

function serverIdentityOf(
  identity: IdentityConfig,
  workload: WorkloadApiSource | undefined,
  deps: IdentityDeps,
): ServerIdentitySource {
  if (identity.server !== 'workload-api') return pairIdentity(identity.server, identity, 'server_identity', deps)
  if (workload) return workload.serverIdentity()
  throw new StintError('CONFIG_INVALID', { explanation: 'The Workload API gives the identity, but is not configured.' })
}

function pairIdentity(
  { certificateFile: certFile, privateKeyFile: keyFile }: { certificateFile: string; privateKeyFile: string },
  { reloadEvery: intervalMs }: IdentityConfig,
  component: string,
  deps: IdentityDeps,
): ServerIdentitySource {
  const onProblem = (error: StintError) => stateOf(deps)(component, error)
  const files = filesIdentity({ certFile, keyFile, clock: deps.clock, intervalMs, onProblem })
  return {
    start: (onChange) =>
      files.start((next) => {
        if (next) stateOf(deps)(component, undefined)
        onChange(next)
      }),
    stop: () => files.stop(),
  }
}

/** Puts what is wrong with a part on the board, and takes it off again. */
function stateOf({ partHealth }: IdentityDeps) {
  return (component: string, problem: StintError | undefined): void => {
    if (problem) partHealth.failed(component, problem)
    else partHealth.well(component)
  }
}

/** Everything that a source of bundles has to say goes on the status; what is new in it also into the log. */
function reportsTo(deps: IdentityDeps): BundleReports {
  return {
    onState: stateOf(deps),
    onNotes: (component, notes) => deps.partHealth.found(component, notes.map(findingFrom)),
  }
}

function findingFrom({ level, code: finding, explanation }: BundleNote): PartFinding {
  const code = FINDING_CODES.get(finding) ?? 'BUNDLE_INVALID'
  return { finding, code, explanation, level: level === 'alarm' ? 'error' : 'warn' }
}

const FINDING_CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['svid', 'SVID_INVALID'],
  ['svid-choice', 'SVID_AMBIGUOUS'],
])
