import type { DerNode } from './der.ts'
import { DER } from './der.ts'

/** Name constraints of a signing certificate, for the two name forms that are understood here. */
export interface NameConstraints {
  readonly permittedUris: readonly string[]
  readonly excludedUris: readonly string[]
  readonly permittedDnsNames: readonly string[]
  readonly excludedDnsNames: readonly string[]
  /** Constrains another name form, or uses a minimum or maximum: nobody here can judge it, so nothing passes. */
  readonly notUnderstood: boolean
}

const TAG = { permitted: 0xa0, excluded: 0xa1, dnsName: 0x82, uri: 0x86 } as const

/** Decodes the value of a nameConstraints extension. */
export function readNameConstraints(value: DerNode): NameConstraints {
  const lists = value.children
  if (value.tag !== DER.sequence || lists.some((list) => list.tag !== TAG.permitted && list.tag !== TAG.excluded)) {
    throw new SyntaxError('bad name constraints')
  }
  const texts = (list: number, name: number): string[] =>
    lists
      .filter((node) => node.tag === list)
      .flatMap((node) => node.children)
      .flatMap((subtree) => subtree.children)
      .filter((base) => base.tag === name)
      .map((base) => Buffer.from(base.content).toString('latin1').toLowerCase())
  return {
    permittedUris: texts(TAG.permitted, TAG.uri),
    excludedUris: texts(TAG.excluded, TAG.uri),
    permittedDnsNames: texts(TAG.permitted, TAG.dnsName),
    excludedDnsNames: texts(TAG.excluded, TAG.dnsName),
    notUnderstood: lists.some((list) => list.children.some((subtree) => !isUnderstood(subtree))),
  }
}

/**
 * True if the constraints allow the names of a certificate below them. A constraint on URIs looks at the host, which for a SPIFFE ID
 * is the trust domain: `example.org` means exactly that, `.example.org` any name below it. A wildcard DNS name is
 * refused under any DNS constraint.
 *
 * @param hosts the trust domains of the certificate's URI names.
 * @see RFC 5280, section 4.2.1.10
 */
export function allowsNames(
  constraints: NameConstraints,
  { hosts, dnsNames }: { hosts: readonly string[]; dnsNames: readonly string[] },
): boolean {
  if (constraints.notUnderstood) return false
  const { permittedUris, excludedUris, permittedDnsNames, excludedDnsNames } = constraints
  const names = dnsNames.map((name) => name.toLowerCase())
  if (permittedDnsNames.length + excludedDnsNames.length > 0 && names.some((name) => name.includes('*'))) return false
  return (
    hosts.every((host) => withinLists(host, permittedUris, excludedUris, hostMatches)) &&
    names.every((name) => withinLists(name, permittedDnsNames, excludedDnsNames, dnsMatches))
  )
}

function withinLists(
  name: string,
  permitted: readonly string[],
  excluded: readonly string[],
  matches: (name: string, constraint: string) => boolean,
): boolean {
  if (excluded.some((constraint) => matches(name, constraint))) return false
  return permitted.length === 0 || permitted.some((constraint) => matches(name, constraint))
}

function hostMatches(host: string, constraint: string): boolean {
  return constraint.startsWith('.') ? host.endsWith(constraint) && host !== constraint : host === constraint
}

function dnsMatches(name: string, constraint: string): boolean {
  if (constraint === '') return true
  const suffix = constraint.startsWith('.') ? constraint : `.${constraint}`
  return name === constraint || name.endsWith(suffix)
}

function isUnderstood(subtree: DerNode): boolean {
  const [base, ...bounds] = subtree.children
  if (subtree.tag !== DER.sequence || bounds.length > 0 || base === undefined) return false
  return base.tag === TAG.dnsName || (base.tag === TAG.uri && base.content.length > 0)
}
