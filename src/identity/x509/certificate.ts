import { X509Certificate } from 'node:crypto'
import { sha256Hex } from '../../core/canonical-json.ts'
import { StintError } from '../../core/errors.ts'
import type { BasicConstraints, KeyUsage, SubjectAltName } from './certificate-extensions.ts'
import { EXTENSION, readExtensions } from './certificate-extensions.ts'
import type { DerNode } from './der.ts'
import { DER, readDer } from './der.ts'
import type { NameConstraints } from './name-constraints.ts'

/** One certificate, read strictly: everything the path and leaf rules look at, decoded once. */
export interface Certificate {
  /** For signatures and issuer linking only; the rest is read from the DER by ourselves. */
  readonly x509: X509Certificate
  /** Lower-case hex SHA-256 of the DER. */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly emptySubject: boolean
  /** Length of the subject's name in DER. */
  readonly subjectBytes: number
  /** Subject and issuer are the same bytes. */
  readonly selfIssued: boolean
  readonly basicConstraints?: BasicConstraints
  readonly keyUsage?: KeyUsage
  /** Object identifiers, e.g. `1.3.6.1.5.5.7.3.2`. */
  readonly extendedKeyUsage?: readonly string[]
  readonly subjectAltName?: SubjectAltName
  readonly nameConstraints?: NameConstraints
}

const MAX_CERTIFICATE_BYTES = 16 * 1024
const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 8192
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const SIGNATURE_ALGORITHMS = new Map([
  ['1.2.840.10045.4.3.2', 'ecdsa-with-SHA256'],
  ['1.2.840.10045.4.3.3', 'ecdsa-with-SHA384'],
  ['1.2.840.10045.4.3.4', 'ecdsa-with-SHA512'],
  ['1.2.840.113549.1.1.11', 'sha256WithRSAEncryption'],
  ['1.2.840.113549.1.1.12', 'sha384WithRSAEncryption'],
  ['1.2.840.113549.1.1.13', 'sha512WithRSAEncryption'],
])

/**
 * Reads one certificate in DER. Refuses what two readers could read differently (BER, trailing bytes, an extension
 * twice), critical extensions that nobody here processes, and keys or signatures that are too weak.
 *
 * @throws {StintError} SVID_INVALID; `details.check` is der, version, extension-duplicate, extension-critical,
 *   key or signature-algorithm.
 * @see RFC 5280, sections 4.1 and 4.2
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw svidInvalid('der', 'A certificate is larger than 16 KiB.')
  const tbs = readTbs(der)
  const x509 = readByOpenSsl(der)
  const extensions = guarded(() => readExtensions(tbs.extensions))
  checkKey(x509)
  checkSignatureAlgorithm(x509)
  return {
    x509,
    fingerprint: sha256Hex(der),
    notBefore: finite(x509.validFromDate),
    notAfter: finite(x509.validToDate),
    emptySubject: tbs.subject.children.length === 0,
    subjectBytes: tbs.subject.raw.length,
    selfIssued: Buffer.compare(tbs.subject.raw, tbs.issuer.raw) === 0,
    ...extensions,
  }
}

/** An SVID_INVALID whose `details.check` names the failed check in general terms. */
export function svidInvalid(check: string, explanation: string, cause?: unknown): StintError {
  return new StintError('SVID_INVALID', { check, explanation }, cause)
}

function readTbs(der: Uint8Array): { issuer: DerNode; subject: DerNode; extensions: DerNode | undefined } {
  return guarded(() => {
    const certificate = readDer(der)
    const [tbs] = certificate.children
    if (certificate.tag !== DER.sequence || certificate.children.length !== 3 || tbs?.tag !== DER.sequence) {
      throw new SyntaxError('not a certificate')
    }
    const [version, , , issuer, , subject] = tbs.children
    if (version?.tag !== 0xa0 || version.children[0]?.content[0] !== 2) {
      throw svidInvalid('version', 'Only version 3 certificates can carry a SPIFFE ID.')
    }
    if (issuer?.tag !== DER.sequence || subject?.tag !== DER.sequence) throw new SyntaxError('not a certificate')
    return { issuer, subject, extensions: tbs.children.find((node) => node.tag === EXTENSION.block) }
  })
}

function readByOpenSsl(der: Uint8Array): X509Certificate {
  return guarded(() => {
    const x509 = new X509Certificate(der)
    if (Buffer.compare(x509.raw, der) !== 0) throw new SyntaxError('not in its one DER form')
    return x509
  })
}

function checkKey(x509: X509Certificate): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = guarded(() => x509.publicKey)
  const bits = details?.modulusLength ?? 0
  if (type === 'ec' && CURVES.has(details?.namedCurve ?? '')) return
  if (type === 'rsa' && bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS) return
  throw svidInvalid('key', 'A certificate key must be EC P-256, P-384 or P-521, or RSA of 2048 to 8192 bits.')
}

function checkSignatureAlgorithm(x509: X509Certificate): void {
  if (SIGNATURE_ALGORITHMS.has(x509.signatureAlgorithmOid)) return
  throw svidInvalid('signature-algorithm', 'A certificate must be signed by ECDSA or RSA with SHA-256, 384 or 512.')
}

function finite(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw svidInvalid('der', 'A certificate has an unreadable date.')
  return date
}

function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof StintError) throw error
    throw svidInvalid('der', 'A certificate is not in well-formed DER.', error)
  }
}
