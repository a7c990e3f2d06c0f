import { constants, type KeyObject, verify as verifyByCrypto } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { compactVerify } from 'jose'
import { Authenticator } from '../../../src/identity/authenticator.ts'
import { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import { createJwtSvidVerifier } from '../../../src/identity/jwt/jwt-svid.ts'
import { VerifiedConnection } from '../../../src/identity/verified-connection.ts'
import { verifyX509Svid } from '../../../src/identity/x509/x509-svid.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { serveRole, usage } from '../pinned-process.ts'

const AUDIENCE = 'spiffe://bench.example/stint'
/** Made anew for each round, so that nothing can be kept from one to the next. */
const CHAINS = 50
const SLICES = 20

/** CPU time of one piece of each kind, all of this process, in one round. */
export interface IdentityRound {
  readonly leafUs: number
  readonly chainUs: number
  readonly callUs: number
  readonly jwtUs: number
  /** `compactVerify` of jose alone, with its key at hand. */
  readonly joseUs: number
  /** `verify` of WebCrypto alone, which jose stands on. */
  readonly webCryptoUs: number
  /** `verify` of node:crypto, of the same signing inputs. */
  readonly cryptoUs: number
}

/** The parts of `src/identity` alone, and the server's side of bare TLS 1.3 handshakes beside them. */
export async function runIdentity(): Promise<void> {
  const plain = await createTrustDomain('bench.example')
  const deep = await createTrustDomain('deep.example', { intermediate: true })
  const bundles = new BundleStore()
  for (const { name, bundleJson } of [plain, deep]) {
    bundles.replace(name, parseSpiffeBundle(name, bundleJson()).bundle)
  }
  serveRole({
    listen: () => listen(plain),
    round: (counts: { pieces: number; calls: number }) => round({ plain, deep, bundles }, counts),
    usage,
  })
}

/** A TLS server as bare as can be that asks for a certificate, set as the broker's listener is. */
async function listen(domain: PracticeTrustDomain): Promise<{ port: number; ca: string; cert: string; key: string }> {
  const [own, peer] = await Promise.all([
    domain.issueX509Svid({ path: '/stint', dnsNames: ['localhost'] }),
    domain.issueX509Svid({ path: '/agent' }),
  ])
  const server = createServer({
    ...{ cert: own.certPem, key: own.keyPem, ca: domain.rootCertPem, requestCert: true, rejectUnauthorized: true },
    ...{ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET },
  })
  server.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()).end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    ...{ ca: domain.rootCertPem, cert: peer.certPem, key: peer.keyPem },
  }
}

async function round(
  { plain, deep, bundles }: { plain: PracticeTrustDomain; deep: PracticeTrustDomain; bundles: BundleStore },
  { pieces, calls }: { pieces: number; calls: number },
): Promise<IdentityRound> {
  const now = new Date()
  const { snapshot } = bundles
  const [leaves, chains] = [await chainsOf(plain), await chainsOf(deep)]
  const each = (of: readonly (readonly Uint8Array[])[]) => (n: number) => {
    verifyX509Svid(of[n % of.length] ?? [], { bundles: snapshot, now })
  }
  const connection = new VerifiedConnection({ chain: leaves[0] ?? [], bundles, now, peer: 'bench' })
  const authenticator = new Authenticator({ bundles })
  return {
    leafUs: await cpuUsEach(pieces, each(leaves)),
    chainUs: await cpuUsEach(pieces, each(chains)),
    callUs: await cpuUsEach(calls, () => authenticator.authenticate({ connection }, now)),
    ...(await tokens(plain, { bundles, now, pieces })),
  }
}

async function tokens(
  domain: PracticeTrustDomain,
  { bundles, now, pieces }: { bundles: BundleStore; now: Date; pieces: number },
): Promise<Pick<IdentityRound, 'jwtUs' | 'joseUs' | 'webCryptoUs' | 'cryptoUs'>> {
  const texts: string[] = []
  for (let n = 0; n < pieces; n += 1) texts.push(await domain.issueJwtSvid({ path: '/agent', audience: AUDIENCE, now }))
  const authority = bundles.get(domain.name)?.jwtAuthorities.get(domain.jwtKey.kid)
  if (!authority) throw new Error('the bundle has no key for tokens')
  const text = (n: number) => texts[n] ?? ''
  const inputs = texts.map((token) => Buffer.from(token.slice(0, token.lastIndexOf('.'))))
  const signatures = texts.map((token) => Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url'))
  const empty = Buffer.alloc(0)
  const verifier = createJwtSvidVerifier({ audience: AUDIENCE })
  const { snapshot } = bundles
  const webKey = await toWebCrypto(authority.key)
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const publicKey = { key: authority.key, dsaEncoding: 'ieee-p1363' as const }
  return inTurns(pieces, {
    jwtUs: (n) => verifier.verify(text(n), { bundles: snapshot, now }),
    joseUs: (n) => compactVerify(text(n), authority.key, { algorithms: ['ES256'] }),
    webCryptoUs: async (n) => {
      const [signature = empty, input = empty] = [signatures[n], inputs[n]]
      mustBe(await crypto.subtle.verify(algorithm, webKey, new Uint8Array(signature), new Uint8Array(input)))
    },
    cryptoUs: (n) => mustBe(verifyByCrypto('sha256', inputs[n] ?? empty, publicKey, signatures[n] ?? empty)),
  })
}

/** Each kind in small slices by turns, so that none pays for the garbage or the cold code of what was before it. */
async function inTurns<Kind extends string>(
  pieces: number,
  kinds: Readonly<Record<Kind, (n: number) => unknown>>,
): Promise<Record<Kind, number>> {
  const names = Object.keys(kinds) as Kind[]
  const sums = Object.fromEntries(names.map((name) => [name, 0])) as Record<Kind, number>
  const slice = Math.ceil(pieces / SLICES)
  for (let from = 0; from < pieces; from += slice) {
    for (const name of names) sums[name] += await cpuUsEach(slice, (n) => kinds[name]((from + n) % pieces))
  }
  for (const name of names) sums[name] /= Math.ceil(pieces / slice)
  return sums
}

async function chainsOf(domain: PracticeTrustDomain): Promise<(readonly Uint8Array[])[]> {
  const svids = Array.from({ length: CHAINS }, (_, n) => domain.issueX509Svid({ path: `/agent-${n}` }))
  return (await Promise.all(svids)).map(({ chain }) => chain)
}

function toWebCrypto(key: KeyObject) {
  return crypto.subtle.importKey('jwk', key.export({ format: 'jwk' }), { name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'verify',
  ])
}

/** CPU microseconds of this process, all its threads, for each of so many pieces one after the other. */
async function cpuUsEach(count: number, piece: (n: number) => unknown): Promise<number> {
  const before = process.cpuUsage()
  for (let n = 0; n < count; n += 1) {
    const result = piece(n)
    if (result instanceof Promise) await result
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

function mustBe(isValid: boolean): void {
  if (!isValid) throw new Error('a signature of the bench does not verify')
}
