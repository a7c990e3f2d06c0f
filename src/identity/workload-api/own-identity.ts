import type { KeyObject } from 'node:crypto'
import { Secret } from '../../core/secret.ts'
import { type ServerIdentity, serverIdentity } from '../server-identity.ts'
import type { Certificate } from '../x509/certificate.ts'

/**
 * An own SVID as TLS wants it.
 *
 * @throws {StintError} CONFIG_INVALID when TLS cannot use the pair.
 */
export function tlsIdentity(svid: {
  readonly chain: readonly Certificate[]
  readonly key: KeyObject
  readonly notAfter: Date
}): ServerIdentity {
  const cert = svid.chain.map(({ x509 }) => x509.toString()).join('')
  const key = svid.key.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { ...serverIdentity(cert, new Secret(key)), notAfter: svid.notAfter }
}
