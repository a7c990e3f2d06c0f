import { once } from 'node:events'
import { connect } from 'node:tls'
import { Server } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { Secret } from '../../../src/core/secret.ts'
import { Listener } from '../../../src/grpc/connections/listener.ts'
import { serverIdentity } from '../../../src/identity/server-identity.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'

test('a listener whose identity was withdrawn completes no handshake, and does again with the next identity', async () => {
  const domain = await createTrustDomain('a.test')
  const { certPem, keyPem } = await domain.issueX509Svid({ path: '/stint', ipAddresses: ['127.0.0.1'] })
  const identity = serverIdentity(certPem, new Secret(keyPem))
  const listener = Listener.bearer({ server: new Server(), identity, clock: systemClock, onRefused: () => undefined })
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0, setting: 'listen.agents' })
  const handshake = async () => {
    const socket = connect({ host: '127.0.0.1', port, ca: domain.rootCertPem, ALPNProtocols: ['h2'] })
    const ended = once(socket, 'secureConnect').then(
      () => 'connected',
      () => 'refused',
    )
    const outcome = await ended
    socket.destroy()
    return outcome
  }
  try {
    expect(await handshake()).toBe('connected')
    listener.setServerIdentity(undefined)
    expect(await handshake()).toBe('refused')
    listener.setServerIdentity(identity)
    expect(await handshake()).toBe('connected')
  } finally {
    await listener.stop(0)
  }
})
