import type { SpiffeId } from '../spiffe-id.ts'
import { parseSpiffeId } from '../spiffe-id.ts'
import type { Certificate } from './certificate.ts'
import { svidInvalid } from './certificate.ts'

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/**
 * Checks what a leaf certificate must look like to be an X.509-SVID, and gives the workload's id. Says nothing yet about
 * who signed it. The one place for these rules, for our own SVIDs as for those of peers.
 *
 * @throws {StintError} SVID_INVALID; `details.check` names the rule.
 * @see X509-SVID, sections 2, 3.1, 4.1, 4.3, 4.4 and 5.2
 */
export function checkLeaf(leaf: Certificate): SpiffeId {
  checkNotSigning(leaf)
  checkKeyUsage(leaf)
  checkExtendedKeyUsage(leaf)
  const san = leaf.subjectAltName
  const [uri, ...others] = san?.uris ?? []
  if (uri === undefined || others.length > 0) {
    throw svidInvalid('uri-san', 'An X.509-SVID must have exactly one URI subject alternative name.')
  }
  if (leaf.emptySubject && san?.critical !== true) {
    throw svidInvalid('san-critical', 'Without a subject, the subject alternative name must be critical.')
  }
  return workloadId(uri)
}

function checkNotSigning(leaf: Certificate): void {
  const { keyUsage } = leaf
  if (leaf.basicConstraints?.ca || keyUsage?.keyCertSign || keyUsage?.crlSign) {
    throw svidInvalid('leaf-not-signing', 'A signing certificate cannot be used to authenticate a workload.')
  }
}

function checkKeyUsage({ keyUsage }: Certificate): void {
  if (keyUsage?.critical && keyUsage.digitalSignature) return
  throw svidInvalid('key-usage', 'An X.509-SVID must have a critical key usage that includes digitalSignature.')
}

function checkExtendedKeyUsage({ extendedKeyUsage: usages }: Certificate): void {
  if (usages === undefined || (usages.includes(SERVER_AUTH) && usages.includes(CLIENT_AUTH))) return
  throw svidInvalid(
    'extended-key-usage',
    'Extended key usage, if present, must include both serverAuth and clientAuth.',
  )
}

function workloadId(uri: string): SpiffeId {
  let id: SpiffeId
  try {
    id = parseSpiffeId(uri)
  } catch (error) {
    throw svidInvalid('spiffe-id', "The certificate's URI is not a well-formed SPIFFE ID.", error)
  }
  if (id.path === '') throw svidInvalid('root-path', "A workload's SPIFFE ID must have a path.")
  return id
}
