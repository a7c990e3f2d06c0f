import { isJsonObject, type StrictJson } from '../../core/documents/strict-json.ts'
import { asStintError } from '../../core/errors.ts'
import { type JwtAuthority, readBundleKeys } from '../bundle/bundle-keys.ts'
import { alarm, type BundleNote, bundleInvalid } from '../bundle/bundle-problems.ts'
import { readBundleDocument } from '../bundle/trust-bundle.ts'
import type { JwtBundlesResponse } from './definition.ts'
import { parseBundleKey } from './x509-context.ts'

/** One message of `FetchJWTBundles`. Immutable. */
export interface JwtBundles {
  /** By trust domain, then by `kid`; for JWT-SVIDs only. */
  readonly authorities: ReadonlyMap<string, ReadonlyMap<string, JwtAuthority>>
  /** Trust domains whose bundle came and could not be used, with no keys of before to keep. */
  readonly unreadable: ReadonlySet<string>
  readonly notes: readonly BundleNote[]
}

const MAX_TRUST_DOMAINS = 1_024

/**
 * Reads a message of `FetchJWTBundles`. A bundle that cannot be used is an alarm, and its trust domain keeps the keys of
 * the message before: only a message that no longer names a trust domain ends trust in it.
 *
 * @param before what the message before came to.
 * @throws {StintError} BUNDLE_INVALID: the message has to be discarded.
 * @see SPIFFE Workload API, section 6.2
 */
export function readJwtBundles({ bundles }: JwtBundlesResponse, before?: JwtBundles): JwtBundles {
  const entries = Object.entries(bundles)
  if (entries.length === 0) throw bundleInvalid('workload-api', 'The message of the Workload API has no bundle.')
  if (entries.length > MAX_TRUST_DOMAINS) throw bundleInvalid('size', `More than ${MAX_TRUST_DOMAINS} trust domains.`)
  const authorities = new Map<string, ReadonlyMap<string, JwtAuthority>>()
  const unreadable = new Set<string>()
  const notes: BundleNote[] = []
  for (const [key, value] of entries) {
    let trustDomain: string | undefined
    try {
      trustDomain = parseBundleKey(key)
      const read = readBundleKeys(jwtKeys(value))
      authorities.set(trustDomain, read.jwtAuthorities)
      notes.push(...read.notes)
    } catch (error) {
      const held = trustDomain === undefined ? undefined : before?.authorities.get(trustDomain)
      if (trustDomain !== undefined) {
        if (held) authorities.set(trustDomain, held)
        else unreadable.add(trustDomain)
      }
      notes.push(unusable(trustDomain, { keepsKeys: held !== undefined, error }))
    }
  }
  return { authorities, unreadable, notes }
}

function unusable(
  trustDomain: string | undefined,
  { keepsKeys, error }: { keepsKeys: boolean; error: unknown },
): BundleNote {
  const whose = trustDomain === undefined ? 'A JWT bundle' : `The JWT bundle of ${trustDomain}`
  const consequence = keepsKeys ? 'the previous keys stay in use' : 'it is ignored'
  return alarm('jwt-bundle', `${whose} cannot be used, ${consequence}: ${asStintError(error).message}`)
}

/**
 * The keys of a JWKS that may sign JWT-SVIDs. SPIRE leaves out `use`, other than in a bundle of a federation endpoint:
 * there a key without `use` counts for nothing, here only a key with another use does.
 */
function jwtKeys(document: Uint8Array): readonly StrictJson[] {
  const { keys } = readBundleDocument(utf8(document))
  if (!Array.isArray(keys)) throw bundleInvalid('keys', 'A JWT bundle must have the array keys.')
  return (keys as readonly StrictJson[]).filter(mayVerifyJwts).map((key) => ({ ...key, use: 'jwt-svid' }))
}

function mayVerifyJwts(key: StrictJson): key is { readonly [member: string]: StrictJson } {
  return isJsonObject(key) && (key.use === undefined || key.use === 'sig' || key.use === 'jwt-svid')
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw bundleInvalid('json', 'The bundle is not UTF-8 text.', error)
  }
}
