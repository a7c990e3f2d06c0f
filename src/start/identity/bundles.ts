import type { Config } from '../../config/schema.ts'
import { type BundleFile, BundleFiles } from '../../identity/bundle/bundle-files.ts'
import { BundleStore } from '../../identity/bundle/bundle-store.ts'
import { definePart } from '../part.ts'
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
    return { value: store, stop: () => files.stop() }
  },
})

/** The trust domains whose bundle is a file. */
export function bundleFiles(domains: Config['identity']['domains']): Record<string, BundleFile> {
  return Object.fromEntries(
    Object.entries(domains).flatMap(([name, { file, format }]) => (file ? [[name, { file, format }]] : [])),
  )
}
