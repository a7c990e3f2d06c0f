import type { Socket } from 'node:net'
import { type CallCredentials, ChannelCredentials } from '@grpc/grpc-js'

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>

/**
 * Channel credentials whose connections can be told not to keep the process alive: a program that has done its work should
 * exit although the watch of its grant is still open. grpc-js has no such switch.
 */
export class BackgroundCredentials extends ChannelCredentials {
  readonly #inner: ChannelCredentials
  readonly #sockets = new Set<Socket>()

  constructor(inner: ChannelCredentials) {
    super()
    this.#inner = inner
  }

  /** Call it once a stream is open: grpc-js takes its hold when a connection's first stream starts. */
  release(): void {
    for (const socket of this.#sockets) socket.unref()
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure()
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this
  }

  override _createSecureConnector(
    target: Parameters<ChannelCredentials['_createSecureConnector']>[0],
    options: Parameters<ChannelCredentials['_createSecureConnector']>[1],
    callCredentials?: CallCredentials,
  ): Connector {
    const inner = this.#inner._createSecureConnector(target, options, callCredentials)
    return {
      connect: async (socket) => {
        const connected = await inner.connect(socket)
        this.#sockets.add(connected.socket)
        connected.socket.once('close', () => this.#sockets.delete(connected.socket))
        return connected
      },
      waitForReady: () => inner.waitForReady(),
      getCallCredentials: () => inner.getCallCredentials(),
      destroy: () => inner.destroy(),
    }
  }
}
