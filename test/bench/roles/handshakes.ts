import { connect } from 'node:tls'
import { serveRole } from '../pinned-process.ts'

/** The client's side of handshakes, one after the other, each on a new connection and none resumed. */
export async function runHandshakes(): Promise<void> {
  serveRole({
    shake: async ({ count, ...peer }: { count: number; port: number; ca: string; cert: string; key: string }) => {
      for (let n = 0; n < count; n += 1) await shake(peer)
    },
  })
}

function shake(peer: { port: number; ca: string; cert: string; key: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', ...peer })
    socket.once('error', reject).once('close', () => resolve())
    socket.once('secureConnect', () => {
      if (!socket.authorized || socket.getProtocol() !== 'TLSv1.3')
        reject(new Error('no TLS 1.3 handshake of both sides'))
    })
    socket.on('end', () => socket.end()).resume()
  })
}
