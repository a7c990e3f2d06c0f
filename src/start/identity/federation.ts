import type { Config } from '../../config/schema.ts'
import { readTextFile } from '../../core/files/read-text-file.ts'
import type { BundleStore } from '../../identity/bundle/bundle-store.ts'
import { parseSpiffeBundle, type TrustBundle } from '../../identity/bundle/trust-bundle.ts'
import type { EndpointProfile } from '../../identity/federation/endpoint-fetch.ts'
import { FederatedBundle } from '../../identity/federation/federated-bundle.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'
import { bundleReports } from './bundle-reports.ts'

type FederationConfig = NonNullable<Config['identity']['domains'][string]['federation']>

/** Bundles from the endpoints of other trust domains; one that is away is a problem of its own trust domain alone. */
export const federation = definePart({
  name: 'federation',
  async start({
    config: { identity },
    bundles: store,
    clock,
    partHealth,
  }: Surroundings & { readonly bundles: BundleStore }) {
    const sources = await Promise.all(
      Object.entries(identity.domains).flatMap(([trustDomain, { federation: settings }]) => {
        if (!settings) return []
        return [federatedBundle(settings, { store, trustDomain, clock, ...bundleReports(partHealth) })]
      }),
    )
    const stop = async () => {
      await Promise.all(sources.map((source) => source.stop()))
    }
    try {
      await Promise.all(sources.map((source) => source.start()))
    } catch (error) {
      await stop()
      throw error
    }
    return { value: sources, stop }
  },
})

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
  const bootstrap = await loadBootstrap(common.trustDomain, settings)
  const profile = await loadProfile(settings)
  return new FederatedBundle({ ...common, url, profile, bootstrap, allowPrivate, maxStalenessMs: maxStaleness })
}

async function loadProfile(settings: FederationConfig): Promise<EndpointProfile> {
  if (settings.profile === 'https_spiffe') {
    return { kind: 'https_spiffe', endpointSpiffeId: settings.endpointSpiffeId }
  }
  if (settings.caFile === undefined) return { kind: 'https_web' }
  return { kind: 'https_web', ca: [await readTextFile(settings.caFile, 'CONFIG_INVALID')] }
}

async function loadBootstrap(trustDomain: string, settings: FederationConfig): Promise<TrustBundle | undefined> {
  if (settings.profile !== 'https_spiffe' || settings.bundleFile === undefined) return undefined
  return parseSpiffeBundle(trustDomain, await readTextFile(settings.bundleFile, 'CONFIG_INVALID')).bundle
}
