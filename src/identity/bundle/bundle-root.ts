import type { Certificate } from '../x509/certificate.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { bundleInvalid } from './bundle-problems.ts'

/**
 * Reads a certificate that is to be a root: a CA, and with keyCertSign if it has a key usage at all.
 *
 * @throws {StintError} BUNDLE_INVALID
 * @see X509-SVID, section 6.1
 */
export function rootFromDer(der: Uint8Array): Certificate {
  const root = parse(der)
  if (root.basicConstraints?.ca && (root.keyUsage === undefined || root.keyUsage.keyCertSign)) return root
  throw bundleInvalid('x509-authority', 'A root is not a signing certificate (CA with keyCertSign).')
}

/** Limit for the names of one trust domain's roots, all together. */
const MAX_NAME_BYTES = 4_096

/**
 * Bounds the names of a trust domain's roots: the handshake sends the names of all roots to every client, and fails for
 * all of them when they are too long.
 *
 * @throws {StintError} BUNDLE_INVALID with `details.check` names.
 */
export function checkNames(roots: readonly Certificate[]): void {
  if (nameBytes(roots) <= MAX_NAME_BYTES) return
  throw bundleInvalid('names', `A trust domain's root names may have at most ${MAX_NAME_BYTES} bytes in total.`)
}

/** Bytes that the names of these roots take in a handshake (RFC 8446, section 4.2.4). */
export function nameBytes(roots: readonly Certificate[]): number {
  return roots.reduce((sum, { subjectBytes }) => sum + subjectBytes + 2, 0)
}

function parse(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der)
  } catch (error) {
    throw bundleInvalid('x509-authority', 'A root is not a well-formed certificate in DER.', error)
  }
}
