import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, systemClock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { parseSpiffeId } from '../identity/spiffe-id.ts'
import { workloadApiTarget } from '../identity/workload-api/endpoint.ts'
import { requireSpiffeId } from './identity/server-identity.ts'
import { type SvidFiles, type SvidProvider, SvidSource } from './identity/svid-source.ts'
import { type SvidFromWorkloadApi, WorkloadApiSvid } from './identity/workload-api-svid.ts'
import { type TokenFromWorkloadApi, tokensFromWorkloadApi } from './identity/workload-api-token.ts'
import type { Timing } from './timing.ts'

/**
 * Gives a bearer token for one call. It is asked before every call and every retry; giving the same token again is fine
 * where the broker's `identity.tokens.reuse` lets it be.
 */
export type TokenSource = () => Promise<string>

/** Options of a client. */
export interface StintClientOptions {
  /** `host:port` of the broker. */
  readonly address: string
  /** SPIFFE ID that the broker must prove, e.g. `spiffe://example.org/stint`. It takes the place of the host name check. */
  readonly serverId: string
  /** Files, or the Workload API; if left out, the Workload API that SPIFFE_ENDPOINT_SOCKET names. */
  readonly svid?: SvidFiles | SvidFromWorkloadApi
  /**
   * A function, or `{ audience }` for JWT-SVIDs from the Workload API. Needed where there is no certificate; where there are
   * both, they must name the same agent.
   */
  readonly token?: TokenSource | TokenFromWorkloadApi
  /** For a call without a deadline of its own, retries included; 10,000 if left out; 1 to 3,600,000. */
  readonly defaultDeadlineMs?: number
  /**
   * Reach the broker by CONNECT through the proxy that `grpc_proxy`, `https_proxy` or `http_proxy` names (lower case; `no_proxy` counts).
   * Default false. A broker on this machine is never reached through a proxy.
   */
  readonly useProxy?: boolean
  /** For tests. */
  readonly clock?: Clock
  /** For tests: 0 to 1, spreads retries. */
  readonly random?: () => number
}

/** Deadline and cancellation of one call. */
export interface CallSettings {
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** @throws {StintError} CONFIG_INVALID, SPIFFE_ID_INVALID */
export function checkOptions(options: StintClientOptions): void {
  const { address, serverId, token, defaultDeadlineMs = 10_000 } = options
  const svid = requireSvid(options)
  if (!/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(address)) {
    throw invalid(`The broker's address must be host:port; got ${JSON.stringify(address)}.`)
  }
  requireSpiffeId(serverId)
  if ('bundleFile' in svid) checkFiles(svid, token)
  else checkChoice(svid)
  if (typeof token === 'object') checkToken(token)
  if (!(defaultDeadlineMs >= 1 && defaultDeadlineMs <= 3_600_000)) {
    throw invalid('defaultDeadlineMs must be between 1 and 3,600,000.')
  }
}

/** Where the identity of this client comes from. */
export function svidProvider(options: StintClientOptions, clock: Clock): SvidProvider {
  const svid = requireSvid(options)
  if ('bundleFile' in svid) return new SvidSource({ files: svid, clock })
  const { trustDomain } = parseSpiffeId(options.serverId)
  return new WorkloadApiSvid({ address: requireWorkloadApiAddress(svid), choice: svid, trustDomain, clock })
}

/** Where the tokens of this client come from; undefined for none. */
export function tokenSource(options: StintClientOptions): TokenSource | undefined {
  const { token } = options
  if (typeof token !== 'object') return token
  const svid = requireSvid(options)
  const from = 'bundleFile' in svid ? {} : svid
  const named = token.spiffeId !== undefined || token.hint !== undefined
  return tokensFromWorkloadApi(named ? token : { ...from, ...token }, requireWorkloadApiAddress({ ...from, ...token }))
}

/** SPIFFE Workload Endpoint, section 4: without configuration, the variable says where the Workload API is. */
function requireSvid({ svid }: StintClientOptions): SvidFiles | SvidFromWorkloadApi {
  if (svid) return svid
  if (process.env.SPIFFE_ENDPOINT_SOCKET) return {}
  throw invalid('An agent needs an identity: give SVID files, or set SPIFFE_ENDPOINT_SOCKET to a Workload API.')
}

/** @throws {StintError} CONFIG_INVALID */
function requireWorkloadApiAddress({ workloadApi = process.env.SPIFFE_ENDPOINT_SOCKET }: SvidFromWorkloadApi): string {
  if (workloadApi) return workloadApi
  throw invalid('The Workload API has no address: give workloadApi, or set SPIFFE_ENDPOINT_SOCKET.')
}

function checkChoice(svid: SvidFromWorkloadApi): void {
  workloadApiTarget(requireWorkloadApiAddress(svid))
  if (svid.spiffeId !== undefined) requireSpiffeId(svid.spiffeId)
  if (svid.hint === '') throw invalid('A hint is a text of at least one character; leave it out for none.')
}

function checkToken(token: TokenFromWorkloadApi): void {
  if (!token.audience) throw invalid('A JWT-SVID needs an audience: the identity.tokens.audience of the broker.')
  if (token.spiffeId !== undefined) requireSpiffeId(token.spiffeId)
}

function checkFiles(svid: SvidFiles, token: StintClientOptions['token']): void {
  if ((svid.certificateFile === undefined) !== (svid.privateKeyFile === undefined)) {
    throw invalid('The SVID certificate and its private key go together: give both files or neither.')
  }
  if (svid.certificateFile === undefined && !token) {
    throw invalid('An agent needs an identity: give SVID certificate and key files, a token source, or both.')
  }
}

/** The clocks and the dice of one client. */
export function createTiming({ clock, random = Math.random }: StintClientOptions): Timing {
  return { clock: clock ?? systemClock, backgroundClock: clock ?? unheldClock, random }
}

const unheldClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => delay(ms, undefined, { ref: false, ...(signal && { signal }) }),
}

function invalid(explanation: string): StintError {
  return new StintError('CONFIG_INVALID', { explanation })
}
