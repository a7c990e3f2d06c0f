import { generateKeyPairSync, KeyObject, randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { SignJWT } from 'jose'
import type { Signer } from './certificates.ts'
import { generateKeys, issuedBy, makeCertificate, signingExtensions, workloadExtensions } from './certificates.ts'

/** Options of a throw-away trust domain. */
export interface TrustDomainOptions {
  /** When it is made; default now. */
  readonly now?: Date
  /** Life of the root and the intermediate; default 7 days. */
  readonly ttlMs?: number
  /** True if an intermediate signs the SVIDs; default false, as SPIRE has it. */
  readonly intermediate?: boolean
}

interface X509SvidOrder {
  /** e.g. `/ci/deploy`. */
  readonly path: string
  /** Default now. It is valid from 10 s before. */
  readonly now?: Date
  /** Default 1 h. */
  readonly ttlMs?: number
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
}

/** An X.509-SVID with its key. */
export interface PracticeX509Svid {
  readonly spiffeId: string
  /** Leaf first; PEM as TLS wants it. */
  readonly certPem: string
  /** PKCS#8. */
  readonly keyPem: string
  /** The same chain in DER. */
  readonly chain: readonly Uint8Array[]
}

/** One JWT-SVID to make, good or bad. */
export interface JwtSvidOrder {
  readonly path: string
  readonly audience: string | string[]
  /** Default now. */
  readonly now?: Date
  /** Default 300. */
  readonly ttlSeconds?: number
  /** Laid over the claims; undefined takes a claim away. */
  readonly claims?: JWTPayload
  /** Laid over the header; undefined takes a member away. */
  readonly header?: { readonly [name: string]: unknown }
}

/** A trust domain with keys in memory, for demo and tests; it protects nothing. */
export interface PracticeTrustDomain {
  readonly name: string
  readonly rootCertPem: string
  readonly root: Signer
  /** The CA that signs SVIDs: the intermediate if there is one, else the root. */
  readonly signer: Signer
  readonly jwtKey: { readonly kid: string; readonly privateKey: KeyObject }
  /** The SPIFFE bundle as a file has it. */
  bundleJson(options?: { sequence?: number | bigint; refreshHintSeconds?: number }): string
  issueX509Svid(order: X509SvidOrder): Promise<PracticeX509Svid>
  issueJwtSvid(order: JwtSvidOrder): Promise<string>
}

const DAY_MS = 24 * 3_600_000
const BACKDATE_MS = 10_000

/**
 * Makes a trust domain out of nothing: an EC P-256 root, an optional intermediate, a JWT key.
 *
 * @param name e.g. `example.org`.
 */
export async function createTrustDomain(name: string, options: TrustDomainOptions = {}): Promise<PracticeTrustDomain> {
  const { now = new Date(), ttlMs = 7 * DAY_MS, intermediate = false } = options
  const validity = { notBefore: new Date(now.getTime() - BACKDATE_MS), notAfter: new Date(now.getTime() + ttlMs) }
  const root = await makeSigner(name, 'root', validity)
  const signer = intermediate ? await makeSigner(name, 'intermediate', validity, root) : root
  const jwtKey = { kid: randomUUID(), privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }
  return {
    name,
    rootCertPem: `${root.certificate.toString('pem')}\n`,
    root,
    signer,
    jwtKey,
    bundleJson: (bundle = {}) => bundleJson(root, jwtKey, bundle),
    issueX509Svid: (order) => issueX509Svid(name, { root, signer }, order),
    issueJwtSvid: (order) => issueJwtSvid(name, jwtKey, order),
  }
}

async function makeSigner(
  name: string,
  kind: 'root' | 'intermediate',
  validity: { notBefore: Date; notAfter: Date },
  issuer?: Signer,
): Promise<Signer> {
  const keys = await generateKeys()
  const own = await signingExtensions(keys, { uri: `spiffe://${name}` })
  const extensions = issuer ? [...own, await issuedBy(issuer)] : own
  const subject = `O=practice, CN=${kind} of ${name}`
  const order = { subject, keys, ...validity, extensions }
  return { keys, certificate: await makeCertificate(issuer ? { ...order, issuer } : order) }
}

async function issueX509Svid(
  name: string,
  { root, signer }: { root: Signer; signer: Signer },
  { path, now = new Date(), ttlMs = 3_600_000, dnsNames = [], ipAddresses = [] }: X509SvidOrder,
): Promise<PracticeX509Svid> {
  const spiffeId = `spiffe://${name}${path}`
  const keys = await generateKeys()
  const leaf = await makeCertificate({
    issuer: signer,
    subject: 'O=practice',
    keys,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + ttlMs),
    extensions: [...workloadExtensions(spiffeId, { dnsNames, ipAddresses }), await issuedBy(signer)],
  })
  const chain = signer === root ? [leaf] : [leaf, signer.certificate]
  return {
    spiffeId,
    certPem: chain.map((certificate) => `${certificate.toString('pem')}\n`).join(''),
    keyPem: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: chain.map((certificate) => Buffer.from(certificate.rawData)),
  }
}

async function issueJwtSvid(name: string, key: PracticeTrustDomain['jwtKey'], order: JwtSvidOrder): Promise<string> {
  const iat = Math.floor((order.now ?? new Date()).getTime() / 1000)
  const claims: JWTPayload = {
    sub: `spiffe://${name}${order.path}`,
    aud: order.audience,
    iat,
    exp: iat + (order.ttlSeconds ?? 300),
    jti: randomUUID(),
    ...order.claims,
  }
  const header = { alg: 'ES256', kid: key.kid, typ: 'JWT', ...order.header }
  return new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey)
}

function bundleJson(
  root: Signer,
  { kid, privateKey }: PracticeTrustDomain['jwtKey'],
  { sequence = 1, refreshHintSeconds = 300 }: { sequence?: number | bigint; refreshHintSeconds?: number },
): string {
  const publicJwk = (key: KeyObject): object => {
    const { kty, crv, x, y } = key.export({ format: 'jwk' })
    return { kty, crv, x, y }
  }
  const der = Buffer.from(root.certificate.rawData).toString('base64')
  const keys = [
    { use: 'x509-svid', ...publicJwk(KeyObject.from(root.keys.publicKey)), x5c: [der] },
    { use: 'jwt-svid', kid, ...publicJwk(privateKey) },
  ]
  const head = `{"spiffe_sequence":${sequence},"spiffe_refresh_hint":${refreshHintSeconds}`
  return `${head},"keys":${JSON.stringify(keys)}}\n`
}
