import { X509Certificate } from 'node:crypto'
import { StintError } from '../../core/errors.ts'
import { parseSpiffeId } from '../../identity/spiffe-id.ts'

/** @throws {StintError} SPIFFE_ID_INVALID unless it is a workload's SPIFFE ID. */
export function requireSpiffeId(text: string): string {
  if (namesWorkload(text)) return text
  const explanation = `The broker's SPIFFE ID must look like spiffe://example.org/stint, with a path; got ${JSON.stringify(text)}.`
  throw new StintError('SPIFFE_ID_INVALID', { explanation })
}

function namesWorkload(text: string): boolean {
  try {
    return parseSpiffeId(text).path !== ''
  } catch {
    return false
  }
}

/**
 * Replaces the host name check: the handshake has proved the chain up to the trust domain's roots, this proves
 * that the certificate is the broker's.
 *
 * @param der the server's leaf certificate.
 * @returns undefined when it is an X.509-SVID of exactly `serverId` (X.509-SVID, sections 2, 4.1 and 5.2).
 */
export function checkServerSvid(der: Buffer, serverId: string): Error | undefined {
  const certificate = new X509Certificate(der)
  if (certificate.ca) return new Error('the broker presented a signing certificate, which never authenticates')
  const uris = uriNames(certificate.subjectAltName ?? '')
  if (uris?.length !== 1) return new Error('the broker must present exactly one URI name in its certificate')
  if (uris[0] === serverId) return undefined
  return new Error(`the broker presented ${JSON.stringify(uris[0])} where ${serverId} was expected`)
}

/** One entry of Node's subjectAltName text: a value with a comma or a control character in it comes JSON-quoted. */
const NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y

/** @returns undefined when the text does not read as a whole, so that no name can hide in another. */
function uriNames(subjectAltName: string): string[] | undefined {
  const uris: string[] = []
  NAME.lastIndex = 0
  while (NAME.lastIndex < subjectAltName.length) {
    const match = NAME.exec(subjectAltName)
    if (!match) return undefined
    if (match[1] === 'URI') uris.push(match[2] ?? '')
  }
  return uris
}
