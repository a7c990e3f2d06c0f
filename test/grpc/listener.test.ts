import type { webcrypto } from 'node:crypto'
import { constants } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectTcp } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import type { Client, MethodDefinition, ServerUnaryCall, ServiceError, sendUnaryData } from '@grpc/grpc-js'
import { credentials, Metadata, makeGenericClientConstructor, Server, status } from '@grpc/grpc-js'
import type { Extension } from '@peculiar/x509'
import { afterEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { asStintError } from '../../src/core/errors.ts'
import { randomIds } from '../../src/core/ids.ts'
import type { RefusedConnection } from '../../src/core/net/guarded-listener.ts'
import { Secret } from '../../src/core/secret.ts'
import { CallConnections } from '../../src/grpc/connections/call-connections.ts'
import { findConnection } from '../../src/grpc/connections/find-connection.ts'
import type { ListenerLimits } from '../../src/grpc/connections/listener.ts'
import { Listener } from '../../src/grpc/connections/listener.ts'
import { GRPC_SERVER_OPTIONS } from '../../src/grpc/server-options.ts'
import { Authenticator } from '../../src/identity/authenticator.ts'
import type { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../src/identity/bundle/trust-bundle.ts'
import type { CallConnection } from '../../src/identity/caller-identity.ts'
import { createJwtSvidVerifier } from '../../src/identity/jwt/jwt-svid.ts'
import { serverIdentity } from '../../src/identity/server-identity.ts'
import { generateKeys, makeCertificate, type Signer } from '../../src/practice/stage/certificates.ts'
import type { PracticeTrustDomain, PracticeX509Svid } from '../../src/practice/stage/pki.ts'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { bundleOfRoots, leafExtensions, rsaKeys, signerExtensions, storeOf } from '../support/pki.ts'
import { until } from '../support/settle.ts'

const AUDIENCE = 'spiffe://a.test/stint'
const open: (() => unknown)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

describe('a listener with client certificates', () => {
  test('hands a call to the handler with the identity of its certificate', async () => {
    const at = await start()
    expect(await whoami(at, await at.a.issueX509Svid({ path: '/x' }))).toBe('spiffe://a.test/x by x509-svid')
  })

  test('keeps the callers of many connections apart', async () => {
    const at = await start()
    const svids = await Promise.all([1, 2, 3, 4, 5].map((n) => at.a.issueX509Svid({ path: `/x${n}` })))
    const clients = svids.map((svid) => client(at, svid))
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(clients.map((each) => call(each)))
      expect(answers).toEqual(svids.map((svid) => `${svid.spiffeId} by x509-svid`))
    }
  })

  test('accepts a leaf under an intermediate', async () => {
    const at = await start({ intermediate: true })
    expect(await whoami(at, await at.a.issueX509Svid({ path: '/x' }))).toBe('spiffe://a.test/x by x509-svid')
  })

  for (const { name, keys } of [
    { name: 'P-256', keys: () => generateKeys() },
    { name: 'RSA-4096', keys: () => rsaKeys(4096, 'SHA-256') },
  ]) {
    test(`X1 accepts a leaf under two intermediates and an upstream root, ${name}`, async () => {
      const at = await start()
      const { root, svid } = await upstreamChain(await keys())
      at.bundles.remove('a.test')
      at.bundles.replace('a.test', parseSpiffeBundle('a.test', bundleOfRoots(root)).bundle)
      expect(await whoami(at, svid)).toBe('spiffe://a.test/x by x509-svid')
    })
  }

  test('X45 refuses a good leaf among a hundred certificates that have nothing to do with it', async () => {
    const at = await start()
    const svid = await at.a.issueX509Svid({ path: '/x' })
    const stranger = await createTrustDomain('c.test')
    const extra = await Promise.all(Array.from({ length: 100 }, (_, n) => stranger.issueX509Svid({ path: `/${n}` })))
    const crowd = { ...svid, certPem: [svid, ...extra].map(({ certPem }) => certPem).join('') }
    await expect(whoami(at, crowd)).rejects.toMatchObject({
      code: expect.toBeOneOf([status.PERMISSION_DENIED, status.UNAVAILABLE]),
    })
    expect(at.refusals[0]?.error).toMatchObject({ code: 'SVID_INVALID', details: { check: 'handshake-size' } })
    expect(at.calls).toBe(0)
    expect(await whoami(at, svid)).toBe('spiffe://a.test/x by x509-svid')
  })

  test('refuses a handshake that is too large by less than a record, when no record comes', async () => {
    const at = await start()
    const svid = await at.a.issueX509Svid({ path: '/x' })
    const stranger = await createTrustDomain('c.test')
    const extra = await Promise.all(Array.from({ length: 45 }, (_, n) => stranger.issueX509Svid({ path: `/${n}` })))
    const socket = tlsClient(at, { ...svid, certPem: [svid, ...extra].map(({ certPem }) => certPem).join('') })
    await once(socket, 'secureConnect')
    expect(socket.bytesWritten).toBe(0)
    await until(() => at.refusals.length > 0)
    expect(at.refusals[0]?.error).toMatchObject({ code: 'SVID_INVALID', details: { check: 'handshake-size' } })
  })

  // What a busy broker finds when it reads first: Node reads 64 KiB at a time, and a TLS record has up to 16.
  for (const size of [24, 40, 60, 62, 100, 190]) {
    test(`serves a client that sends ${size} KB in one breath with the end of its handshake`, async () => {
      const at = await start()
      const socket = tlsClient(at, await at.a.issueX509Svid({ path: '/x' }))
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
      const acknowledged = Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0])
      // Frames of an unknown type have to be ignored (RFC 9113, section 4.1).
      const unknown = Buffer.concat([Buffer.from([0, 0x03, 0xf7, 0x20, 0, 0, 0, 0, 0]), Buffer.alloc(1_015)])
      const breath = [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, ...Array(size).fill(unknown)]
      let answer = Buffer.alloc(0)
      socket.on('data', (data: Buffer) => (answer = Buffer.concat([answer, data])))
      await once(socket, 'secureConnect')
      socket.write(Buffer.concat(breath))
      await until(() => answer.includes(acknowledged) || at.refusals.length > 0)
      expect(at.refusals).toEqual([])
    })
  }

  test('X7 refuses an ID that the CA of another known trust domain has signed', async () => {
    const at = await start()
    await expect(whoami(at, await forgedBy(at.b, 'spiffe://a.test/x'))).rejects.toMatchObject({
      code: expect.toBeOneOf([status.PERMISSION_DENIED, status.UNAVAILABLE]),
    })
    expect(at.refusals[0]?.error.code).toBe('SVID_INVALID')
    expect(at.refusals[0]?.error.details.check).not.toBe('handshake')
    expect(at.calls).toBe(0)
  })

  test('X7 refuses a stranger in the handshake', async () => {
    const at = await start()
    const stranger = await createTrustDomain('a.test')
    await expect(whoami(at, await stranger.issueX509Svid({ path: '/x' }))).rejects.toMatchObject({
      code: expect.toBeOneOf([status.PERMISSION_DENIED, status.UNAVAILABLE]),
    })
    expect(at.refusals[0]?.error.details.check).toBe('handshake')
    expect(at.refusals[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('X47 refuses the next call on an open connection once its CA is gone, and serves the others', async () => {
    const at = await start()
    const [mine, other] = [
      client(at, await at.a.issueX509Svid({ path: '/x' })),
      client(at, await at.b.issueX509Svid({ path: '/y' })),
    ]
    expect([await call(mine), await call(other)]).toHaveLength(2)
    const rolled = await createTrustDomain('a.test')
    at.bundles.replace('a.test', parseSpiffeBundle('a.test', rolled.bundleJson({ sequence: 2 })).bundle)
    await expect(call(mine)).rejects.toMatchObject({ code: status.UNAUTHENTICATED, details: 'SVID_INVALID' })
    await expect(call(mine)).rejects.toMatchObject({ details: 'SVID_INVALID' })
    expect(await call(other)).toBe('spiffe://b.test/y by x509-svid')
    expect(await whoami(at, await rolled.issueX509Svid({ path: '/z' }))).toBe('spiffe://a.test/z by x509-svid')
    at.bundles.remove('a.test')
    await expect(call(mine)).rejects.toMatchObject({ details: 'TRUST_DOMAIN_UNKNOWN' })
  })

  test('X48 refuses the next call on an open connection once its SVID has ended', async () => {
    const at = await start()
    const mine = client(at, await at.a.issueX509Svid({ path: '/x', ttlMs: 60_000 }))
    expect(await call(mine)).toBe('spiffe://a.test/x by x509-svid')
    at.clock.jump(61_000)
    await expect(call(mine)).rejects.toMatchObject({ code: status.UNAUTHENTICATED, details: 'SVID_EXPIRED' })
    at.clock.jump(-61_000 - 3_600_000)
    await expect(call(mine)).rejects.toMatchObject({ details: 'SVID_EXPIRED' })
  })

  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    test(`S1 resumes no session (${version} client)`, async () => {
      const at = await start()
      const svid = await at.a.issueX509Svid({ path: '/x' })
      const sessions: Buffer[] = []
      const first = tlsClient(at, svid, { maxVersion: version, minVersion: version })
      first.on('session', (session) => sessions.push(session))
      if (version === 'TLSv1.2') return expect(await ended(first)).not.toBe('h2')
      first.on('secureConnect', () => first.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'))
      await once(first, 'data')
      for (const session of sessions) {
        const again = tlsClient(at, svid, { session })
        await once(again, 'secureConnect')
        expect(again.isSessionReused()).toBe(false)
        again.destroy()
      }
      first.destroy()
    })
  }

  test('S4 refuses TLS 1.2 also after bundles and certificate have changed', async () => {
    const at = await start()
    const svid = await at.a.issueX509Svid({ path: '/x' })
    const fresh = await at.a.issueX509Svid({ path: '/stint', dnsNames: ['localhost'] })
    at.bundles.replace('a.test', parseSpiffeBundle('a.test', at.a.bundleJson({ sequence: 2 })).bundle)
    at.listener.setServerIdentity(serverIdentity(fresh.certPem, new Secret(fresh.keyPem)))
    const old = tlsClient(at, svid, { maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' })
    expect(await ended(old)).not.toBe('h2')
    const current = tlsClient(at, svid)
    await once(current, 'secureConnect')
    expect(current.getProtocol()).toBe('TLSv1.3')
    expect(current.getPeerX509Certificate()?.raw).toEqual(Buffer.from(fresh.chain[0] ?? []))
    current.destroy()
  })

  test('S5 refuses a client without a certificate', async () => {
    const at = await start()
    await expect(call(client(at))).rejects.toMatchObject({
      code: expect.toBeOneOf([status.PERMISSION_DENIED, status.UNAVAILABLE]),
    })
    expect(at.calls).toBe(0)
  })

  for (const protocols of [[], ['http/1.1']]) {
    test(`S6 refuses a client that offers ${protocols[0] ?? 'no'} ALPN protocol`, async () => {
      const at = await start()
      const socket = tlsClient(at, await at.a.issueX509Svid({ path: '/x' }), { ALPNProtocols: protocols })
      await ended(socket)
      await vanished(at)
      expect(at.refusals).toHaveLength(1)
    })
  }

  test('refuses everyone while no root is trusted', async () => {
    const at = await start()
    at.bundles.remove('a.test')
    at.bundles.remove('b.test')
    await expect(whoami(at, await at.a.issueX509Svid({ path: '/x' }))).rejects.toMatchObject({
      code: expect.toBeOneOf([status.PERMISSION_DENIED, status.UNAVAILABLE]),
    })
  })

  test('keeps open connections through a change of the server certificate', async () => {
    const at = await start()
    const mine = client(at, await at.a.issueX509Svid({ path: '/x' }))
    await call(mine)
    const fresh = await at.a.issueX509Svid({ path: '/stint', dnsNames: ['localhost'] })
    at.listener.setServerIdentity(serverIdentity(fresh.certPem, new Secret(fresh.keyPem)))
    const connections = at.seen.size
    expect(await call(mine)).toBe('spiffe://a.test/x by x509-svid')
    expect(at.seen.size).toBe(connections)
  })

  test('turns away who sends nothing after the handshake', async () => {
    const at = await start({ limits: { firstByteTimeoutMs: 50 } })
    await ended(tlsClient(at, await at.a.issueX509Svid({ path: '/x' })))
    expect(at.refusals.map(({ error }) => error.details.check)).toEqual(['first-byte'])
  })

  test('turns away who begins no handshake', async () => {
    const at = await start({ limits: { handshakeTimeoutMs: 50 } })
    const mute = connectTcp(at.port, '127.0.0.1').on('error', () => undefined)
    open.push(() => mute.destroy())
    await closed(mute)
    expect(at.refusals.map(({ error }) => error.details.check)).toEqual(['handshake'])
  })

  test('leaves a client alone that has begun to talk', async () => {
    const at = await start({ limits: { firstByteTimeoutMs: 1 } })
    const mine = client(at, await at.a.issueX509Svid({ path: '/x' }))
    await call(mine)
    await call(mine)
    expect(at.seen.size).toBe(1)
  })

  test('takes no more connections than it may', async () => {
    const at = await start({ limits: { maxConnections: 1 } })
    await call(client(at, await at.a.issueX509Svid({ path: '/x' })))
    const second = tlsClient(at, await at.a.issueX509Svid({ path: '/y' }))
    await ended(second)
    expect(at.refusals[0]?.error.code).toBe('RATE_LIMITED')
  })

  test('survives garbage, and an observer that throws', async () => {
    const at = await start({ observerThrows: true })
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\0']) {
      const socket = connectTcp(at.port, '127.0.0.1').on('error', () => undefined)
      await once(socket, 'connect')
      socket.end(bytes, 'latin1')
      socket.resume()
      await closed(socket)
    }
    const odd = tlsClient(at, await at.a.issueX509Svid({ path: '/x' }))
    await once(odd, 'secureConnect')
    odd.end('not http2 at all, and quite a bit longer than the preface')
    await ended(odd)
    expect(await whoami(at, await at.a.issueX509Svid({ path: '/x' }))).toBe('spiffe://a.test/x by x509-svid')
  })

  test('says when its port is taken', async () => {
    const [one, two] = [await start(), await start()]
    await two.listener.stop(0)
    const taken = { host: '127.0.0.1', port: one.port, setting: 'listen.agents' }
    await expect(two.listener.listen(taken)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: { field: 'listen.agents' },
      message: expect.stringContaining(`127.0.0.1:${one.port}`),
    })
    expect(two.refusals).toEqual([])
  })

  test('stops: no new connection, and what hangs is cut off', async () => {
    const at = await start()
    const svid = await at.a.issueX509Svid({ path: '/x' })
    await call(client(at, svid))
    const hanging = connectTcp(at.port, '127.0.0.1').on('error', () => undefined)
    await once(hanging, 'connect')
    const stopped = at.listener.stop(20)
    await closed(hanging)
    await at.clock.advance(20)
    await stopped
    await expect(whoami(at, svid)).rejects.toMatchObject({
      code: expect.toBeOneOf([status.PERMISSION_DENIED, status.UNAVAILABLE]),
    })
  })
})

describe('a certificate and a token together', () => {
  for (const { name, path, authorization, answer } of [
    {
      name: 'agree',
      path: '/x',
      authorization: (token: string) => [`Bearer ${token}`],
      answer: 'spiffe://a.test/x by x509-svid+jwt-svid',
    },
    {
      name: 'name different agents',
      path: '/y',
      authorization: (token: string) => [`Bearer ${token}`],
      answer: 'IDENTITY_MISMATCH',
    },
    {
      name: 'with a broken token',
      path: '/x',
      authorization: (token: string) => [`Bearer ${token}x`],
      answer: 'TOKEN_INVALID',
    },
    {
      name: 'with another scheme',
      path: '/x',
      authorization: (token: string) => [`Basic ${token}`],
      answer: 'TOKEN_INVALID',
    },
  ]) {
    test(`give one answer when they ${name}`, async () => {
      const at = await start()
      const token = await at.a.issueJwtSvid({ path, audience: AUDIENCE })
      const mine = client(at, await at.a.issueX509Svid({ path: '/x' }))
      const result = await call(mine, authorization(token)).catch((error: ServiceError) => error.details)
      expect(result).toBe(answer)
    })
  }
})

describe('a listener for bearer tokens', () => {
  test('asks for no certificate and serves a token, but not silence', async () => {
    const at = await start({ bearer: true })
    const token = await at.a.issueJwtSvid({ path: '/x', audience: AUDIENCE })
    expect(await call(client(at), [`Bearer ${token}`])).toBe('spiffe://a.test/x by jwt-svid')
    await expect(call(client(at))).rejects.toMatchObject({ details: 'IDENTITY_REQUIRED' })
  })

  test('tells the connections of tokens apart, and that one has closed', async () => {
    const at = await start({ bearer: true })
    const token = `Bearer ${await at.a.issueJwtSvid({ path: '/x', audience: AUDIENCE })}`
    const [one, two] = [client(at), client(at)]
    for (const each of [one, two, one]) await call(each, [token])
    expect(at.tokenConnections.size).toBe(2)
    const [first, second] = at.tokenConnections
    expect(first?.id).toMatch(/^con_/)
    expect(first?.closed.aborted).toBe(false)
    one.close()
    await until(() => first?.closed.aborted === true)
    expect(second?.closed.aborted).toBe(false)
  })

  test('takes no identity from a certificate that nobody has asked for', async () => {
    const at = await start({ bearer: true })
    await expect(whoami(at, await at.a.issueX509Svid({ path: '/x' }))).rejects.toMatchObject({
      details: 'IDENTITY_REQUIRED',
    })
  })
})

interface Running {
  readonly a: PracticeTrustDomain
  readonly b: PracticeTrustDomain
  readonly bundles: BundleStore
  readonly clock: ManualClock
  readonly listener: Listener
  readonly port: number
  readonly refusals: RefusedConnection[]
  readonly seen: Set<unknown>
  /** Of calls that rest on a bearer token alone. */
  readonly tokenConnections: Set<CallConnection>
  calls: number
}

const METHOD: MethodDefinition<string, string> = {
  path: '/test.Test/WhoAmI',
  requestStream: false,
  responseStream: false,
  requestSerialize: (text) => Buffer.from(text),
  requestDeserialize: (bytes) => bytes.toString(),
  responseSerialize: (text) => Buffer.from(text),
  responseDeserialize: (bytes) => bytes.toString(),
}

interface StartOptions {
  readonly limits?: Partial<ListenerLimits>
  readonly bearer?: boolean
  readonly intermediate?: boolean
  readonly observerThrows?: boolean
}

/** A real gRPC server behind a real listener; OpenSSL reads the machine's clock, so the clock starts there. */
async function start({
  limits = {},
  bearer = false,
  intermediate = false,
  observerThrows = false,
}: StartOptions = {}): Promise<Running> {
  const [a, b] = await Promise.all([createTrustDomain('a.test', { intermediate }), createTrustDomain('b.test')])
  const own = await a.issueX509Svid({ path: '/stint', dnsNames: ['localhost'] })
  const bundles = storeOf(a, b)
  const clock = new ManualClock(new Date().toISOString())
  const refusals: RefusedConnection[] = []
  const server = new Server(GRPC_SERVER_OPTIONS)
  const options = {
    server,
    identity: serverIdentity(own.certPem, new Secret(own.keyPem)),
    clock,
    limits,
    onRefused: (refusal: RefusedConnection) => {
      refusals.push(refusal)
      if (observerThrows) throw new Error('observer')
    },
  }
  const bearers = new CallConnections({ ids: randomIds, clock })
  const onTaken = (socket: Socket) => bearers.add(socket)
  const listener = bearer ? Listener.bearer({ ...options, onTaken }) : Listener.mutual({ ...options, bundles })
  const tokens = createJwtSvidVerifier({ audience: AUDIENCE })
  const authenticator = new Authenticator({ bundles, tokens: () => tokens, bearerAlone: bearer })
  const running = {
    a,
    b,
    bundles,
    clock,
    listener,
    refusals,
    seen: new Set<unknown>(),
    tokenConnections: new Set<CallConnection>(),
    calls: 0,
  }
  server.addService(
    { WhoAmI: METHOD },
    {
      WhoAmI: (request: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => {
        running.calls += 1
        const connection = findConnection(request)
        running.seen.add(connection)
        const via = bearers.of(request.getPeer())
        authenticator
          .authenticate({ connection, via, authorization: request.metadata.get('authorization') }, clock.now())
          .then(({ subject, authMethod, token }) => {
            if (token) running.tokenConnections.add(token.connection)
            done(null, `${subject} by ${authMethod}`)
          })
          .catch((error: unknown) => done(unauthenticated(asStintError(error))))
      },
    },
  )
  const { port }: AddressInfo = await listener.listen({ host: '127.0.0.1', port: 0, setting: 'listen.agents' })
  open.push(
    () => server.forceShutdown(),
    () => listener.stop(0),
  )
  return Object.assign(running, { port })
}

function unauthenticated(error: StintError): Partial<ServiceError> {
  return { code: status.UNAUTHENTICATED, details: error.code }
}

function client(at: Running, svid?: PracticeX509Svid): Client {
  const roots = Buffer.from(at.a.rootCertPem)
  const channel = svid
    ? credentials.createSsl(roots, Buffer.from(svid.keyPem), Buffer.from(svid.certPem))
    : credentials.createSsl(roots)
  const Constructor = makeGenericClientConstructor({ WhoAmI: METHOD }, 'Test')
  const made = new Constructor(`127.0.0.1:${at.port}`, channel, {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.use_local_subchannel_pool': 1,
  })
  open.push(() => made.close())
  return made
}

function call(from: Client, authorization: readonly string[] = []): Promise<string | undefined> {
  const metadata = new Metadata()
  for (const value of authorization) metadata.add('authorization', value)
  return new Promise((resolve, reject) => {
    from.makeUnaryRequest(
      METHOD.path,
      METHOD.requestSerialize,
      METHOD.responseDeserialize,
      'who am I',
      metadata,
      { deadline: Date.now() + 10_000 },
      (error, answer) => (error ? reject(error) : resolve(answer)),
    )
  })
}

function whoami(at: Running, svid: PracticeX509Svid): Promise<string | undefined> {
  return call(client(at, svid))
}

function tlsClient(at: Running, svid: PracticeX509Svid, more: ConnectionOptions = {}): TLSSocket {
  const socket = connect({
    host: '127.0.0.1',
    port: at.port,
    servername: 'localhost',
    ca: at.a.rootCertPem,
    cert: svid.certPem,
    key: svid.keyPem,
    ALPNProtocols: ['h2'],
    secureOptions: constants.SSL_OP_NO_COMPRESSION,
    ...more,
  })
  socket.on('error', () => undefined)
  socket.on('data', () => undefined)
  open.push(() => socket.destroy())
  return socket
}

/** The ALPN protocol that was agreed on before the connection ended, if any. */
async function ended(socket: TLSSocket): Promise<string | false | null> {
  let protocol: string | false | null = null
  socket.on('secureConnect', () => {
    protocol = socket.alpnProtocol
  })
  await closed(socket)
  return protocol
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Waits until the listener has told of a refusal. */
async function vanished(at: Running): Promise<void> {
  while (at.refusals.length === 0) await new Promise((resolve) => setImmediate(resolve))
}

/** A leaf of a.test under two intermediates; all keys are the same, which nothing here minds. */
async function upstreamChain(keys: webcrypto.CryptoKeyPair): Promise<{ root: Signer; svid: PracticeX509Svid }> {
  const validity = { notBefore: new Date(Date.now() - 10_000), notAfter: new Date(Date.now() + 60_000) }
  const make = async (subject: string, extensions: Extension[], issuer?: Signer): Promise<Signer> => {
    const order = { subject, keys, ...validity, extensions, signingAlgorithm: signingAlgorithmOf(keys) }
    return { keys, certificate: await makeCertificate(issuer ? { ...order, issuer } : order) }
  }
  const root = await make('CN=upstream root', signerExtensions())
  const first = await make('CN=first intermediate', signerExtensions(), root)
  const second = await make('CN=second intermediate', signerExtensions(), first)
  const leaf = await make('CN=leaf', leafExtensions('spiffe://a.test/x'), second)
  const sent = [leaf, second, first]
  return {
    root,
    svid: {
      spiffeId: 'spiffe://a.test/x',
      certPem: sent.map(({ certificate }) => `${certificate.toString('pem')}\n`).join(''),
      keyPem: await privateKeyPem(keys),
      chain: sent.map(({ certificate }) => new Uint8Array(certificate.rawData)),
    },
  }
}

function signingAlgorithmOf({ publicKey }: webcrypto.CryptoKeyPair): webcrypto.Algorithm & { hash?: string } {
  return publicKey.algorithm.name === 'ECDSA' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: publicKey.algorithm.name }
}

async function privateKeyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
}

async function forgedBy(domain: PracticeTrustDomain, uri: string): Promise<PracticeX509Svid> {
  const keys = await generateKeys()
  const certificate = await makeCertificate({
    issuer: domain.root,
    subject: 'CN=forged',
    keys,
    notBefore: new Date(Date.now() - 10_000),
    notAfter: new Date(Date.now() + 60_000),
    extensions: leafExtensions(uri),
  })
  const keyPem = await privateKeyPem(keys)
  return { spiffeId: uri, certPem: certificate.toString('pem'), keyPem, chain: [new Uint8Array(certificate.rawData)] }
}
