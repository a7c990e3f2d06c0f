import { sequenceByTime } from '../../identity/bundle/bundle-sequence.ts'
import type { BundleStore } from '../../identity/bundle/bundle-store.ts'
import type { TrustBundle } from '../../identity/bundle/trust-bundle.ts'
import { startBundleEndpoint } from '../../identity/federation/bundle-endpoint.ts'
import type { WorkloadApiSource } from '../../identity/workload-api/workload-api-source.ts'
import { type OwnIdentity, pairIdentity } from '../identity/own-identity.ts'
import { definePart, type Started } from '../part.ts'
import type { Refusals } from '../refusals.ts'
import type { Surroundings } from '../surroundings.ts'
import type { ConnectionLimits } from './connection-limits.ts'

interface Needs extends Surroundings {
  readonly bundles: BundleStore
  readonly workloadApi: WorkloadApiSource | undefined
  readonly ownIdentity: OwnIdentity
  readonly connectionLimits: ConnectionLimits
  readonly refusals: Refusals
}

/** Serves our own bundle to other trust domains; its value is `host:port`, or undefined where none is configured. */
export const bundleEndpoint = definePart({
  name: 'bundleEndpoint',
  async start(needs: Needs): Promise<Started<string | undefined>> {
    const { config, clock, ownIdentity, connectionLimits, refusals } = needs
    const settings = config.identity.bundleEndpoint
    if (!settings) return { value: undefined }
    const { certificate, refreshHint } = settings
    const endpoint = await startBundleEndpoint({
      ...settings.listen,
      path: settings.path,
      identity: certificate ? pairIdentity(certificate, 'bundle_endpoint', needs) : ownIdentity.source(),
      bundle: servedBundle(settings, needs),
      ...(refreshHint !== undefined && { refreshHintSeconds: Math.round(refreshHint / 1_000) }),
      clock,
      limits: connectionLimits.bundle,
      onRefused: refusals.connection('bundle'),
    })
    return { value: endpoint.address, stop: () => endpoint.stop() }
  },
})

function servedBundle(
  { trustDomain, sequence }: { readonly trustDomain: string; readonly sequence: 'none' | 'time' },
  { config, bundles, workloadApi, clock }: Needs,
): () => TrustBundle | undefined {
  const numbered = sequence === 'time' ? sequenceByTime(clock) : (bundle: TrustBundle) => bundle
  const fromWorkloadApi = config.identity.domains[trustDomain]?.workloadApi
  return () => {
    const bundle = fromWorkloadApi ? workloadApi?.publishable(trustDomain) : bundles.get(trustDomain)
    return bundle && numbered(bundle)
  }
}
