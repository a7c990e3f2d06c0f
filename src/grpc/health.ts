import { Server, ServerCredentials } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { StintError } from '../core/errors.ts'

const BROKER = 'stint.v1.BrokerService'

/** grpc.health.v1 for probes, which have no certificate: plain gRPC, and nothing but health. */
export interface HealthServer {
  readonly port: number
  /** For adding the same service to the agents' listener. */
  readonly health: HealthImplementation
  setServing(serving: boolean): void
  stop(): void
}

/** @throws {StintError} CONFIG_INVALID when the address cannot be bound. Starts as NOT_SERVING. */
export async function startHealthServer({ host, port }: { host: string; port: number }): Promise<HealthServer> {
  const health = new HealthImplementation({ '': 'NOT_SERVING', [BROKER]: 'NOT_SERVING' })
  const server = new Server({
    'grpc.max_receive_message_length': 4_096,
    'grpc.max_concurrent_streams': 16,
    'grpc.enable_channelz': 0,
  })
  health.addToServer(server)
  const bound = await bind(server, host, port)
  return {
    port: bound,
    health,
    setServing(serving) {
      for (const service of ['', BROKER]) health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING')
    },
    stop: () => server.forceShutdown(),
  }
}

function bind(server: Server, host: string, port: number): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (!error) return resolve(bound)
      reject(
        new StintError(
          'CONFIG_INVALID',
          { explanation: `The address ${address} of listen.health cannot be bound; another program may hold it.` },
          error,
        ),
      )
    })
  })
}
