import { connect, type Socket } from 'node:net'

/** The first bytes of a TLS record with a ClientHello that never goes on. @see RFC 8446, section 5.1 */
export const HALF_CLIENT_HELLO = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])
/** What a plain port gets instead: a request, or an HTTP/2 preface, that stops in the middle. */
const HALF_PREFACE = Buffer.from('PRI * HT')

export interface HeldConnection {
  readonly name: string
  /** Resolves when the far side has the connection and what was sent. */
  open(port: number, options: { tls: boolean }): Promise<Socket>
}

/** What a far side can do with a TCP connection without getting anywhere. */
export const HELD_CONNECTIONS: readonly HeldConnection[] = [
  { name: 'silent', open: (port) => connected(port) },
  {
    name: 'half-sent',
    open: async (port, { tls }) => {
      const socket = await connected(port)
      await new Promise((resolve) => socket.write(tls ? HALF_CLIENT_HELLO : HALF_PREFACE, resolve))
      return socket
    },
  },
  {
    name: 'reset',
    open: async (port, { tls }) => {
      const socket = await connected(port)
      await new Promise((resolve) => socket.write(tls ? HALF_CLIENT_HELLO : HALF_PREFACE, resolve))
      return socket.resetAndDestroy()
    },
  },
  {
    name: 'half-closed',
    open: async (port) => {
      const socket = await connected(port)
      await new Promise<void>((resolve) => socket.end(resolve))
      return socket
    },
  },
  {
    name: 'half-closed after half a message',
    open: async (port, { tls }) => {
      const socket = await connected(port)
      await new Promise<void>((resolve) => socket.end(tls ? HALF_CLIENT_HELLO : HALF_PREFACE, resolve))
      return socket
    },
  },
]

function connected(port: number): Promise<Socket> {
  // A far side that keeps its own half open, whatever ours does.
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  socket.resume()
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}
