import { createPrivateKey, randomUUID } from 'node:crypto'
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
  type JwtBundlesResponse,
  type JwtSvidRequest,
  type JwtSvidResponse,
  WorkloadApiStub,
  type X509SvidMessage,
  type X509SvidResponse,
} from '../../src/identity/workload-api/definition.ts'
import type { PracticeTrustDomain, PracticeX509Svid } from '../../src/practice/stage/pki.ts'
import { JwtSvidCache } from './jwt-svid-cache.ts'

type JwtSvidCall = ServerUnaryCall<JwtSvidRequest, JwtSvidResponse>

/** What the server says now. */
export interface WorkloadApiState {
  /** By SPIFFE ID, who signs the JWT-SVIDs of it and its hint. */
  readonly jwtSvids?: Readonly<Record<string, { readonly from: PracticeTrustDomain; readonly hint?: string }>>
  readonly x509?: X509SvidResponse
  readonly jwt?: JwtBundlesResponse
}

interface OpenStream {
  readonly kind: 'x509' | 'jwt'
  /** What was sent last, as text. */
  sent?: string
}

/**
 * A Workload API as unkind as SPIRE's agent (1.16): on a socket in a folder of its own, it refuses calls without its
 * metadata; sends its state to each new stream; sends the X.509 state to all open ones whenever it is set, the JWT bundles
 * only when they have changed; leaves streams open for ever; sends SVIDs in the order of entry ids, which are random; hands
 * out the same JWT-SVID for half of its life.
 */
export class WorkloadApiServer {
  readonly #folder: string
  readonly #streams = new Map<ServerWritableStream<unknown, unknown>, OpenStream>()
  /** By SPIFFE ID. */
  readonly #entryIds = new Map<string, string>()
  readonly #issued = new JwtSvidCache()
  #held = false
  readonly #sockets = new Set<Socket>()
  #listener: NetServer | undefined
  #state: WorkloadApiState
  #refusal: status | undefined
  /** How many streams were opened, by kind. */
  readonly opened = { x509: 0, jwt: 0 }

  private constructor(folder: string, state: WorkloadApiState) {
    this.#folder = folder
    this.#state = state
  }

  static async start(state: WorkloadApiState = {}): Promise<WorkloadApiServer> {
    const server = new WorkloadApiServer(await mkdtemp(join(tmpdir(), 'stint-wl-')), state)
    await server.listen()
    return server
  }

  /** As SPIFFE_ENDPOINT_SOCKET has it. */
  get address(): string {
    return `unix://${this.#folder}/agent.sock`
  }

  async listen(): Promise<void> {
    const server = new Server({ 'grpc.enable_channelz': 0 })
    server.addService(WorkloadApiStub.service, {
      FetchX509SVID: (call: ServerWritableStream<unknown, unknown>) => this.#open('x509', call),
      FetchJWTBundles: (call: ServerWritableStream<unknown, unknown>) => this.#open('jwt', call),
      FetchJWTSVID: ({ metadata, request }: JwtSvidCall, done: sendUnaryData<JwtSvidResponse>) => {
        const code = isAllowed(metadata) ? this.#refusal : status.INVALID_ARGUMENT
        if (code !== undefined) return done({ code, details: 'told to' })
        this.#jwtSvids(request).then((response) => {
          if (response.svids.length > 0) done(null, response)
          else done({ code: status.PERMISSION_DENIED, details: 'no identity issued' })
        }, done)
      },
    })
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
    const listener = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
      injector.injectConnection(socket)
    })
    listener.listen(this.address.replace('unix://', ''))
    await once(listener, 'listening')
    this.#listener = listener
  }

  /** How many streams are open now. */
  get open(): number {
    return this.#streams.size
  }

  /** The whole state; what is left out is not sent. */
  set(state: WorkloadApiState): void {
    this.#state = state
    this.#sendAll()
  }

  /** Puts the named SVIDs first, in this order: entry ids are random, so any order may come. */
  order(...spiffeIds: readonly string[]): void {
    this.#entryIds.clear()
    for (const [index, id] of spiffeIds.entries()) this.#entryIds.set(id, String(index))
  }

  /** Streams get nothing from now on, as from an agent that waits for its server. */
  hold(): void {
    this.#held = true
  }

  /** Ends `hold`; what is open gets the state of now. */
  release(): void {
    this.#held = false
    this.#sendAll()
  }

  /** Ends every stream, or all of one kind; undefined as code: without an error. */
  end(code?: status, only?: 'x509' | 'jwt'): void {
    for (const [call, { kind }] of this.#streams) {
      if (only !== undefined && kind !== only) continue
      finish(call, code)
      this.#streams.delete(call)
    }
  }

  /** Streams from now on are refused with this code; undefined: served again. */
  refuse(code: status | undefined): void {
    this.#refusal = code
  }

  /** Takes the agent away, as a restart does. */
  down(): void {
    this.#listener?.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#streams.clear()
  }

  async close(): Promise<void> {
    this.down()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #open(kind: 'x509' | 'jwt', call: ServerWritableStream<unknown, unknown>): void {
    call.on('error', () => {})
    this.opened[kind] += 1
    const refusal = isAllowed(call.metadata) ? this.#refusal : status.INVALID_ARGUMENT
    if (refusal === undefined) {
      const stream = { kind }
      this.#streams.set(call, stream)
      call.on('cancelled', () => this.#streams.delete(call))
      this.#send(stream, call)
    } else finish(call, refusal)
  }

  async #jwtSvids({ audience, spiffe_id: wanted }: JwtSvidRequest): Promise<JwtSvidResponse> {
    const offered = Object.entries(this.#state.jwtSvids ?? {}).filter(([id]) => wanted === '' || wanted === id)
    const svids = offered.map(async ([spiffeId, { from, hint = '' }]) => ({
      spiffe_id: spiffeId,
      svid: await this.#issued.get(from, new URL(spiffeId).pathname, audience),
      hint,
    }))
    return { svids: await Promise.all(svids) }
  }

  #sendAll(): void {
    for (const [call, stream] of this.#streams) this.#send(stream, call)
  }

  #send(stream: OpenStream, call: ServerWritableStream<unknown, unknown>): void {
    const { x509, jwt } = this.#state
    const message = stream.kind === 'jwt' ? jwt : x509 && { ...x509, svids: this.#sorted(x509.svids) }
    if (this.#held || !message) return
    const text = JSON.stringify(message)
    if (stream.kind === 'jwt' && text === stream.sent) return
    stream.sent = text
    call.write(message)
  }

  #sorted(svids: readonly X509SvidMessage[]): readonly X509SvidMessage[] {
    const entryId = ({ spiffe_id: id }: X509SvidMessage): string => {
      const known = this.#entryIds.get(id) ?? randomUUID()
      this.#entryIds.set(id, known)
      return known
    }
    return [...svids].sort((a, b) => (entryId(a) < entryId(b) ? -1 : 1))
  }
}

/** Exactly the metadata of the standard (SPIFFE Workload Endpoint, section 3). */
function isAllowed(metadata: Metadata): boolean {
  const values = metadata.get('workload.spiffe.io')
  return values.length === 1 && values[0] === 'true'
}

function finish(call: ServerWritableStream<unknown, unknown>, code: status | undefined): void {
  if (code === undefined) call.end()
  else call.emit('error', { code, details: 'told to' })
}

/** An SVID as a message has it. */
export function svidMessage(
  { spiffeId, chain, keyPem }: PracticeX509Svid,
  domain: PracticeTrustDomain,
  hint = '',
): X509SvidMessage {
  return {
    spiffe_id: spiffeId,
    x509_svid: Buffer.concat(chain),
    x509_svid_key: createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' }),
    bundle: rootsOf(domain),
    hint,
  }
}

/** A message of FetchX509SVID. */
export function x509Message(
  svids: readonly X509SvidMessage[],
  federated: readonly PracticeTrustDomain[] = [],
): X509SvidResponse {
  const bundles = federated.map((domain) => [`spiffe://${domain.name}`, rootsOf(domain)])
  return { svids, crl: [], federated_bundles: Object.fromEntries(bundles) as Record<string, Uint8Array> }
}

/** A message of FetchJWTBundles, with keys as SPIRE sends them: without `use`. */
export function jwtMessage(...domains: readonly PracticeTrustDomain[]): JwtBundlesResponse {
  const bundles = domains.map(({ name, bundleJson }) => {
    const { keys } = JSON.parse(bundleJson()) as { keys: { use: string }[] }
    const plain = keys.filter(({ use }) => use === 'jwt-svid').map(({ use: _use, ...key }) => key)
    return [`spiffe://${name}`, Buffer.from(JSON.stringify({ keys: plain }))]
  })
  return { bundles: Object.fromEntries(bundles) as Record<string, Uint8Array> }
}

/** The roots of a domain as concatenated DER. */
export function rootsOf(...domains: readonly PracticeTrustDomain[]): Buffer {
  return Buffer.concat(domains.map(({ root }) => Buffer.from(root.certificate.rawData)))
}
