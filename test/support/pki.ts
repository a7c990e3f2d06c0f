import 'reflect-metadata'
import type { KeyObject, webcrypto } from 'node:crypto'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../src/identity/bundle/trust-bundle.ts'
import type { Signer } from '../../src/practice/stage/certificates.ts'
import { generateKeys, makeCertificate } from '../../src/practice/stage/certificates.ts'
import type { PracticeTrustDomain } from '../../src/practice/stage/pki.ts'

/** The instant that certificates of these tests are made for; ManualClock starts here. */
export const NOW = new Date('2026-11-21T12:00:00.000Z')

const HOUR_MS = 3_600_000

type Extensions = x509.Extension[]

/** A certificate to make, good unless told otherwise. */
export interface Order {
  readonly issuer?: Signer
  readonly subject?: string
  readonly keys?: webcrypto.CryptoKeyPair
  /** Milliseconds from NOW. */
  readonly from?: number
  readonly to?: number
  readonly extensions: Extensions
  readonly signingAlgorithm?: webcrypto.Algorithm
}

/** Makes a certificate with fresh keys. */
export async function issue(order: Order): Promise<Signer> {
  const keys = order.keys ?? (await generateKeys())
  const certificate = await makeCertificate({
    ...(order.issuer ? { issuer: order.issuer } : {}),
    ...(order.signingAlgorithm ? { signingAlgorithm: order.signingAlgorithm } : {}),
    subject: order.subject ?? 'CN=test',
    keys,
    notBefore: new Date(NOW.getTime() + (order.from ?? -10_000)),
    notAfter: new Date(NOW.getTime() + (order.to ?? HOUR_MS)),
    extensions: order.extensions,
  })
  return { keys, certificate }
}

/** The parts of a workload's certificate, each replaceable; null leaves a part out. */
export interface LeafParts {
  readonly basic?: x509.Extension | null
  readonly usage?: x509.Extension | null
  readonly extended?: x509.Extension | null
  readonly san?: x509.Extension | null
  readonly more?: Extensions
}

export function leafExtensions(uri: string, parts: LeafParts = {}): Extensions {
  const { usage = keyUsage(Usage.digitalSignature), basic = basicConstraints(false) } = parts
  const { extended = extendedUsage('serverAuth', 'clientAuth'), san = uriNames([uri]), more = [] } = parts
  return [basic, usage, extended, san, ...more].filter((extension) => extension !== null)
}

export const Usage = x509.KeyUsageFlags

export function keyUsage(flags: number, critical = true): x509.Extension {
  return new x509.KeyUsagesExtension(flags, critical)
}

export function basicConstraints(ca: boolean, pathLength?: number): x509.Extension {
  return new x509.BasicConstraintsExtension(ca, pathLength, true)
}

export function extendedUsage(...names: (keyof typeof x509.ExtendedKeyUsage)[]): x509.Extension {
  return new x509.ExtendedKeyUsageExtension(names.map((name) => x509.ExtendedKeyUsage[name]))
}

export function uriNames(
  uris: readonly string[],
  { critical = false, more = [] as x509.JsonGeneralNames } = {},
): x509.Extension {
  return new x509.SubjectAlternativeNameExtension(
    [...uris.map((value) => ({ type: 'url' as const, value })), ...more],
    critical,
  )
}

/** An extension out of raw DER, in hex. */
export function rawExtension(oid: string, critical: boolean, hex: string): x509.Extension {
  return new x509.Extension(oid, critical, Buffer.from(hex, 'hex'))
}

/** nameConstraints that permit (or exclude) one name; tag 6 is a URI's host, 2 a DNS name, 7 an IP address. */
export function nameConstraint(kind: 'permitted' | 'excluded', tag: number, name: Uint8Array | string): x509.Extension {
  const base = der(0x80 + tag, Buffer.from(name))
  const list = der(kind === 'permitted' ? 0xa0 : 0xa1, der(0x30, base))
  return rawExtension('2.5.29.30', true, der(0x30, list).toString('hex'))
}

export function der(tag: number, content: Uint8Array): Buffer {
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

export function signerExtensions(
  parts: { basic?: x509.Extension | null; usage?: x509.Extension | null; more?: Extensions } = {},
): Extensions {
  const { basic = basicConstraints(true), usage = keyUsage(Usage.keyCertSign | Usage.cRLSign), more = [] } = parts
  return [basic, usage, ...more].filter((extension) => extension !== null)
}

/** A key pair of a kind that WebCrypto cannot make, as the certificate generator wants it; only the public half is real. */
export async function oddKeys(namedCurve: string): Promise<webcrypto.CryptoKeyPair> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const { privateKey } = await generateKeys()
  return { publicKey: new x509.PublicKey(spki) as unknown as webcrypto.CryptoKey, privateKey }
}

export async function rsaKeys(modulusLength: number, hash: string): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) }
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

/** DER of a chain, leaf first. */
export function chainOf(...signers: readonly Signer[]): readonly Uint8Array[] {
  return signers.map((signer) => new Uint8Array(signer.certificate.rawData))
}

/** A store that trusts these domains. */
export function storeOf(...domains: readonly PracticeTrustDomain[]): BundleStore {
  const store = new BundleStore()
  for (const domain of domains) store.replace(domain.name, parseSpiffeBundle(domain.name, domain.bundleJson()).bundle)
  return store
}

/** A bundle document whose X.509 roots are these, with no JWT key. */
export function bundleOfRoots(...roots: readonly Signer[]): string {
  const keys = roots.map(({ certificate }) => {
    const { publicKey, raw } = new X509Certificate(Buffer.from(certificate.rawData))
    return { use: 'x509-svid', ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] }
  })
  return JSON.stringify({ keys })
}

/** Puts keys of `domain` and fresh ones in the places that the bundle vectors leave for them. */
export async function bundleFiller(domain: PracticeTrustDomain): Promise<(text: string) => string> {
  const { chain } = await domain.issueX509Svid({ path: '/x' })
  const keys = await rsaKeys(2048, 'SHA-256')
  const signingAlgorithm = { name: 'RSASSA-PKCS1-v1_5' }
  const rsaRoot = await issue({ keys, signingAlgorithm, extensions: signerExtensions() })
  const root = domain.root.certificate.rawData
  const fill = new Map([
    ...certificateMarks('ROOT', root),
    ...certificateMarks('LEAF', chain[0] ?? new Uint8Array()),
    ...certificateMarks('RSAROOT', rsaRoot.certificate.rawData),
    ['$URL', '-_-_'],
    ['$EC', members(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
    ['$RSA', members(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)],
  ])
  return (text) => text.replaceAll(/\$[A-Z]+/g, (mark) => fill.get(mark) ?? mark)
}

function certificateMarks(name: string, der: ArrayBuffer | Uint8Array): [string, string][] {
  const { raw, publicKey } = new X509Certificate(Buffer.from(der as Uint8Array))
  return [
    [`$${name}`, raw.toString('base64')],
    [`$${name}KEY`, members(publicKey)],
  ]
}

/** The public members of a JWK as they stand in an object. */
function members(key: KeyObject): string {
  return JSON.stringify(key.export({ format: 'jwk' })).slice(1, -1)
}
