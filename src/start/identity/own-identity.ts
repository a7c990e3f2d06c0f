import type { Config } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import type { BundleStore } from '../../identity/bundle/bundle-store.ts'
import { filesIdentity, type ServerIdentity, type ServerIdentitySource } from '../../identity/server-identity.ts'
import type { WorkloadApiSource } from '../../identity/workload-api/workload-api-source.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

type IdentityConfig = Config['identity']

/** The broker's identity and the trust domains that it can verify, for the status. */
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

/** The broker's own identity. */
export interface OwnIdentity {
  /** Our own certificate and key. Whoever listens takes a source of its own, starts and stops it. */
  source(): ServerIdentitySource
  /** The certificate shown and the bundles trusted now. */
  view(): IdentityView
}

interface Needs extends Surroundings {
  readonly bundles: BundleStore
  readonly workloadApi: WorkloadApiSource | undefined
}

/** The broker's identity, from files or from the Workload API. */
export const ownIdentity = definePart({
  name: 'ownIdentity',
  start(needs: Needs) {
    const { config, bundles, logger } = needs
    let shown: ServerIdentity | undefined
    const onShown = (next: ServerIdentity | undefined) => {
      if (next && next.cert !== shown?.cert) {
        const { spiffeId, notAfter } = next
        logger.info({ spiffeId, notAfter }, 'the broker has this identity')
      }
      shown = next
    }
    const value: OwnIdentity = {
      source: () => watched(configuredIdentity(needs), onShown),
      view: () => toView(config.identity, bundles, shown),
    }
    return { value }
  },
})

/** The identity in a pair of files, followed; what is wrong with it is a problem of the component. */
export function pairIdentity(
  { certificateFile: certFile, privateKeyFile: keyFile }: { certificateFile: string; privateKeyFile: string },
  component: string,
  { config, clock, partHealth }: Surroundings,
): ServerIdentitySource {
  const onState = (problem: StintError | undefined) => partHealth.report(component, problem)
  return filesIdentity({ certFile, keyFile, clock, intervalMs: config.identity.reloadEvery, onState })
}

function configuredIdentity({ workloadApi, ...surroundings }: Needs): ServerIdentitySource {
  const { server } = surroundings.config.identity
  if (server !== 'workload-api') return pairIdentity(server, 'server_identity', surroundings)
  if (workloadApi) return workloadApi.serverIdentity()
  throw new StintError('CONFIG_INVALID', { explanation: 'The Workload API gives the identity, but is not configured.' })
}

function watched(
  source: ServerIdentitySource,
  onShown: (next: ServerIdentity | undefined) => void,
): ServerIdentitySource {
  return {
    start: async (onChange) => {
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

function toView({ domains }: IdentityConfig, store: BundleStore, shown: ServerIdentity | undefined): IdentityView {
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
