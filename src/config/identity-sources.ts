import { z } from '../core/documents/schema.ts'
import { asStintError } from '../core/errors.ts'
import { guardUrl } from '../core/net/url-guard.ts'
import { parseSpiffeId, parseTrustDomain } from '../identity/spiffe-id.ts'
import { workloadApiTarget } from '../identity/workload-api/endpoint.ts'
import { address } from './values/address-setting.ts'
import { audiences } from './values/audience-setting.ts'
import { duration } from './values/duration-setting.ts'
import { privateHosts } from './values/private-hosts.ts'

/** A path; a relative one is taken from the folder of the config file. */
const path = z.string().min(1)
const keyPair = z.strictObject({ certificateFile: path, privateKeyFile: path })

/** Makes a check out of something that throws one of our errors. */
function passes(check: (text: string) => unknown) {
  return (text: string, context: z.RefinementCtx<string>) => {
    try {
      check(text)
    } catch (error) {
      const { details, message } = asStintError(error)
      context.addIssue({ code: 'custom', message: details.explanation ?? message })
    }
  }
}

const federationCommon = {
  /** The bundle endpoint, https. */
  url: z.string(),
  /** How long the bundle may be used when it cannot be fetched again. */
  maxStaleness: duration('10m', '30d').prefault('24h'),
  /** Hosts that may lead to private addresses. */
  allowPrivate: privateHosts.default([]),
}

const federation = z
  .discriminatedUnion('profile', [
    z.strictObject({
      profile: z.literal('https_web'),
      ...federationCommon,
      /** PEM roots for the endpoint's server, in the place of the public ones. */
      caFile: path.optional(),
    }),
    z.strictObject({
      profile: z.literal('https_spiffe'),
      ...federationCommon,
      /** The SPIFFE ID that the endpoint's server must prove. */
      endpointSpiffeId: z.string().superRefine(passes(workloadId)),
      /** A bundle (`spiffe` format) to check the server with before the first fetch. */
      bundleFile: path.optional(),
    }),
  ])
  .superRefine(({ url, allowPrivate }, context) => {
    try {
      guardUrl(url, { allowPrivate })
    } catch (error) {
      context.addIssue({ code: 'custom', path: ['url'], message: asStintError(error).message })
    }
  })

const SOURCES = ['file', 'workloadApi', 'federation'] as const

const domain = z
  .strictObject({
    file: path.optional(),
    format: z.enum(['spiffe', 'pem']).default('spiffe'),
    /** Roots and keys come from the Workload API. */
    workloadApi: z.literal(true).optional(),
    /** Roots and keys come from the bundle endpoint of the trust domain. */
    federation: federation.optional(),
    /** The audience that JWT-SVIDs of this trust domain must name, in the place of `identity.tokens.audience`. */
    audience: audiences.optional(),
  })
  .refine((source) => SOURCES.filter((name) => source[name] !== undefined).length === 1, {
    message: 'must have exactly one of file, workloadApi and federation',
  })

/** The settings under `identity` that say where trust and our own identity come from. */
export const identitySources = {
  /** The broker's own X.509-SVID. */
  server: z.union([keyPair, z.literal('workload-api')], {
    error: 'must be workload-api, or certificateFile and privateKeyFile',
  }),
  domains: z.record(z.string().superRefine(passes(parseTrustDomain)), domain),
  workloadApi: z
    .strictObject({
      /** `unix:///path` or `tcp://ip:port`; SPIFFE_ENDPOINT_SOCKET unless set. */
      socket: z.string().superRefine(passes(workloadApiTarget)).optional(),
      /** SPIFFE ID of the broker's SVID. This or `hint` is required if the Workload API offers several. */
      spiffeId: z.string().superRefine(passes(workloadId)).optional(),
      /** The same by the hint of the registration entry. */
      hint: z.string().min(1).max(1024).optional(),
      /** How long the start waits for the first SVID. */
      startWithin: duration('1s', '10m').prefault('1m'),
    })
    .prefault({}),
  /** Serves the bundle of one of our own trust domains to others; off unless set. */
  bundleEndpoint: z
    .strictObject({
      listen: address,
      trustDomain: z.string(),
      path: z
        .string()
        .regex(/^\/[!-"$-~]*$/, 'must begin with / and contain no fragment')
        .default('/'),
      /** How often others should look; the hint of a bundle file, or 5 min, unless set. */
      refreshHint: duration('1m', '24h').optional(),
      /** `time`: a bundle without spiffe_sequence is served with one; for one replica only. */
      sequence: z.enum(['none', 'time']).default('none'),
      /** A certificate for the endpoint's name (`https_web`); the broker's own SVID (`https_spiffe`) unless set. */
      certificate: keyPair.optional(),
    })
    .optional(),
}

interface Sources {
  readonly server: z.output<typeof identitySources.server>
  readonly domains: z.output<typeof identitySources.domains>
  readonly workloadApi: z.output<typeof identitySources.workloadApi>
  readonly bundleEndpoint?: z.output<typeof identitySources.bundleEndpoint>
}

/** Adds the problems that show only when the settings are seen together. */
export function checkIdentitySources(identity: Sources, context: z.RefinementCtx): void {
  const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
  const { domains, bundleEndpoint } = identity
  if (usesWorkloadApi(identity) && identity.workloadApi.socket === undefined) {
    issue(['workloadApi', 'socket'], 'is required, here or as SPIFFE_ENDPOINT_SOCKET in the environment')
  }
  for (const [name, { federation: settings }] of Object.entries(domains)) {
    if (settings?.profile !== 'https_spiffe' || settings.bundleFile !== undefined) continue
    const endpointDomain = parseEndpointDomain(settings.endpointSpiffeId)
    if (endpointDomain === name) {
      issue(
        ['domains', name, 'federation', 'bundleFile'],
        'is required, because the endpoint is in the trust domain itself',
      )
    } else if (endpointDomain !== undefined && !Object.hasOwn(domains, endpointDomain)) {
      issue(['domains', name, 'federation', 'endpointSpiffeId'], 'must be in a trust domain listed in identity.domains')
    }
  }
  if (!bundleEndpoint) return
  const own = Object.hasOwn(domains, bundleEndpoint.trustDomain) ? domains[bundleEndpoint.trustDomain] : undefined
  if (!own || own.federation) {
    issue(['bundleEndpoint', 'trustDomain'], 'must be one of identity.domains, from a file or the Workload API')
  }
}

/** True if anything comes from the Workload API. */
export function usesWorkloadApi({ server, domains }: Pick<Sources, 'server' | 'domains'>): boolean {
  return server === 'workload-api' || Object.values(domains).some((source) => source.workloadApi)
}

function workloadId(text: string): void {
  const { path: workload } = parseSpiffeId(text)
  if (workload === '') throw new Error('no path')
}

function parseEndpointDomain(id: string): string | undefined {
  try {
    return parseSpiffeId(id).trustDomain
  } catch {
    return undefined
  }
}
