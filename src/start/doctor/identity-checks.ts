import { usesWorkloadApi } from '../../config/identity-sources.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { type BundleFile, BundleFiles } from '../../identity/bundle/bundle-files.ts'
import type { BundleNote, BundleReports } from '../../identity/bundle/bundle-problems.ts'
import { BundleStore } from '../../identity/bundle/bundle-store.ts'
import type { TrustBundle } from '../../identity/bundle/trust-bundle.ts'
import { ServerIdentityFiles } from '../../identity/server-identity.ts'
import { bundleFiles } from '../identity/bundles.ts'
import { federatedBundle } from '../identity/federation.ts'
import { workloadApiSource } from '../identity/workload-api.ts'
import { type Check, check } from './check.ts'

type IdentityConfig = Config['identity']
type FederationConfig = NonNullable<IdentityConfig['domains'][string]['federation']>

interface CheckDeps {
  readonly store: BundleStore
  readonly clock: Clock
}

/** Checks the broker's identity and every source of bundles: files first, then what comes over the network. */
export async function* checkIdentity({ identity }: Pick<Config, 'identity'>, clock: Clock): AsyncGenerator<Check> {
  const { server, domains } = identity
  const deps: CheckDeps = { store: new BundleStore(), clock }
  if (server !== 'workload-api') yield check('server certificate', () => lookAtCertificate(server, clock))
  if (usesWorkloadApi(identity)) {
    yield check('workload API', () => lookAtWorkloadApi(identity, deps))
    for (const [trustDomain, { workloadApi }] of Object.entries(domains)) {
      if (workloadApi) yield check(`bundle ${trustDomain}`, async () => findBundle(trustDomain, deps.store))
    }
  }
  for (const [trustDomain, { federation }] of Object.entries(domains)) {
    if (federation) yield check(`federation ${trustDomain}`, () => lookAtFederation(trustDomain, federation, deps))
  }
  for (const [trustDomain, file] of Object.entries(bundleFiles(domains))) {
    yield check(`bundle ${trustDomain}`, () => lookAtFile(trustDomain, file, clock))
  }
}

async function lookAtCertificate(
  { certificateFile: certFile, privateKeyFile: keyFile }: Exclude<IdentityConfig['server'], string>,
  clock: Clock,
): Promise<string> {
  const files = new ServerIdentityFiles({ certFile, keyFile, clock, onChange: () => {}, onState: () => {} })
  const { notAfter } = await files.start()
  await files.stop()
  return `valid until ${notAfter.toISOString()}`
}

async function lookAtWorkloadApi(identity: IdentityConfig, deps: CheckDeps): Promise<string> {
  const { onNotes, list } = collectNotes()
  const onState = () => {}
  const source = workloadApiSource(identity, { ...deps, random: Math.random, patient: false, onState, onNotes })
  await source.start()
  const { spiffeId, notAfter } = source.identity ?? {}
  await source.stop()
  const own = identity.server === 'workload-api' ? `is ${spiffeId} with an SVID` : 'provides an SVID'
  return [`${own} that is valid until ${notAfter?.toISOString()}`, ...list()].join('; ')
}

function findBundle(trustDomain: string, store: BundleStore): string {
  const bundle = store.get(trustDomain)
  if (bundle) return describeKeys(bundle)
  throw new StintError('BUNDLE_INVALID', { explanation: `The Workload API has sent no bundle for ${trustDomain}.` })
}

async function lookAtFederation(trustDomain: string, settings: FederationConfig, deps: CheckDeps): Promise<string> {
  const { onNotes, list } = collectNotes()
  let problem: StintError | undefined
  const onState = (_component: string, found: StintError | undefined) => {
    problem = found
  }
  const source = await federatedBundle(settings, { ...deps, trustDomain, onState, onNotes })
  await source.start()
  await source.stop()
  if (problem) throw problem
  return [describeKeys(deps.store.get(trustDomain)), ...list()].join('; ')
}

async function lookAtFile(trustDomain: string, file: BundleFile, clock: Clock): Promise<string> {
  const { onNotes, list } = collectNotes()
  const store = new BundleStore()
  const files = new BundleFiles({ store, domains: { [trustDomain]: file }, clock, onState: () => {}, onNotes })
  await files.start()
  await files.stop()
  return [describeKeys(store.get(trustDomain)), ...list()].join('; ')
}

/** The notes of a source, the last of each component. */
function collectNotes(): Pick<BundleReports, 'onNotes'> & { list(): string[] } {
  const byComponent = new Map<string, readonly BundleNote[]>()
  return {
    onNotes: (component, notes) => void byComponent.set(component, notes),
    list: () => [...byComponent.values()].flat().map(({ explanation }) => explanation),
  }
}

function describeKeys(bundle: TrustBundle | undefined): string {
  return `${bundle?.x509Authorities.length ?? 0} X.509 and ${bundle?.jwtAuthorities.size ?? 0} JWT authorities`
}
