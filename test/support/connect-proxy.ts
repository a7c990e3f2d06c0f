import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** What the proxy does with the next CONNECT requests. */
export type ProxyMood =
  | { readonly kind: 'relay' }
  | { readonly kind: 'refuse'; readonly status: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'garbage' }

/** An HTTP proxy on 127.0.0.1 that relays CONNECT, whatever host is named, to one port of this machine. */
export class ConnectProxy {
  /** `host:port` of each CONNECT request, and its Proxy-Authorization. */
  readonly connects: { readonly target: string; readonly authorization: string | undefined }[] = []
  mood: ProxyMood = { kind: 'relay' }
  readonly #server
  readonly #toPort: number
  readonly #sockets = new Set<Duplex>()

  private constructor(toPort: number, identity: { certPem: string; keyPem: string } | undefined) {
    this.#toPort = toPort
    this.#server = identity ? createTlsServer({ cert: identity.certPem, key: identity.keyPem }) : createServer()
    this.#server.on('connection', (socket: Duplex) => this.#keep(socket))
    this.#server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) =>
      this.#connect(request, client, head),
    )
  }

  /** @param identity the certificate of a proxy that is spoken to over TLS. */
  static async start(toPort: number, identity?: { certPem: string; keyPem: string }): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(toPort, identity)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  #connect(request: IncomingMessage, client: Duplex, head: Buffer): void {
    this.connects.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] })
    const { mood } = this
    if (mood.kind === 'hang') return
    if (mood.kind === 'cut') return void client.destroy()
    if (mood.kind === 'garbage') return void client.end('220 smtp.example.org ready\r\n\r\n')
    if (mood.kind === 'refuse') return void client.end(`HTTP/1.1 ${mood.status} No\r\nContent-Length: 0\r\n\r\n`)
    const upstream = connect(this.#toPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      client.pipe(upstream).pipe(client)
    })
    this.#keep(upstream)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
