import type { DetailedPeerCertificate } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import { asStintError } from '../../core/errors.ts'
import { derChain } from '../../core/net/der-chain.ts'
import { createGuardedFetch, type GuardedFetch, type GuardedFetchOptions } from '../../core/net/guarded-fetch.ts'
import { bundleInvalid } from '../bundle/bundle-problems.ts'
import type { TrustBundle } from '../bundle/trust-bundle.ts'
import { parseSpiffeId, spiffeIdText } from '../spiffe-id.ts'
import { svidInvalid } from '../x509/certificate.ts'
import { verifyX509Svid } from '../x509/x509-svid.ts'

/** How the server of a bundle endpoint proves itself. */
export type EndpointProfile =
  | { readonly kind: 'https_web'; readonly ca?: readonly string[] | undefined }
  | { readonly kind: 'https_spiffe'; readonly endpointSpiffeId: string }

type FetchLimits = Pick<GuardedFetchOptions, 'allowPrivate' | 'timeoutMs' | 'lookup'>

/**
 * Makes the fetch for one bundle endpoint. `https_web`: the server's name, under the public roots or those given.
 * `https_spiffe`: an X.509-SVID of exactly the configured SPIFFE ID, checked as that of any workload, under the bundle
 * that is current when the fetch begins. Every fetch has a whole handshake; no session is resumed.
 *
 * @param currentBundle of the trust domain of the endpoint's SPIFFE ID.
 * @throws {StintError} the fetch: as `GuardedFetch`; SVID_INVALID or SVID_EXPIRED for the wrong server; BUNDLE_INVALID
 *   while there is no bundle to check it with.
 * @see SPIFFE Federation, sections 5.2.1.4 and 5.2.2.4
 */
export function endpointFetch(
  profile: EndpointProfile,
  { clock, currentBundle, ...limits }: FetchLimits & { clock: Clock; currentBundle: () => TrustBundle | undefined },
): GuardedFetch {
  if (profile.kind === 'https_web') return createGuardedFetch({ ...limits, ...(profile.ca && { ca: profile.ca }) })
  return async (url, options) => {
    const bundle = currentBundle()
    if (!bundle) throw bundleInvalid('bootstrap', "No bundle is available yet to verify the endpoint's certificate.")
    const fetch = createGuardedFetch({
      ...limits,
      ca: bundle.x509Authorities.map(({ x509 }) => x509.toString()),
      checkServer: (certificate) =>
        checkEndpoint(certificate as DetailedPeerCertificate, { ...profile, bundle, now: clock.now() }),
    })
    return fetch(url, options)
  }
}

function checkEndpoint(
  certificate: DetailedPeerCertificate,
  { endpointSpiffeId, bundle, now }: { endpointSpiffeId: string; bundle: TrustBundle; now: Date },
): Error | undefined {
  try {
    const { trustDomain } = parseSpiffeId(endpointSpiffeId)
    const bundles = {
      generation: 0,
      get: (name: string) => (name === trustDomain ? bundle : undefined),
      isUnavailable: () => false,
    }
    const { id } = verifyX509Svid(derChain(certificate), { bundles, now })
    if (spiffeIdText(id) === endpointSpiffeId) return undefined
    return svidInvalid('endpoint-id', `The endpoint presented ${spiffeIdText(id)}; expected ${endpointSpiffeId}.`)
  } catch (error) {
    return asStintError(error)
  }
}
