import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

export interface TestHttpsServer {
  readonly port: number
  /** How many requests came. */
  requests(): number
  /** The pair for connections from now on. */
  setIdentity(identity: { certPem: string; keyPem: string }): void
  close(): Promise<void>
}

/** An HTTPS server on 127.0.0.1 that shows this certificate and answers as told. */
export async function startHttpsServer(
  { certPem, keyPem }: { certPem: string; keyPem: string },
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestHttpsServer> {
  let requests = 0
  const sockets = new Set<Duplex>()
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    requests += 1
    answer(request, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    setIdentity: (next) => server.setSecureContext({ cert: next.certPem, key: next.keyPem }),
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
