import { resolve } from 'node:path'
import { z } from '../core/documents/schema.ts'
import { isConfidentialUrl } from '../core/net/confidential-url.ts'
import { urlHost } from '../core/net/host-port.ts'
import { isNoProxyEntry } from '../core/net/proxy/no-proxy.ts'
import { Secret } from '../core/secret.ts'

const endpoint = z.string().refine(isConfidentialUrl, 'must be an https:// URL; http:// is for loopback only')

const PROXY_FORM = 'must be http://host:port, or https://host:port for a proxy with TLS'
const PROXY_FILE = 'must not contain a user or password; name a file with user:password in aws.proxy.credentialsFile'
const PROXY_ENVIRONMENT =
  'comes from HTTPS_PROXY, which must be http://host:port or http://user:password@host:port; correct it, set the proxy here, or set aws.proxy.fromEnvironment to false'

/** `http://host:port`; from the environment, where it may hold `user:password@`, it comes as a Secret. */
const proxyUrl = z.union([z.string(), z.instanceof(Secret)]).transform((given, context) => {
  const fromEnvironment = given instanceof Secret
  const parsed = readProxyUrl(fromEnvironment ? given.reveal() : given)
  if (parsed && (fromEnvironment || !parsed.credentials)) return parsed
  const ofFile = parsed ? PROXY_FILE : PROXY_FORM
  context.addIssue({ code: 'custom', message: fromEnvironment ? PROXY_ENVIRONMENT : ofFile })
  return z.NEVER
})

/** Parses the URL of an HTTP proxy; undefined for any other text. */
function readProxyUrl(text: string) {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search || url.hash) return
  const tls = url.protocol === 'https:'
  const user = decoded(`${url.username}:${url.password}`)
  if (user === undefined) return
  const credentials = url.username || url.password ? { credentials: new Secret(user) } : {}
  return { host: urlHost(url), port: Number(url.port || (tls ? 443 : 80)), tls, ...credentials }
}

/** Decodes percent escapes; undefined for a malformed one. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The settings under `aws` for endpoints, certificates and proxy. */
export const awsNetworkSettings = {
  /** One address for every AWS service that the broker calls. */
  endpoint: endpoint.optional(),
  /** For STS alone. */
  stsEndpoint: endpoint.optional(),
  /** For IAM alone. */
  iamEndpoint: endpoint.optional(),
  /** AWS's endpoints that are validated for FIPS 140. */
  fips: z.boolean().optional(),
  /** AWS's endpoints with IPv6 addresses too. */
  dualStack: z.boolean().optional(),
  /** PEM file of the certificate authorities to trust, instead of the public ones. */
  caFile: z.string().min(1).optional(),
  proxy: z
    .strictObject({
      url: proxyUrl.optional(),
      /** A file with `user:password`. */
      credentialsFile: z.string().min(1).optional(),
      /** Hosts that are reached directly. */
      noProxy: z
        .array(z.string().refine(isNoProxyEntry, 'must be *, a host name, an IP address or a range such as 10.0.0.0/8'))
        .max(1_000)
        .default([]),
      /** True if HTTPS_PROXY and NO_PROXY count where `url` and `noProxy` are not set. */
      fromEnvironment: z.boolean().default(true),
    })
    .prefault({}),
}

interface AwsNetworkSettings {
  readonly endpoint?: string | undefined
  readonly stsEndpoint?: string | undefined
  readonly iamEndpoint?: string | undefined
  readonly fips?: boolean | undefined
  readonly dualStack?: boolean | undefined
}

/** Reports the settings that contradict each other. */
export function checkAwsNetwork(aws: AwsNetworkSettings, problem: (path: string[], message: string) => void): void {
  const named = (['endpoint', 'stsEndpoint', 'iamEndpoint'] as const).find((name) => aws[name] !== undefined)
  for (const variant of ['fips', 'dualStack'] as const)
    if (named && aws[variant])
      problem(
        ['aws', variant],
        `must be false: aws.${named} already names the endpoint; put the FIPS or dual-stack address there`,
      )
}

/** The settings under `aws`, and the variables of AWS's SDKs that set them if the configuration does not. */
const VARIABLES: readonly (readonly [setting: string, ...names: string[]])[] = [
  ['fips', 'AWS_USE_FIPS_ENDPOINT'],
  ['dualStack', 'AWS_USE_DUALSTACK_ENDPOINT'],
  ['caFile', 'AWS_CA_BUNDLE'],
]
const ENDPOINT_VARIABLES: typeof VARIABLES = [
  ['stsEndpoint', 'AWS_ENDPOINT_URL_STS', 'AWS_ENDPOINT_URL'],
  ['iamEndpoint', 'AWS_ENDPOINT_URL_IAM', 'AWS_ENDPOINT_URL'],
]

/**
 * Fills settings under `aws` from the environment. A setting of the file wins, and `aws.endpoint` wins over the endpoints of the
 * environment.
 *
 * @param aws the section as the file has it.
 * @see AWS SDKs and Tools Reference Guide, "Environment variables list"
 */
export function withAwsEnvironment(aws: Record<string, unknown>, env: NodeJS.ProcessEnv): Record<string, unknown> {
  const endpointsCount = aws.endpoint === undefined && env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS !== 'true'
  const ownEndpoint = [aws.endpoint, aws.stsEndpoint, aws.iamEndpoint].some((endpoint) => endpoint !== undefined)
  const found = [...VARIABLES, ...(endpointsCount ? ENDPOINT_VARIABLES : [])].flatMap(([setting, ...names]) => {
    const text = names.map((name) => env[name]).find((value) => value)
    return text ? [[setting, fromText(setting, text)] as const] : []
  })
  return {
    ...Object.fromEntries(found),
    // The file names an endpoint. The SDKs refuse one together with a FIPS or dual-stack variable of the environment.
    ...(ownEndpoint && { fips: false, dualStack: false }),
    ...aws,
    ...withProxyEnvironment(aws.proxy, env),
  }
}

function fromText(setting: string, text: string): string | boolean {
  if (setting === 'caFile') return resolve(text)
  return text === 'true' || text === 'false' ? text === 'true' : text
}

/** The lower-case names win, as with curl. */
function withProxyEnvironment(proxy: unknown, env: NodeJS.ProcessEnv): { proxy?: Record<string, unknown> } {
  if (proxy !== undefined && (typeof proxy !== 'object' || proxy === null)) return {}
  const settings: Record<string, unknown> = { ...proxy }
  const url = env.https_proxy ?? env.HTTPS_PROXY
  if (settings.fromEnvironment === false || settings.url !== undefined || !url) return {}
  const noProxy = (env.no_proxy ?? env.NO_PROXY ?? '').split(/[\s,]+/).filter(isNoProxyEntry)
  return { proxy: { noProxy, ...settings, url: new Secret(url.includes('://') ? url : `http://${url}`) } }
}
