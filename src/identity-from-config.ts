import { usesWorkloadApi } from './config/identity-sources.ts'
import type { Config } from './config/schema.ts'
import type { Clock } from './core/clock.ts'
import { StintError } from './core/errors.ts'
import { readSmallFile, UnusableFileError } from './core/files/read-small-file.ts'
import type { Logger } from './core/log.ts'
import type { ProblemBoard } from './core/problem-board.ts'
import { startBundleEndpoint } from './identity/bundle-endpoint.ts'
import { type BundleFile, BundleFiles } from './identity/bundle-files.ts'
import type { BundleNote } from './identity/bundle-problems.ts'
import { BundleStore } from './identity/bundle-store.ts'
import type { EndpointProfile } from './identity/federation/endpoint-fetch.ts'
import { FederatedBundle } from './identity/federation/federated-bundle.ts'
import { filesIdentity, type ServerIdentitySource } from './identity/server-identity.ts'
import { parseSpiffeBundle, type TrustBundle } from './identity/trust-bundle.ts'
import { workloadApiTarget } from './identity/workload-api/endpoint.ts'
import { WorkloadApiSource, type WorkloadApiSourceOptions } from './identity/workload-api/workload-api-source.ts'

type IdentityConfig = Config['identity']
type DomainConfig = IdentityConfig['domains'][string]
type FederationConfig = NonNullable<DomainConfig['federation']>

export interface IdentityDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly board: ProblemBoard
  readonly random: () => number
}

/** Where trust and our own identity come from, started. */
export interface Identity {
  readonly bundles: BundleStore
  /** The server's own certificate and key; one source per listener. */
  server(): ServerIdentitySource
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
  const server = () => serverIdentityOf(identity, workload, deps)
  const { bundleEndpoint: settings } = identity
  if (!settings) return { bundles, server }
  const endpoint = await startBundleEndpoint({
    ...hostAndPort(settings.listen),
    path: settings.path,
    identity: settings.certificate ? pairIdentity(settings.certificate, identity, 'bundle_endpoint', deps) : server(),
    bundle: () =>
      identity.domains[settings.trustDomain]?.workloadApi
        ? workload?.publishable(settings.trustDomain)
        : bundles.get(settings.trustDomain),
    clock: deps.clock,
  })
  stack.defer(() => endpoint.stop())
  return { bundles, server, bundleEndpoint: endpoint.address }
}

async function startFiles(
  { domains, reloadEvery }: IdentityConfig,
  store: BundleStore,
  { clock, logger, board }: IdentityDeps,
  stack: AsyncDisposableStack,
): Promise<void> {
  const files = new BundleFiles({
    store,
    domains: bundleFiles(domains),
    clock,
    intervalMs: reloadEvery,
    onProblem: ({ trustDomain, error, ...note }) => {
      if (error) board.report(`bundle:${trustDomain}`, error, clock.now())
      logNote(logger, { trustDomain }, note)
    },
  })
  store.onChange(() => {
    for (const { component } of board.list()) if (component.startsWith('bundle:')) board.clear(component)
  })
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
  const { clock, random, logger } = deps
  const onNote = (note: BundleNote) => logNote(logger, {}, note)
  const source = workloadApiSource(identity, { store, clock, random, onState: stateOf(deps), onNote })
  await source.start()
  stack.defer(() => source.stop())
  return source
}

/** The source for everything that comes from the Workload API, not started. */
export function workloadApiSource(
  { domains, workloadApi }: IdentityConfig,
  common: Omit<WorkloadApiSourceOptions, 'target' | 'trustDomains' | 'startWithinMs'>,
): WorkloadApiSource {
  return new WorkloadApiSource({
    ...common,
    target: workloadApiTarget(workloadApi.socket ?? ''),
    trustDomains: Object.keys(domains).filter((name) => domains[name]?.workloadApi),
    startWithinMs: workloadApi.startWithin,
  })
}

async function startFederation(
  { domains }: IdentityConfig,
  store: BundleStore,
  deps: IdentityDeps,
  stack: AsyncDisposableStack,
): Promise<void> {
  const { clock, logger } = deps
  const sources = await Promise.all(
    Object.entries(domains).flatMap(([trustDomain, { federation }]) => {
      if (!federation) return []
      const common = { store, trustDomain, clock, onState: stateOf(deps) }
      const onNote = (note: BundleNote) => logNote(logger, { trustDomain }, note)
      return [federatedBundle(federation, { ...common, onNote })]
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
function stateOf({ board, clock, logger }: IdentityDeps) {
  return (component: string, problem: StintError | undefined): void => {
    if (problem) {
      board.report(component, problem, clock.now())
      logger.error({ component, err: problem }, 'a part has a problem')
    } else board.clear(component)
  }
}

function logNote(logger: Logger, about: { trustDomain?: string }, { level, code, explanation }: BundleNote): void {
  logger[level === 'alarm' ? 'error' : 'warn']({ ...about, note: code, explanation }, 'a trust bundle needs a look')
}

function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) }
}
