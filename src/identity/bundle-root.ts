import { bundleInvalid } from './bundle-problems.ts'
import type { Certificate } from './certificate.ts'
import { parseCertificate } from './certificate.ts'

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

function parse(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der)
  } catch (error) {
    throw bundleInvalid('x509-authority', 'A root is not a well-formed certificate in DER.', error)
  }
}
