import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import {
  type JwtSvidRequest,
  type JwtSvidResponse,
  WorkloadApiStub,
} from '../../src/identity/workload-api/definition.ts'
import type { PracticeTrustDomain } from '../../src/practice/stage/pki.ts'
import { JwtSvidCache } from '../support/jwt-svid-cache.ts'
import { jwtMessage, svidMessage, x509Message } from '../support/workload-api-server.ts'

/** Who the agent's one workload is. */
export interface Workload {
  readonly trustDomain: PracticeTrustDomain
  /** e.g. `/ci/deploy`. */
  readonly path: string
}

/**
 * A SPIFFE agent for one workload, as go-spiffe and the Python package want it: X.509-SVID and bundles, JWT bundles, and
 * JWT-SVIDs for the asked audience, the same one for half of its life. Streams stay open, as the standard has it; nothing
 * rotates.
 *
 * @see SPIFFE Workload API, sections 5.2 and 6.2
 */
export class SpiffeAgent {
  readonly #folder: string
  readonly #workload: Workload
  readonly #sockets = new Set<Socket>()
  readonly #issued = new JwtSvidCache()
  readonly #listener: NetServer
  /** Audiences for which a JWT-SVID was asked. */
  readonly audiences: string[] = []

  private constructor(folder: string, workload: Workload) {
    this.#folder = folder
    this.#workload = workload
    const injector = this.#service().createConnectionInjector(ServerCredentials.createInsecure())
    this.#listener = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
      injector.injectConnection(socket)
    })
  }

  static async start(workload: Workload): Promise<SpiffeAgent> {
    const agent = new SpiffeAgent(await mkdtemp(join(tmpdir(), 'stint-agent-')), workload)
    agent.#listener.listen(agent.address.replace('unix://', ''))
    await once(agent.#listener, 'listening')
    return agent
  }

  /** As SPIFFE_ENDPOINT_SOCKET has it. */
  get address(): string {
    return `unix://${this.#folder}/agent.sock`
  }

  async close(): Promise<void> {
    this.#listener.close()
    for (const socket of this.#sockets) socket.destroy()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #service(): Server {
    const server = new Server({ 'grpc.enable_channelz': 0 })
    server.addService(WorkloadApiStub.service, {
      FetchX509SVID: (call: ServerWritableStream<unknown, unknown>) => stream(call, () => this.#x509()),
      FetchJWTBundles: (call: ServerWritableStream<unknown, unknown>) =>
        stream(call, async () => jwtMessage(this.#workload.trustDomain)),
      FetchJWTSVID: (
        { metadata, request }: ServerUnaryCall<JwtSvidRequest, JwtSvidResponse>,
        answer: sendUnaryData<JwtSvidResponse>,
      ) => {
        if (isAllowed(metadata) && request.audience.length > 0)
          this.#jwt(request).then((message) => answer(null, message), answer)
        else answer({ code: status.INVALID_ARGUMENT, details: 'security header or audience missing' })
      },
    })
    return server
  }

  async #x509() {
    const { trustDomain, path } = this.#workload
    const svid = await trustDomain.issueX509Svid({ path, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
    return x509Message([svidMessage(svid, trustDomain)])
  }

  async #jwt({ audience }: JwtSvidRequest): Promise<JwtSvidResponse> {
    const { trustDomain, path } = this.#workload
    this.audiences.push(...audience)
    const svid = await this.#issued.get(trustDomain, path, audience)
    return { svids: [{ spiffe_id: `spiffe://${trustDomain.name}${path}`, svid, hint: '' }] }
  }
}

function stream(call: ServerWritableStream<unknown, unknown>, message: () => Promise<object>): void {
  call.on('error', () => {})
  if (isAllowed(call.metadata))
    message().then(
      (value) => call.write(value),
      (error) => call.emit('error', error),
    )
  else call.emit('error', { code: status.INVALID_ARGUMENT, details: 'security header missing' })
}

/** Exactly the metadata of the standard (SPIFFE Workload Endpoint, section 3). */
function isAllowed(metadata: Metadata): boolean {
  const values = metadata.get('workload.spiffe.io')
  return values.length === 1 && values[0] === 'true'
}
