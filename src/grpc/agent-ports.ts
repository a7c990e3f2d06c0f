import { Server } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import type { HealthImplementation } from 'grpc-health-check'
import { brokerPackage, brokerService } from '../contract/broker.ts'
import type { Clock } from '../core/clock.ts'
import { asStintError, ERROR_CATALOG, type StintError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { GrantService } from '../grants/services.ts'
import { Authenticator } from '../identity/authenticator.ts'
import type { BundleStore } from '../identity/bundle-store.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { createJwtSvidVerifier, type JwtSvidVerifier } from '../identity/jwt-svid.ts'
import { type ServerIdentity, ServerIdentityFiles } from '../identity/server-identity.ts'
import type { RefusalLog } from '../ledger/refusal-log.ts'
import { createBrokerHandlers } from './broker-service.ts'
import { connectionOf } from './connection-of.ts'
import type { AnyCall } from './handlers.ts'
import { Listener } from './listener.ts'
import { GRPC_SERVER_OPTIONS } from './server-options.ts'

interface Address {
  readonly host: string
  readonly port: number
}

export interface AgentPortsOptions {
  readonly mutual: Address
  /** The port for callers that have only a bearer token; none unless given. */
  readonly bearer?: Address | undefined
  readonly serverFiles: { readonly certificateFile: string; readonly privateKeyFile: string }
  readonly reloadMs: number
  /** Bearer tokens are refused unless given. */
  readonly tokens?:
    | { readonly audience: string; readonly maxLifetimeSeconds: number; readonly leewaySeconds: number }
    | undefined
  readonly maxConnections: number
  readonly maxCallMs: number
  readonly drainMs: number
  readonly reflection: boolean
  readonly bundles: BundleStore
  readonly grants: GrantService
  readonly health: HealthImplementation
  readonly refusals: RefusalLog
  readonly clock: Clock
  readonly logger: Logger
  readonly onIdentityProblem: (error: StintError) => void
}

export interface AgentPorts {
  /** `host:port` */
  readonly mutual: string
  readonly bearer?: string
  stop(): Promise<void>
}

/** Opens the port for agents with certificates and, where configured, the one for bearer tokens, which is a port of its own. */
export async function startAgentPorts(options: AgentPortsOptions): Promise<AgentPorts> {
  const { tokens } = options
  const verifier = tokens && createJwtSvidVerifier(tokens)
  const listeners: Listener[] = []
  const files = new ServerIdentityFiles({
    certFile: options.serverFiles.certificateFile,
    keyFile: options.serverFiles.privateKeyFile,
    clock: options.clock,
    intervalMs: options.reloadMs,
    onChange: (identity) => {
      for (const listener of listeners) listener.setServerIdentity(identity)
    },
    onProblem: options.onIdentityProblem,
  })
  const identity = await files.start()
  const stop = async () => {
    await Promise.all(listeners.map((listener) => listener.stop(options.drainMs)))
    await files.stop()
  }
  try {
    const mutual = Listener.mutual({ ...listenerOptions(options, identity, verifier, false), bundles: options.bundles })
    listeners.push(mutual)
    const agents = await listenAt(mutual, options.mutual)
    if (!options.bearer) return { mutual: agents, stop }
    const bearer = Listener.bearer(listenerOptions(options, identity, verifier, true))
    listeners.push(bearer)
    return { mutual: agents, bearer: await listenAt(bearer, options.bearer), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function listenerOptions(
  options: AgentPortsOptions,
  identity: ServerIdentity,
  tokens: JwtSvidVerifier | undefined,
  bearerAlone: boolean,
) {
  const { clock, maxConnections, refusals } = options
  return {
    server: brokerServer(options, tokens, bearerAlone),
    identity,
    clock,
    limits: { maxConnections },
    onRefused: ({ peer, error }: { peer: string; error: StintError }) =>
      void refusals.note(refusal(error, 'connection', peer)),
  }
}

function brokerServer(options: AgentPortsOptions, tokens: JwtSvidVerifier | undefined, bearerAlone: boolean): Server {
  const { bundles, clock, logger, maxCallMs, grants, refusals } = options
  const authenticator = new Authenticator({ bundles, bearerAlone, ...(tokens && { tokens }) })
  const authenticate = async (call: AnyCall): Promise<CallerIdentity> => {
    try {
      const authorization = call.metadata.get('authorization')
      return await authenticator.authenticate({ connection: connectionOf(call), authorization }, clock.now())
    } catch (thrown) {
      const error = asStintError(thrown)
      await refusals.note(refusal(error, call.getPath(), call.getPeer()))
      throw error
    }
  }
  const onError = (error: StintError, method: string) => {
    if (ERROR_CATALOG[error.code].http >= 500) logger.error({ method, err: error }, 'a call failed')
    else logger.debug({ method, code: error.code }, 'a call was refused')
  }
  const server = new Server(GRPC_SERVER_OPTIONS)
  server.addService(brokerService, createBrokerHandlers({ grants, authenticate, maxCallMs, onError }))
  options.health.addToServer(server)
  if (options.reflection) new ReflectionService(brokerPackage).addToServer(server)
  return server
}

function refusal({ code, details }: StintError, operation: string, remoteAddress: string) {
  const reason = typeof details.check === 'string' ? details.check : 'refused'
  return { actor: 'stint', code, reason, operation, remoteAddress }
}

async function listenAt(listener: Listener, at: Address): Promise<string> {
  const { address, port } = await listener.listen(at)
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}
