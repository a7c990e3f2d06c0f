import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A key pair with its certificate; signs others if the certificate says so. */
export interface Signer {
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

/** One certificate to make. Nothing is added: what is not named here is not in it. */
export interface CertificateOrder {
  /** Undefined makes it self-signed. */
  readonly issuer?: Signer
  /** e.g. `CN=agent`; '' for an empty subject. */
  readonly subject: string
  readonly keys: webcrypto.CryptoKeyPair
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: x509.Extension[]
  readonly signingAlgorithm?: webcrypto.Algorithm | webcrypto.EcdsaParams
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** A fresh EC P-256 pair. */
export async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(P256, true, ['sign', 'verify'])
}

/** Makes a certificate to order, good or bad. */
export async function makeCertificate(order: CertificateOrder): Promise<x509.X509Certificate> {
  const { issuer, subject, keys, notBefore, notAfter, extensions } = order
  return x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer ? issuer.certificate.subjectName : subject,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: order.signingAlgorithm ?? { name: 'ECDSA', hash: 'SHA-256' },
    notBefore,
    notAfter,
    extensions,
  })
}

/** The extensions of a signing certificate as SPIFFE wants them. */
export async function signingExtensions(
  keys: webcrypto.CryptoKeyPair,
  { uri, pathLength }: { uri?: string; pathLength?: number } = {},
): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ...(uri ? [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }])] : []),
  ]
}

/** The extensions of a workload's certificate as SPIFFE wants them. */
export function workloadExtensions(
  uri: string,
  { dnsNames = [], ipAddresses = [] }: { dnsNames?: readonly string[]; ipAddresses?: readonly string[] } = {},
): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    new x509.SubjectAlternativeNameExtension([
      { type: 'url', value: uri },
      ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
      ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
    ]),
  ]
}

/** Tells two issuers of one name apart, as there are while a root is replaced. @see RFC 5280, section 4.2.1.1 */
export function issuedBy({ keys }: Signer): Promise<x509.AuthorityKeyIdentifierExtension> {
  return x509.AuthorityKeyIdentifierExtension.create(keys.publicKey)
}
