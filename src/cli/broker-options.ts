import type { Command as Parser } from 'commander'
import { readSmallFile } from '../core/files/read-small-file.ts'
import { StintClient } from '../sdk/client.ts'
import type { SvidFiles } from '../sdk/identity/svid-source.ts'
import type { SvidFromWorkloadApi } from '../sdk/identity/workload-api-svid.ts'
import type { StintClientOptions } from '../sdk/options.ts'
import { type CommandIo, UsageError } from './command.ts'

/** The parsed flags of `withBroker`. */
export interface BrokerFlags {
  readonly address?: string
  readonly serverId?: string
  readonly svidCert?: string
  readonly svidKey?: string
  readonly bundle?: string
  readonly tokenFile?: string
  readonly workloadApi?: string
  readonly useProxy?: boolean
  readonly spiffeId?: string
  readonly svidHint?: string
  readonly jwtAudience?: string
}

/** Adds the flags for the address of the broker and the agent's identity. */
export function withBroker(parser: Parser): Parser {
  return parser
    .option('--address <host:port>', 'broker (STINT_ADDRESS)')
    .option('--server-id <spiffe-id>', 'SPIFFE ID that the broker must prove (STINT_SERVER_ID)')
    .option('--svid-cert <file>', 'X.509-SVID, PEM (STINT_SVID_CERT)')
    .option('--svid-key <file>', 'its private key, PEM (STINT_SVID_KEY)')
    .option('--bundle <file>', "trust bundle of the broker's trust domain (STINT_BUNDLE)")
    .option('--token-file <file>', 'JWT-SVID or OIDC token; the file is read for every call (STINT_TOKEN_FILE)')
    .option(
      '--workload-api <address>',
      'get the SVID and trust bundle from this Workload API socket (SPIFFE_ENDPOINT_SOCKET)',
    )
    .option(
      '--use-proxy',
      'connect through the proxy in grpc_proxy, https_proxy, no_proxy; never for loopback (STINT_USE_PROXY=true)',
    )
    .option(
      '--spiffe-id <spiffe-id>',
      'SPIFFE ID of the SVID to use, if the Workload API offers several (STINT_SPIFFE_ID)',
    )
    .option(
      '--svid-hint <hint>',
      'hint of the SVID to use, from its registration entry; instead of --spiffe-id (STINT_SVID_HINT)',
    )
    .option(
      '--jwt-audience <audience>',
      'fetch a JWT-SVID for this audience from the Workload API for every call (STINT_JWT_AUDIENCE)',
    )
}

/** @throws {UsageError} */
function parseUseProxy(value: string | undefined): boolean {
  if (value === undefined || value === '' || value === 'false') return false
  if (value === 'true') return true
  throw new UsageError(`STINT_USE_PROXY must be true or false; got ${value}`)
}

/** Runs with a connected client, which is closed afterwards. @throws {UsageError} when a setting is missing. */
export async function withClient<T>(
  flags: BrokerFlags,
  { env }: Pick<CommandIo, 'env'>,
  work: (client: StintClient) => Promise<T>,
): Promise<T> {
  const client = new StintClient({
    address: requireSetting(flags.address ?? env.STINT_ADDRESS, '--address or STINT_ADDRESS'),
    serverId: requireSetting(flags.serverId ?? env.STINT_SERVER_ID, '--server-id or STINT_SERVER_ID'),
    svid: readSvidOptions(flags, env),
    ...readTokenOptions(flags, env),
    useProxy: flags.useProxy ?? parseUseProxy(env.STINT_USE_PROXY),
  })
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

/** Files if any is named, else the Workload API. */
function readSvidOptions(flags: BrokerFlags, env: CommandIo['env']): SvidFiles | SvidFromWorkloadApi {
  const certificateFile = flags.svidCert ?? env.STINT_SVID_CERT
  const privateKeyFile = flags.svidKey ?? env.STINT_SVID_KEY
  const bundleFile = flags.bundle ?? env.STINT_BUNDLE
  const workloadApi = flags.workloadApi ?? env.SPIFFE_ENDPOINT_SOCKET
  const files = [certificateFile, privateKeyFile, bundleFile].some(Boolean)
  if (flags.workloadApi && files) throw new UsageError('Give --workload-api or SVID files, not both.')
  if (files && (flags.spiffeId || flags.svidHint)) {
    throw new UsageError(
      "--spiffe-id and --svid-hint choose among the Workload API's SVIDs and cannot be combined with files.",
    )
  }
  if (workloadApi && !files) return { workloadApi, ...readSvidChoice(flags, env) }
  return {
    bundleFile: requireSetting(bundleFile, '--bundle, STINT_BUNDLE or SPIFFE_ENDPOINT_SOCKET'),
    ...(certificateFile && { certificateFile }),
    ...(privateKeyFile && { privateKeyFile }),
  }
}

function readSvidChoice(flags: BrokerFlags, env: CommandIo['env']): { spiffeId?: string; hint?: string } {
  const spiffeId = flags.spiffeId ?? env.STINT_SPIFFE_ID
  const hint = flags.svidHint ?? env.STINT_SVID_HINT
  return { ...(spiffeId && { spiffeId }), ...(hint && { hint }) }
}

/** A flag overrides the environment, even if the environment names the other kind of token. */
function readTokenOptions(flags: BrokerFlags, env: CommandIo['env']): Pick<StintClientOptions, 'token'> {
  if (flags.tokenFile && flags.jwtAudience) throw new UsageError('Give --token-file or --jwt-audience, not both.')
  const tokenFile = flags.tokenFile ?? (flags.jwtAudience ? undefined : env.STINT_TOKEN_FILE)
  if (tokenFile) return { token: async () => (await readSmallFile(tokenFile, { pipes: true })).text }
  const audience = flags.jwtAudience ?? env.STINT_JWT_AUDIENCE
  if (!audience) return {}
  const workloadApi = flags.workloadApi ?? env.SPIFFE_ENDPOINT_SOCKET
  if (!workloadApi) throw new UsageError('--jwt-audience requires --workload-api or SPIFFE_ENDPOINT_SOCKET.')
  return { token: { audience, workloadApi, ...readSvidChoice(flags, env) } }
}

function requireSetting(value: string | undefined, names: string): string {
  if (value) return value
  throw new UsageError(`Set ${names}.`)
}
