import { StintError } from '../../core/errors.ts'
import type { DerNode } from './der.ts'
import { booleanValue, DER, oidText, readDer, smallInteger } from './der.ts'
import type { NameConstraints } from './name-constraints.ts'
import { readNameConstraints } from './name-constraints.ts'

/** RFC 5280, section 4.2.1.9. */
export interface BasicConstraints {
  readonly ca: boolean
  /** How many intermediate certificates may follow, self-issued ones not counted. */
  readonly pathLength?: number
}

/** RFC 5280, section 4.2.1.3; the bits that the rules look at. */
export interface KeyUsage {
  readonly critical: boolean
  readonly digitalSignature: boolean
  readonly keyCertSign: boolean
  readonly crlSign: boolean
}

/** RFC 5280, section 4.2.1.6; the name forms that the rules look at. */
export interface SubjectAltName {
  readonly critical: boolean
  /** Every URI name, whatever its scheme. */
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
}

/** The extensions of one certificate; absent ones are undefined. */
export interface CertificateExtensions {
  basicConstraints?: BasicConstraints
  keyUsage?: KeyUsage
  extendedKeyUsage?: readonly string[]
  subjectAltName?: SubjectAltName
  nameConstraints?: NameConstraints
}

type Reader = (value: DerNode, critical: boolean, into: CertificateExtensions) => void

/** Tag of the `[3]` element that holds the extensions. RFC 5280, section 4.1. */
export const EXTENSION = { block: 0xa3 } as const

/** GeneralName tags of RFC 5280, section 4.2.1.6. */
const GENERAL_NAME = { dnsName: 0x82, uri: 0x86 } as const

const READERS = new Map<string, Reader>([
  [
    '2.5.29.15',
    (value, critical, into) => {
      into.keyUsage = keyUsage(value, critical)
    },
  ],
  [
    '2.5.29.17',
    (value, critical, into) => {
      into.subjectAltName = subjectAltName(value, critical)
    },
  ],
  [
    '2.5.29.19',
    (value, _critical, into) => {
      into.basicConstraints = basicConstraints(value)
    },
  ],
  [
    '2.5.29.30',
    (value, _critical, into) => {
      into.nameConstraints = readNameConstraints(value)
    },
  ],
  [
    '2.5.29.37',
    (value, _critical, into) => {
      into.extendedKeyUsage = extendedKeyUsage(value)
    },
  ],
])

/**
 * Decodes the extensions that the rules of this project look at; others are skipped unless critical.
 *
 * @param block the `[3]` element of the certificate body; undefined when there is none.
 * @throws {StintError} SVID_INVALID with `details.check` extension-duplicate or extension-critical.
 * @throws {SyntaxError} a value that does not follow RFC 5280, section 4.2.
 */
export function readExtensions(block: DerNode | undefined): CertificateExtensions {
  const into: CertificateExtensions = {}
  const seen = new Set<string>()
  const list = block?.children[0]
  if (block && (list?.tag !== DER.sequence || block.children.length !== 1)) throw new SyntaxError('bad extensions')
  for (const extension of list?.children ?? []) {
    const { oid, critical, value } = splitExtension(extension)
    if (seen.has(oid)) throw refused('extension-duplicate', 'A certificate has the same extension twice.')
    seen.add(oid)
    const reader = READERS.get(oid)
    if (reader) reader(readDer(value), critical, into)
    else if (critical) throw refused('extension-critical', 'A certificate has an unknown critical extension.')
  }
  return into
}

function splitExtension(extension: DerNode): { oid: string; critical: boolean; value: Uint8Array } {
  const [id, second, third] = extension.children
  const flag = extension.children.length === 3 ? second : undefined
  const value = extension.children.length === 3 ? third : second
  if (extension.tag !== DER.sequence || !id || value?.tag !== DER.octetString || extension.children.length > 3) {
    throw new SyntaxError('bad extension')
  }
  return { oid: oidText(id), critical: flag !== undefined && booleanValue(flag), value: value.content }
}

function basicConstraints(value: DerNode): BasicConstraints {
  requireSequence(value)
  const [first, second, ...more] = value.children
  const ca = first?.tag === DER.boolean && booleanValue(first)
  const length = first?.tag === DER.boolean ? second : first
  if (more.length > 0 || (length === first && second)) throw new SyntaxError('bad basic constraints')
  return length ? { ca, pathLength: smallInteger(length) } : { ca }
}

function keyUsage(value: DerNode, critical: boolean): KeyUsage {
  const [unused, bits = 0] = value.content
  if (value.tag !== DER.bitString || unused === undefined || unused > 7 || value.content.length > 3) {
    throw new SyntaxError('bad key usage')
  }
  return {
    critical,
    digitalSignature: (bits & 0x80) !== 0,
    keyCertSign: (bits & 0x04) !== 0,
    crlSign: (bits & 0x02) !== 0,
  }
}

function extendedKeyUsage(value: DerNode): readonly string[] {
  requireSequence(value)
  if (value.children.length === 0) throw new SyntaxError('an empty extended key usage')
  return value.children.map(oidText)
}

function subjectAltName(value: DerNode, critical: boolean): SubjectAltName {
  requireSequence(value)
  if (value.children.length === 0) throw new SyntaxError('an empty subject alternative name')
  const names = (tag: number): string[] =>
    value.children.filter((name) => name.tag === tag).map((name) => Buffer.from(name.content).toString('latin1'))
  return { critical, uris: names(GENERAL_NAME.uri), dnsNames: names(GENERAL_NAME.dnsName) }
}

function requireSequence(value: DerNode): void {
  if (value.tag !== DER.sequence) throw new SyntaxError('not a sequence')
}

function refused(check: string, explanation: string): StintError {
  return new StintError('SVID_INVALID', { check, explanation })
}
