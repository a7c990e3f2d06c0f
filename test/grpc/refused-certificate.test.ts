import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { Server } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readFarewell } from '../../src/contract/farewell.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { RefusedConnection } from '../../src/core/net/guarded-listener.ts'
import { Secret } from '../../src/core/secret.ts'
import { refusal } from '../../src/grpc/broker-server.ts'
import { Listener } from '../../src/grpc/connections/listener.ts'
import { GRPC_SERVER_OPTIONS } from '../../src/grpc/server-options.ts'
import type { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { serverIdentity } from '../../src/identity/server-identity.ts'
import { createTrustDomain, type PracticeTrustDomain, type PracticeX509Svid } from '../../src/practice/stage/pki.ts'
import { StintClient } from '../../src/sdk/index.ts'
import { storeOf } from '../support/pki.ts'

const GRANT_ID = 'grt_01981b7e5c7a7c3ea5d3b5a1c2d3e4f5'
const open: (() => unknown)[] = []
let domain: PracticeTrustDomain
let bundles: BundleStore
let refusals: RefusedConnection[]
let port = 0

beforeEach(async () => {
  domain = await createTrustDomain('a.test')
  bundles = storeOf(domain)
  refusals = []
  const own = await domain.issueX509Svid({ path: '/stint', dnsNames: ['localhost'] })
  const server = new Server(GRPC_SERVER_OPTIONS)
  const listener = Listener.mutual({
    server,
    identity: serverIdentity(own.certPem, new Secret(own.keyPem)),
    clock: systemClock,
    bundles,
    onRefused: (refused) => refusals.push(refused),
  })
  ;({ port } = await listener.listen({ host: '127.0.0.1', port: 0, setting: 'listen.agents' }))
  open.push(
    () => server.forceShutdown(),
    () => listener.stop(0),
  )
})

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const HOUR_MS = 3_600_000

for (const { name, code, svid, shown } of [
  {
    name: 'an agent of an untrusted domain',
    code: 'TRUST_DOMAIN_UNKNOWN',
    svid: async () => (await createTrustDomain('b.test')).issueX509Svid({ path: '/x' }),
    shown: 'b.test',
  },
  {
    name: 'an agent under a root that its domain does not have',
    code: 'SVID_INVALID',
    svid: async () => (await createTrustDomain('a.test')).issueX509Svid({ path: '/x' }),
    shown: 'a.test',
  },
  {
    name: 'an agent whose SVID is over',
    code: 'SVID_EXPIRED',
    svid: () => domain.issueX509Svid({ path: '/x', now: new Date(Date.now() - 2 * HOUR_MS), ttlMs: HOUR_MS }),
    shown: 'a.test',
  },
] as const) {
  describe(name, () => {
    test('is told so by the SDK, and not to try again', async () => {
      const client = await sdk(await svid())
      await expect(client.getGrant(GRANT_ID, { deadlineMs: 60_000 })).rejects.toMatchObject({ code, retryable: false })
    })

    test('is on record with what it has shown', async () => {
      const identity = await svid()
      expect(await raw(identity)).toBe(code)
      const shownFingerprint = createHash('sha256')
        .update(identity.chain[0] ?? new Uint8Array())
        .digest('hex')
      const [event] = refusals.map(({ error, peer }) => refusal(error, 'connection', peer))
      expect(event).toMatchObject({ code, reason: 'handshake', shownTrustDomain: shown, shownFingerprint })
    })
  })
}

test('an agent of a trust domain that is out of order is let go without a word, to try again', async () => {
  const svid = await domain.issueX509Svid({ path: '/x' })
  bundles.suspend(['a.test'])
  expect(await raw(svid)).toBeUndefined()
  expect(refusals).toMatchObject([{ error: { code: 'TRUST_DOMAIN_UNAVAILABLE' } }])
})

test('an agent that is accepted hears no farewell', async () => {
  expect(await raw(await domain.issueX509Svid({ path: '/x' }))).toBe('accepted')
})

async function sdk({ certPem, keyPem }: PracticeX509Svid): Promise<StintClient> {
  const folder = await mkdtemp(join(tmpdir(), 'stint-refused-'))
  const [certificateFile, privateKeyFile, bundleFile] = ['svid.pem', 'key.pem', 'root.pem'].map((n) => join(folder, n))
  const files = { certificateFile, privateKeyFile, bundleFile } as { [name: string]: string } & { bundleFile: string }
  await Promise.all([
    writeFile(files.certificateFile ?? '', certPem),
    writeFile(files.privateKeyFile ?? '', keyPem),
    writeFile(files.bundleFile, domain.rootCertPem),
  ])
  const client = new StintClient({ address: `localhost:${port}`, serverId: 'spiffe://a.test/stint', svid: files })
  open.push(
    () => rm(folder, { recursive: true }),
    () => client.close(),
  )
  return client
}

/** What a client hears right after its handshake; undefined: that the connection is closed. */
function raw({ certPem: cert, keyPem: key }: PracticeX509Svid): Promise<string | undefined> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0)
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: domain.rootCertPem,
      cert,
      key,
      ALPNProtocols: ['h2'],
    })
    open.push(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      heard = Buffer.concat([heard, data])
      const said = readFarewell(heard)
      if (said !== undefined) resolve(said)
    })
    socket.on('close', () => resolve(undefined))
  })
}
