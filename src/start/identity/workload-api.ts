import { usesWorkloadApi } from '../../config/identity-sources.ts'
import type { Config } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import type { BundleStore } from '../../identity/bundle/bundle-store.ts'
import { workloadApiTarget } from '../../identity/workload-api/endpoint.ts'
import { WorkloadApiSource, type WorkloadApiSourceOptions } from '../../identity/workload-api/workload-api-source.ts'
import { definePart, type Started } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'
import { bundleReports } from './bundle-reports.ts'

/** SVIDs and bundles from the Workload API; its value is undefined where nothing comes from there. */
export const workloadApi = definePart({
  name: 'workloadApi',
  async start({
    config: { identity },
    liveConfig,
    bundles: store,
    clock,
    random,
    partHealth,
  }: Surroundings & { readonly bundles: BundleStore }): Promise<Started<WorkloadApiSource | undefined>> {
    if (!usesWorkloadApi(identity)) return { value: undefined }
    const source = workloadApiSource(identity, { store, clock, random, ...bundleReports(partHealth) })
    await source.start()
    liveConfig.follow('workloadApi', (next) => {
      requireFollowedKeys(listJwtDomains(identity), listJwtDomains(next.identity))
      return () => undefined
    })
    return { value: source, stop: () => source.stop() }
  },
})

/** Keys of JWT-SVIDs are fetched for the trust domains that had an audience at the start. @throws {StintError} CONFIG_INVALID */
function requireFollowedKeys(followed: readonly string[], wanted: readonly string[]): void {
  const added = wanted.filter((name) => !followed.includes(name))
  if (added.length === 0) return
  const explanation = `A first audience for JWT-SVIDs of ${added.join(', ')}, whose keys come from the Workload API, takes effect at a restart. Restart the broker, or undo it; until then nothing of the changed file is in force.`
  throw new StintError('CONFIG_INVALID', { explanation })
}

function listJwtDomains({ domains, tokens }: Config['identity']): string[] {
  return Object.keys(domains).filter(
    (name) => domains[name]?.workloadApi && (tokens?.audience ?? domains[name]?.audience),
  )
}

/** The source for everything that comes from the Workload API, not started. */
export function workloadApiSource(
  { domains, workloadApi, server, tokens }: Config['identity'],
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
