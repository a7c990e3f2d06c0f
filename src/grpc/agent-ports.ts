import type { Socket } from 'node:net'
import type { Server } from '@grpc/grpc-js'
import { ERROR_CATALOG, type StintError } from '../core/errors.ts'
import type { Ids } from '../core/ids.ts'
import type { ConnectionTableLimits } from '../core/net/connection-table.ts'
import type { ListenAddress, RefusedConnection } from '../core/net/guarded-listener.ts'
import { hostPortText } from '../core/net/host-port.ts'
import type { ServerIdentity, ServerIdentitySource } from '../identity/server-identity.ts'
import {
  type BrokerServerOptions,
  brokerServer,
  callLimits,
  refusal,
  type SharedChecks,
  sharedChecks,
} from './broker-server.ts'
import { CallConnections } from './connections/call-connections.ts'
import { Listener } from './connections/listener.ts'

interface Address {
  readonly host: string
  readonly port: number
}

/** Options of `startAgentPorts`. */
export interface AgentPortsOptions extends BrokerServerOptions {
  readonly mutual: Address
  /** The port for callers that have only a bearer token; none unless given. */
  readonly bearer?: Address | undefined
  readonly serverIdentity: ServerIdentitySource
  /** How many connections each of the two ports takes. */
  readonly connections: { readonly mutual: ConnectionTableLimits; readonly bearer: ConnectionTableLimits }
  readonly drainMs: number
  readonly ids: Ids
  /** Called at each change after the start; true if there is an identity to show. */
  readonly onServerIdentity: (usable: boolean) => void
  /** The problem that keeps `listen.agents` or `listen.bearer` from accepting connections; undefined once it is over. */
  readonly onAccept: (setting: string, problem: StintError | undefined) => void
}

/** The open ports for agents. */
export interface AgentPorts {
  /** `host:port` */
  readonly mutual: string
  readonly bearer?: string
  stop(): Promise<void>
}

/** Opens the port for agents with certificates and, where configured, the one for bearer tokens, which is a port of its own. */
export async function startAgentPorts(options: AgentPortsOptions): Promise<AgentPorts> {
  const shared = sharedChecks(options)
  const listeners: Listener[] = []
  const stopping = new AbortController()
  const identity = await options.serverIdentity.start((next) => {
    for (const listener of listeners) listener.setServerIdentity(next)
    options.onServerIdentity(next !== undefined)
  })
  const stop = async () => {
    const stopped = Promise.all(listeners.map((listener) => listener.stop(options.drainMs)))
    // Connections have been told to go away by now, so that whoever watches again does so on a connection to another broker.
    stopping.abort()
    await stopped
    await options.serverIdentity.stop()
  }
  try {
    const mutual = openMutual(options, identity, shared, stopping.signal)
    listeners.push(mutual)
    const agents = await listenAt(mutual, { ...options.mutual, setting: 'listen.agents' })
    if (!options.bearer) return { mutual: agents, stop }
    const bearer = openBearer(options, identity, shared, stopping.signal)
    listeners.push(bearer)
    return { mutual: agents, bearer: await listenAt(bearer, { ...options.bearer, setting: 'listen.bearer' }), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function openMutual(
  options: AgentPortsOptions,
  identity: ServerIdentity,
  shared: SharedChecks,
  stopping: AbortSignal,
): Listener {
  // A call can come only after the listener that it came by was made.
  const own = (): Listener => listener
  const server = brokerServer(options, shared, { own, stopping })
  const listener = Listener.mutual({
    ...listenerOptions(options, identity, server, shared, 'mutual'),
    bundles: options.bundles,
  })
  return listener
}

function openBearer(
  options: AgentPortsOptions,
  identity: ServerIdentity,
  shared: SharedChecks,
  stopping: AbortSignal,
): Listener {
  const own = (): Listener => listener
  const bearers = new CallConnections(options)
  const server = brokerServer(options, shared, { own, bearers, stopping })
  const onTaken = (socket: Socket) => bearers.add(socket)
  const listener = Listener.bearer({ ...listenerOptions(options, identity, server, shared, 'bearer'), onTaken })
  return listener
}

function listenerOptions(
  { clock, connections, mintLimits, refusals, onAccept }: AgentPortsOptions,
  identity: ServerIdentity,
  server: Server,
  { penalties }: SharedChecks,
  port: keyof AgentPortsOptions['connections'],
) {
  return {
    server,
    identity,
    clock,
    limits: { ...connections[port], calls: callLimits({ mintLimits }) },
    penalties,
    onAccept: (problem: StintError | undefined) =>
      onAccept(port === 'mutual' ? 'listen.agents' : 'listen.bearer', problem),
    onRefused: ({ peer, error }: RefusedConnection) => {
      // An outage of ours is on the status; it is no refusal of anybody.
      if (ERROR_CATALOG[error.code].http < 500) void refusals.note(refusal(error, 'connection', peer))
    },
  }
}

async function listenAt(listener: Listener, at: ListenAddress): Promise<string> {
  const { address, port } = await listener.listen(at)
  return hostPortText(address, port)
}
