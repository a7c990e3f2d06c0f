import { createPrivateKey, type KeyObject } from 'node:crypto'
import { asStintError, StintError } from '../../core/errors.ts'
import { alarm, type BundleNote, bundleInvalid, warning } from '../bundle/bundle-problems.ts'
import { checkNames, rootFromDer } from '../bundle/bundle-root.ts'
import { parseSpiffeId, spiffeIdText } from '../spiffe-id.ts'
import { type Certificate, parseCertificate, svidInvalid } from '../x509/certificate.ts'
import { checkLeaf } from '../x509/x509-leaf.ts'
import { findPath, MAX_PATH_LENGTH } from '../x509/x509-path.ts'
import { type Chooser, chooseSpiffeId, fits } from './choose-svid.ts'
import type { X509SvidMessage, X509SvidResponse } from './definition.ts'
import { splitDer } from './split-der.ts'

/** An X.509-SVID of our own with its key. */
export interface OwnX509Svid {
  readonly spiffeId: string
  /** Leaf first. */
  readonly chain: readonly Certificate[]
  readonly key: KeyObject
  /** The earliest end of a validity on its path. */
  readonly notAfter: Date
  /** The administrator's hint of its use; '' for none. */
  readonly hint: string
}

/** An SVID that a message names and that cannot be used. */
interface UnusableSvid {
  readonly spiffeId: string
  readonly hint: string
  readonly error: StintError
}

/** One message of the Workload API: SVIDs and bundles that belong together. Immutable. */
export interface X509Context {
  /** At least one, in the order of the message, which means nothing. */
  readonly svids: readonly OwnX509Svid[]
  readonly unusable: readonly UnusableSvid[]
  /** X.509 roots by trust domain; for X.509-SVIDs only. */
  readonly roots: ReadonlyMap<string, readonly Certificate[]>
  readonly notes: readonly BundleNote[]
}

const MAX_ROOTS = 256
const MAX_SVIDS = 64
const MAX_TRUST_DOMAINS = 1_024

/**
 * Reads a message of `FetchX509SVID`. An SVID that cannot be used is left out alone, and so is a federated bundle, whose
 * trust domain is then not trusted. Of two SVIDs with one hint the second loses it.
 *
 * @throws {StintError} SVID_INVALID, SVID_EXPIRED, BUNDLE_INVALID or SPIFFE_ID_INVALID: a mandatory field is missing, or no
 *   SVID can be used; the message has to be discarded.
 * @see SPIFFE Workload API, sections 4.5 and 5.2
 */
export function readX509Context(message: X509SvidResponse, now: Date): X509Context {
  if (message.svids.length > MAX_SVIDS) throw svidInvalid('workload-api', `More than ${MAX_SVIDS} SVIDs.`)
  for (const entry of message.svids) checkMandatory(entry)
  const read = readSvids(message.svids, now)
  const [firstUnusable] = read.unusable
  if (read.svids.length === 0) {
    throw firstUnusable?.error ?? svidInvalid('workload-api', 'The message of the Workload API has no SVID.')
  }
  const { svids, unusable, roots } = read
  const notes: BundleNote[] = unusable.map(({ error, ...offer }) =>
    alarm('svid', `The SVID ${JSON.stringify(offer.spiffeId.slice(0, 256))} is left out: ${error.message}`),
  )
  if (message.crl.length > 0) notes.push(warning('crl', 'The Workload API sends revocation lists; they are not used.'))
  readFederated(message, roots, notes)
  return { svids, unusable, roots, notes }
}

/**
 * The SVID of this message that is ours. Of several with that SPIFFE ID, the one that is valid longest.
 *
 * @throws {StintError} SVID_AMBIGUOUS, SVID_NOT_OFFERED; what is wrong with ours when it cannot be used
 */
export function chooseSvid({ svids, unusable }: X509Context, chooser: Chooser): OwnX509Svid {
  const spiffeId = chooseSpiffeId([...svids, ...unusable], chooser)
  const isOurs = (offer: { spiffeId: string; hint: string }) =>
    offer.spiffeId === spiffeId && fits(offer, chooser.choice)
  const ours = longestValid(svids.filter(isOurs))
  if (ours) return ours
  throw unusable.find(isOurs)?.error ?? svidInvalid('workload-api', `The SVID of ${spiffeId} cannot be used.`)
}

/** The SVID that is valid longest, for whoever is not known by it. */
export function longestValid(svids: readonly OwnX509Svid[]): OwnX509Svid | undefined {
  return [...svids].sort((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0]
}

function readSvids(
  entries: readonly X509SvidMessage[],
  now: Date,
): Pick<X509Context, 'svids' | 'unusable'> & { roots: Map<string, readonly Certificate[]> } {
  const roots = new Map<string, readonly Certificate[]>()
  /** Bundles of trust domains whose SVIDs have all expired: the bundle itself is still good. */
  const spare = new Map<string, readonly Certificate[]>()
  const svids: OwnX509Svid[] = []
  const unusable: UnusableSvid[] = []
  const hints = new Set<string>()
  for (const entry of entries) {
    const hint = hints.has(entry.hint) ? '' : entry.hint
    hints.add(hint)
    try {
      const { trustDomain } = parseSpiffeId(entry.spiffe_id)
      const own = readRoots(entry.bundle)
      const read = readSvid(entry, { trustDomain, roots: own, now })
      if (read instanceof StintError) {
        if (!spare.has(trustDomain)) spare.set(trustDomain, own)
        throw read
      }
      if (!roots.has(trustDomain)) roots.set(trustDomain, own)
      svids.push({ ...read, hint })
    } catch (error) {
      unusable.push({ spiffeId: entry.spiffe_id, hint, error: asStintError(error) })
    }
  }
  return { svids, unusable, roots: new Map([...spare, ...roots]) }
}

/**
 * The trust domain that a key of a bundle map names.
 *
 * @throws {StintError} SPIFFE_ID_INVALID
 */
export function parseBundleKey(key: string): string {
  const { trustDomain, path } = parseSpiffeId(key)
  if (path === '') return trustDomain
  throw new StintError('SPIFFE_ID_INVALID', {
    rule: 'path',
    explanation: "A trust domain's SPIFFE ID must have no path.",
  })
}

function checkMandatory({ spiffe_id: id, x509_svid: svid, x509_svid_key: key, bundle }: X509SvidMessage): void {
  if (id !== '' && [svid, key, bundle].every((value) => value.length > 0)) return
  throw svidInvalid('workload-api', 'The message of the Workload API lacks a mandatory field.')
}

/** @returns SVID_EXPIRED rather than an SVID when it is over. @throws {StintError} SVID_INVALID for anything else */
function readSvid(
  entry: X509SvidMessage,
  { trustDomain, roots, now }: { trustDomain: string; roots: readonly Certificate[]; now: Date },
): Omit<OwnX509Svid, 'hint'> | StintError {
  const chain = split(entry.x509_svid, MAX_PATH_LENGTH, svidInvalid).map((der) => parseCertificate(der))
  const [leaf, ...intermediates] = chain
  if (!leaf) throw svidInvalid('chain-empty', 'The chain has no certificate.')
  const id = checkLeaf(leaf)
  if (spiffeIdText(id) !== entry.spiffe_id || id.trustDomain !== trustDomain) {
    throw svidInvalid('workload-api', 'The SPIFFE ID in the message differs from the one in its certificate.')
  }
  const key = readKey(entry.x509_svid_key)
  if (!leaf.x509.checkPrivateKey(key)) throw svidInvalid('key', 'The private key does not belong to the SVID.')
  try {
    const path = findPath(leaf, { id, intermediates, roots, now })
    const notAfter = new Date(Math.min(...path.map((certificate) => certificate.notAfter.getTime())))
    return { spiffeId: entry.spiffe_id, chain, key, notAfter }
  } catch (error) {
    if (error instanceof StintError && error.code === 'SVID_EXPIRED') return error
    throw error
  }
}

function readKey(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
  } catch {
    // The cause is left out: it is about a private key.
    throw svidInvalid('key', 'The private key of the SVID is not PKCS#8 DER.')
  }
}

function readFederated(
  { federated_bundles: bundles }: X509SvidResponse,
  roots: Map<string, readonly Certificate[]>,
  notes: BundleNote[],
): void {
  const entries = Object.entries(bundles)
  if (entries.length > MAX_TRUST_DOMAINS) throw bundleInvalid('size', `More than ${MAX_TRUST_DOMAINS} trust domains.`)
  for (const [key, value] of entries) {
    try {
      const trustDomain = parseBundleKey(key)
      if (roots.has(trustDomain))
        throw bundleInvalid('trust-domain', 'The federated bundles must not include our own trust domain.')
      roots.set(trustDomain, readRoots(value))
    } catch (error) {
      notes.push(alarm('federated-bundle', `A federated bundle is left out: ${asStintError(error).message}`))
    }
  }
}

function readRoots(value: Uint8Array): readonly Certificate[] {
  const roots = split(value, MAX_ROOTS, bundleInvalid).map((der) => rootFromDer(der))
  if (roots.length === 0) throw bundleInvalid('keys', 'The bundle of the Workload API holds no certificate.')
  checkNames(roots)
  return roots
}

function split(bytes: Uint8Array, limit: number, refusal: typeof svidInvalid): readonly Uint8Array[] {
  try {
    return splitDer(bytes, limit)
  } catch (error) {
    throw refusal('der', 'The Workload API sent something other than DER certificates.', error)
  }
}
