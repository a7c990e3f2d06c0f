import type { Config } from '../../config/schema.ts'
import { type BundleFile, BundleFiles } from '../../identity/bundle/bundle-files.ts'
import { BundleStore } from '../../identity/bundle/bundle-store.ts'
import { definePart } from '../part.ts'
import type { NotReady } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'
import { bundleReports } from './bundle-reports.ts'

/** The trust bundles of all trust domains, with those that are files; other parts bring theirs. Every file must be good. */
export const bundles = definePart({
  name: 'bundles',
  async start({ config: { identity }, clock, partHealth }: Surroundings) {
    const store = new BundleStore({ onListeners: (problem) => partHealth.report('bundles', problem) })
    const files = new BundleFiles({
      store,
      domains: bundleFiles(identity.domains),
      clock,
      intervalMs: identity.reloadEvery,
      ...bundleReports(partHealth),
    })
    await files.start()
    return { value: store, stop: () => files.stop(), notReady: () => findUnavailable(identity.domains, store) }
  },
})

/**
 * A bundle that our own source keeps away makes the broker unready, since another replica may have it. A federated trust domain that
 * is away is its own agents' problem, unless there is no other.
 */
function findUnavailable(domains: Config['identity']['domains'], { snapshot }: BundleStore): NotReady | undefined {
  const gone = Object.keys(domains).filter((name) => snapshot.isUnavailable(name))
  const own = gone.filter((name) => !domains[name]?.federation)
  if (gone.length === 0 || (own.length === 0 && gone.length < Object.keys(domains).length)) return undefined
  const names = (own.length > 0 ? own : gone).join(', ')
  const explanation = `No current trust bundle is available for ${names}, so that none of their agents can be verified.`
  return { code: 'TRUST_DOMAIN_UNAVAILABLE', explanation }
}

/** The trust domains whose bundle is a file. */
export function bundleFiles(domains: Config['identity']['domains']): Record<string, BundleFile> {
  return Object.fromEntries(
    Object.entries(domains).flatMap(([name, { file, format }]) => (file ? [[name, { file, format }]] : [])),
  )
}
