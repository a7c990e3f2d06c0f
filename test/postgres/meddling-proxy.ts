import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** How a proxy meddles with the connection that next sends a text. */
export interface Meddling {
  /** Bytes of the client that begin it. */
  readonly when: string
  /**
   * `cut`: before they reach the server. `halve`: only what comes before them reaches it. `swallow`: they are answered with a
   * COMMIT, and the answer does not reach the client. `hold`: they reach the server after `release`.
   */
  readonly how: 'cut' | 'halve' | 'swallow' | 'hold'
}

/** The server's word that a transaction is committed. */
const COMMITTED = 'COMMIT\0'

/** A TCP proxy on loopback between a ledger and its database that can be a bad network. */
export class MeddlingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: number
  #meddling: Meddling | undefined
  #held: (() => void)[] = []
  #isSilent = false
  #isRefusing = false
  /** How often it has meddled. */
  count = 0

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((client) => this.#pass(client))
  }

  static async before(target: number): Promise<MeddlingProxy> {
    const proxy = new MeddlingProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends of connections that are open. */
  get openEnds(): number {
    return this.#sockets.size
  }

  /** Meddles once with the next connection that sends this. */
  meddle(meddling: Meddling): void {
    this.#meddling = meddling
  }

  /** Lets go of what is held. */
  release(): void {
    for (const go of this.#held.splice(0)) go()
  }

  /** Nothing passes any more, in either direction, and nothing is closed: packets are lost. */
  silence(isSilent = true): void {
    this.#isSilent = isSilent
  }

  /** Every connection is cut, and every new one too. */
  refuse(): void {
    this.#isRefusing = true
    this.cutAll()
  }

  /** Everything passes again. What was lost stays lost, so whoever still has a connection has to make a new one. */
  restore(): void {
    this.#isRefusing = false
    this.#isSilent = false
    this.cutAll()
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cutAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #pass(client: Socket): void {
    if (this.#isRefusing) {
      client.destroy()
      return
    }
    const server = connect(this.#target, '127.0.0.1')
    const both = [client, server]
    let chosen: Meddling | undefined
    for (const socket of both) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        // What is held is delivered although the client has given up.
        if (chosen?.how !== 'hold') for (const other of both) other.destroy()
      })
    }
    client.on('data', (bytes) => {
      if (this.#isSilent) return
      const at = this.#meddling ? bytes.indexOf(this.#meddling.when) : -1
      if (at < 0) return void server.write(bytes)
      chosen = this.#meddling
      this.#meddling = undefined
      this.count += 1
      if (chosen?.how === 'swallow') server.write(bytes)
      else if (chosen?.how === 'hold') this.#held.push(() => server.write(bytes))
      else if (chosen?.how === 'halve') server.end(bytes.subarray(0, at), () => client.destroy())
      else client.destroy()
    })
    server.on('data', (bytes) => {
      if (this.#isSilent || chosen?.how === 'hold') return
      if (chosen?.how !== 'swallow') return void client.write(bytes)
      if (bytes.includes(COMMITTED)) client.destroy()
    })
  }
}
