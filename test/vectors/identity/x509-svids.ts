import type { Signer } from '../../../src/practice/stage/certificates.ts'
import { generateKeys } from '../../../src/practice/stage/certificates.ts'
import type { LeafParts } from '../../support/pki.ts'
import {
  basicConstraints,
  bundleOfRoots,
  chainOf,
  der,
  extendedUsage,
  issue,
  keyUsage,
  leafExtensions,
  nameConstraint,
  oddKeys,
  rawExtension,
  rsaKeys,
  signerExtensions,
  Usage,
  uriNames,
} from '../../support/pki.ts'

/** What a case makes: a chain as the peer sends it, and the bundles by trust domain. */
export interface X509Case {
  readonly chain: readonly Uint8Array[]
  readonly bundles: { readonly [trustDomain: string]: string }
}

/** `check`: the check that must refuse it; `code` when that is not SVID_INVALID. Neither: it is accepted. */
export interface X509Vector {
  readonly id: string
  readonly name: string
  readonly source: string
  readonly check?: string
  readonly code?: string
  make(): Promise<X509Case>
}

const ID = 'spiffe://a.test/x'
const DAY_MS = 24 * 3_600_000

const root = (more: Partial<Parameters<typeof issue>[0]> = {}): Promise<Signer> =>
  issue({ subject: 'CN=root', extensions: signerExtensions(), to: DAY_MS, ...more })

const intermediate = (issuer: Signer, more: Partial<Parameters<typeof issue>[0]> = {}): Promise<Signer> =>
  issue({ issuer, subject: 'CN=intermediate', extensions: signerExtensions(), to: DAY_MS, ...more })

const leaf = (
  issuer: Signer,
  parts: LeafParts = {},
  more: Partial<Parameters<typeof issue>[0]> = {},
): Promise<Signer> => issue({ issuer, subject: 'CN=leaf', extensions: leafExtensions(ID, parts), ...more })

const under = (anchor: Signer, ...chain: readonly Signer[]): X509Case => ({
  chain: chainOf(...chain),
  bundles: { 'a.test': bundleOfRoots(anchor) },
})

/** A leaf with these parts, directly under the root of its trust domain. */
const single = async (parts: LeafParts, more: Partial<Parameters<typeof issue>[0]> = {}): Promise<X509Case> => {
  const anchor = await root()
  return under(anchor, await leaf(anchor, parts, more))
}

/** A good leaf below an intermediate that is odd in some way. */
const below = async (more: Partial<Parameters<typeof issue>[0]>, parts: LeafParts = {}): Promise<X509Case> => {
  const anchor = await root()
  const middle = await intermediate(anchor, more)
  return under(anchor, await leaf(middle, parts), middle)
}

const constrained = (
  kind: 'permitted' | 'excluded',
  tag: number,
  name: Uint8Array | string,
  parts: LeafParts = {},
): Promise<X509Case> => below({ extensions: signerExtensions({ more: [nameConstraint(kind, tag, name)] }) }, parts)

const dns = (value: string): LeafParts => ({ san: uriNames([ID], { more: [{ type: 'dns', value }] }) })

export const X509_VECTORS: readonly X509Vector[] = [
  { id: 'X1', name: 'a leaf under an intermediate', source: 'X509-SVID 5', make: () => below({}) },
  { id: 'X2', name: 'a leaf directly under the root', source: 'X509-SVID 5', make: () => single({}) },
  {
    id: 'X3',
    name: 'one of several roots',
    source: 'X509-SVID 6.2',
    make: async () => {
      const [older, newer] = [await root(), await root()]
      return { chain: chainOf(await leaf(newer)), bundles: { 'a.test': bundleOfRoots(older, newer) } }
    },
  },
  {
    id: 'X4',
    name: 'an empty chain',
    source: 'X509-SVID 5',
    check: 'chain-empty',
    make: async () => under(await root()),
  },
  {
    id: 'X5',
    name: 'a trust domain without a bundle',
    source: 'SPIFFE Workload API 4.6',
    code: 'TRUST_DOMAIN_UNKNOWN',
    make: async () => {
      const anchor = await root()
      return { chain: chainOf(await leaf(anchor)), bundles: { 'b.test': bundleOfRoots(anchor) } }
    },
  },
  {
    id: 'X6',
    name: 'a bundle without roots',
    source: 'SPIFFE Bundle 4.1.3',
    check: 'path',
    make: async () => ({ chain: chainOf(await leaf(await root())), bundles: { 'a.test': '{"keys":[]}' } }),
  },
  {
    id: 'X7',
    name: 'an ID signed by the CA of another known trust domain',
    source: 'SPIFFE Federation 7.3',
    check: 'path',
    make: async () => {
      const [ours, theirs] = [await root({ subject: 'CN=a' }), await root({ subject: 'CN=b' })]
      return {
        chain: chainOf(await leaf(theirs)),
        bundles: { 'a.test': bundleOfRoots(ours), 'b.test': bundleOfRoots(theirs) },
      }
    },
  },
  {
    id: 'X8',
    name: 'another root of the same name',
    source: 'X509-SVID 5.1',
    check: 'signature',
    make: async () => {
      const [ours, other] = [await root(), await root()]
      return under(ours, await leaf(other))
    },
  },
  {
    id: 'X9',
    name: 'a missing intermediate',
    source: 'X509-SVID 5.1',
    check: 'path',
    make: async () => {
      const anchor = await root()
      return under(anchor, await leaf(await intermediate(anchor)))
    },
  },
  {
    id: 'X10',
    name: 'no URI',
    source: 'X509-SVID 2',
    check: 'uri-san',
    make: () => single({ san: uriNames([], { more: [{ type: 'dns', value: 'a.test' }] }) }),
  },
  {
    id: 'X10',
    name: 'no subject alternative name',
    source: 'X509-SVID 2',
    check: 'uri-san',
    make: () => single({ san: null }),
  },
  {
    id: 'X11',
    name: 'two SPIFFE IDs',
    source: 'X509-SVID 5.2',
    check: 'uri-san',
    make: () => single({ san: uriNames([ID, 'spiffe://b.test/y']) }),
  },
  {
    id: 'X12',
    name: 'a SPIFFE ID and another URI',
    source: 'X509-SVID 2',
    check: 'uri-san',
    make: () => single({ san: uriNames([ID, 'https://a.test/x']) }),
  },
  {
    id: 'X15',
    name: 'DNS and IP names beside the ID',
    source: 'X509-SVID 2',
    make: () =>
      single({
        san: uriNames([ID], {
          more: [
            { type: 'dns', value: 'localhost' },
            { type: 'ip', value: '127.0.0.1' },
          ],
        }),
      }),
  },
  {
    id: 'X16',
    name: 'a URI of another scheme',
    source: 'X509-SVID 5.2',
    check: 'spiffe-id',
    make: () => single({ san: uriNames(['https://a.test/x']) }),
  },
  {
    id: 'X16',
    name: 'a URI of a scheme that looks alike',
    source: 'X509-SVID 5.2',
    check: 'spiffe-id',
    make: () => single({ san: uriNames(['sparfe://a.test/x']) }),
  },
  {
    id: 'X17',
    name: 'a malformed SPIFFE ID',
    source: 'SPIFFE-ID 2.2',
    check: 'spiffe-id',
    make: () => single({ san: uriNames(['spiffe://a.test/x y']) }),
  },
  {
    id: 'X19',
    name: 'the ID of the trust domain itself',
    source: 'X509-SVID 5.2',
    check: 'root-path',
    make: () => single({ san: uriNames(['spiffe://a.test']) }),
  },
  {
    id: 'X20',
    name: 'a leaf that is a CA',
    source: 'X509-SVID 5.2',
    check: 'leaf-not-signing',
    make: () => single({ basic: basicConstraints(true) }),
  },
  {
    id: 'X21',
    name: 'a leaf with keyCertSign',
    source: 'X509-SVID 5.2',
    check: 'leaf-not-signing',
    make: () => single({ usage: keyUsage(Usage.digitalSignature | Usage.keyCertSign) }),
  },
  {
    id: 'X22',
    name: 'a leaf with cRLSign',
    source: 'X509-SVID 5.2',
    check: 'leaf-not-signing',
    make: () => single({ usage: keyUsage(Usage.digitalSignature | Usage.cRLSign) }),
  },
  {
    id: 'X23',
    name: 'a leaf without digitalSignature',
    source: 'X509-SVID 4.3',
    check: 'key-usage',
    make: () => single({ usage: keyUsage(Usage.keyAgreement) }),
  },
  {
    id: 'X24',
    name: 'a leaf without key usage',
    source: 'X509-SVID 4.3, policy',
    check: 'key-usage',
    make: () => single({ usage: null }),
  },
  {
    id: 'X24',
    name: 'a key usage that is not critical',
    source: 'X509-SVID 4.3, policy',
    check: 'key-usage',
    make: () => single({ usage: keyUsage(Usage.digitalSignature, false) }),
  },
  { id: 'X25', name: 'no basic constraints', source: 'X509-SVID 4.1', make: () => single({ basic: null }) },
  {
    id: 'X26',
    name: 'an extended key usage without clientAuth',
    source: 'X509-SVID 4.4',
    check: 'extended-key-usage',
    make: () => single({ extended: extendedUsage('serverAuth') }),
  },
  {
    id: 'X27',
    name: 'an extended key usage without serverAuth',
    source: 'X509-SVID 4.4, policy',
    check: 'extended-key-usage',
    make: () => single({ extended: extendedUsage('clientAuth') }),
  },
  { id: 'X28', name: 'no extended key usage', source: 'X509-SVID 4.4', make: () => single({ extended: null }) },
  {
    id: 'X29',
    name: 'an expired leaf',
    source: 'X509-SVID 5.1',
    code: 'SVID_EXPIRED',
    check: 'not-after',
    make: () => single({}, { from: -2000, to: -1000 }),
  },
  {
    id: 'X29',
    name: 'a leaf that is not valid yet',
    source: 'X509-SVID 5.1',
    code: 'SVID_EXPIRED',
    check: 'not-before',
    make: () => single({}, { from: 1000 }),
  },
  {
    id: 'X30',
    name: 'an expired intermediate',
    source: 'X509-SVID 5.1',
    code: 'SVID_EXPIRED',
    check: 'not-after',
    make: () => below({ from: -2000, to: -1000 }),
  },
  {
    id: 'X30',
    name: 'an expired root',
    source: 'X509-SVID 5.1',
    code: 'SVID_EXPIRED',
    check: 'not-after',
    make: async () => {
      const anchor = await root({ from: -2000, to: -1000 })
      return under(anchor, await leaf(anchor))
    },
  },
  {
    id: 'X31',
    name: 'an intermediate that is no CA but has keyCertSign',
    source: 'X509-SVID 3.2',
    check: 'issuer-ca',
    make: () => below({ extensions: signerExtensions({ basic: basicConstraints(false) }) }),
  },
  {
    id: 'X31',
    name: 'an intermediate without basic constraints',
    source: 'RFC 5280 6.1.4 (k)',
    check: 'issuer-ca',
    make: () => below({ extensions: signerExtensions({ basic: null }) }),
  },
  {
    id: 'X32',
    name: 'an intermediate without key usage',
    source: 'X509-SVID 4.3',
    check: 'issuer-key-usage',
    make: () => below({ extensions: signerExtensions({ usage: null }) }),
  },
  {
    id: 'X32',
    name: 'an intermediate that may not sign certificates',
    source: 'X509-SVID 4.3',
    check: 'path',
    make: () => below({ extensions: signerExtensions({ usage: keyUsage(Usage.cRLSign) }) }),
  },
  {
    id: 'X33',
    name: 'more intermediates than a path length allows',
    source: 'RFC 5280 6.1.4 (l)',
    check: 'path-length',
    make: async () => {
      const anchor = await root({ extensions: signerExtensions({ basic: basicConstraints(true, 0) }) })
      const middle = await intermediate(anchor)
      return under(anchor, await leaf(middle), middle)
    },
  },
  {
    id: 'X33',
    name: 'no more intermediates than a path length allows',
    source: 'RFC 5280 6.1.4 (l)',
    make: () => below({ extensions: signerExtensions({ basic: basicConstraints(true, 0) }) }),
  },
  {
    id: 'X34',
    name: 'a critical extension that nobody here knows',
    source: 'RFC 5280 4.2',
    check: 'extension-critical',
    make: () => single({ more: [rawExtension('1.2.3.4', true, '0500')] }),
  },
  {
    id: 'X34',
    name: 'an unknown extension that is not critical',
    source: 'RFC 5280 4.2',
    make: () => single({ more: [rawExtension('1.2.3.4', false, '0500')] }),
  },
  {
    id: 'X34',
    name: 'the same extension twice',
    source: 'RFC 5280 4.2',
    check: 'extension-duplicate',
    make: () => single({ more: [rawExtension('1.2.3.4', false, '0500'), rawExtension('1.2.3.4', false, '0500')] }),
  },
  {
    id: 'X35',
    name: 'a trust domain outside a name constraint',
    source: 'X509-SVID 4.2',
    check: 'name-constraints',
    make: () => constrained('permitted', 6, 'other.test'),
  },
  {
    id: 'X35',
    name: 'a trust domain that a name constraint excludes',
    source: 'X509-SVID 4.2',
    check: 'name-constraints',
    make: () => constrained('excluded', 6, 'a.test'),
  },
  {
    id: 'X35',
    name: 'a trust domain within a name constraint',
    source: 'X509-SVID 4.2',
    make: () => constrained('permitted', 6, 'a.test'),
  },
  {
    id: 'X35',
    name: 'a trust domain below a permitted one',
    source: 'RFC 5280 4.2.1.10',
    make: () => constrained('permitted', 6, '.test'),
  },
  {
    id: 'X35',
    name: 'a name constraint on the names above only',
    source: 'RFC 5280 4.2.1.10',
    check: 'name-constraints',
    make: () => constrained('permitted', 6, '.a.test'),
  },
  {
    id: 'X35',
    name: 'a DNS name outside a name constraint',
    source: 'RFC 5280 4.2.1.10',
    check: 'name-constraints',
    make: () => constrained('permitted', 2, 'good.test', dns('evilgood.test')),
  },
  {
    id: 'X35',
    name: 'a DNS name within a name constraint',
    source: 'RFC 5280 4.2.1.10',
    make: () => constrained('permitted', 2, 'good.test', dns('www.good.test')),
  },
  {
    id: 'X35',
    name: 'a wildcard under an excluded DNS name',
    source: 'RFC 5280 4.2.1.10; CVE-2025-61727',
    check: 'name-constraints',
    make: () => constrained('excluded', 2, 'www.good.test', dns('*.good.test')),
  },
  {
    id: 'X35',
    name: 'a name constraint of a form that is not understood',
    source: 'RFC 5280 4.2.1.10',
    check: 'name-constraints',
    make: () => constrained('permitted', 7, new Uint8Array([127, 0, 0, 0, 255, 0, 0, 0])),
  },
  {
    id: 'X38',
    name: 'the root itself',
    source: 'X509-SVID 3.2',
    check: 'leaf-not-signing',
    make: async () => {
      const anchor = await root()
      return under(anchor, anchor)
    },
  },
  {
    id: 'X39',
    name: 'an intermediate whose ID has a path',
    source: 'X509-SVID 3.2, policy',
    check: 'issuer-id',
    make: () => below({ extensions: signerExtensions({ more: [uriNames(['spiffe://a.test/int'])] }) }),
  },
  {
    id: 'X39',
    name: 'an intermediate with the ID of another trust domain',
    source: 'X509-SVID 3.2, policy',
    check: 'issuer-id',
    make: () => below({ extensions: signerExtensions({ more: [uriNames(['spiffe://b.test'])] }) }),
  },
  {
    id: 'X39',
    name: 'an intermediate with the ID of its trust domain',
    source: 'X509-SVID 3.2',
    make: () => below({ extensions: signerExtensions({ more: [uriNames(['spiffe://a.test'])] }) }),
  },
  {
    id: 'X40',
    name: 'an empty subject with critical names',
    source: 'X509-SVID 3.1',
    make: () => single({ san: uriNames([ID], { critical: true }) }, { subject: '' }),
  },
  {
    id: 'X41',
    name: 'an empty subject with names that are not critical',
    source: 'X509-SVID 3.1, policy',
    check: 'san-critical',
    make: () => single({}, { subject: '' }),
  },
  {
    id: 'X43',
    name: 'PEM in the place of DER',
    source: 'SPIFFE Workload API 5.1',
    check: 'der',
    make: async () => {
      const anchor = await root()
      const { certificate } = await leaf(anchor)
      return { ...under(anchor), chain: [Buffer.from(certificate.toString('pem'))] }
    },
  },
  {
    id: 'X43',
    name: 'bytes after the certificate',
    source: 'X.690 10',
    check: 'der',
    make: async () => {
      const anchor = await root()
      const [bytes = new Uint8Array()] = chainOf(await leaf(anchor))
      return { ...under(anchor), chain: [Buffer.concat([bytes, Buffer.from([0])])] }
    },
  },
  {
    id: 'X44',
    name: 'a key of RSA 1024',
    source: 'policy',
    check: 'key',
    make: async () => single({}, { keys: await rsaKeys(1024, 'SHA-256') }),
  },
  {
    id: 'X44',
    name: 'a key of RSA 2048',
    source: 'policy',
    make: async () => single({}, { keys: await rsaKeys(2048, 'SHA-256') }),
  },
  {
    id: 'X44',
    name: 'a key on secp256k1',
    source: 'policy',
    check: 'key',
    make: async () => single({}, { keys: await oddKeys('secp256k1') }),
  },
  {
    id: 'X44',
    name: 'a signature with SHA-1',
    source: 'policy',
    check: 'signature-algorithm',
    make: async () => {
      const sha1 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1' }
      const keys = await rsaKeys(2048, 'SHA-1')
      const middle = await issue({ subject: 'CN=sha1', extensions: signerExtensions(), keys, signingAlgorithm: sha1 })
      return under(await root(), await leaf(middle, {}, { signingAlgorithm: sha1 }))
    },
  },
  {
    id: 'X45',
    name: 'an unordered chain with the root in it',
    source: 'RFC 8446 4.4.2',
    make: async () => {
      const anchor = await root()
      const one = await intermediate(anchor, { subject: 'CN=one' })
      const two = await intermediate(one, { subject: 'CN=two' })
      return under(anchor, await leaf(two), anchor, one, two)
    },
  },
  {
    id: 'X45',
    name: 'a stranger in the chain',
    source: 'RFC 8446 4.4.2',
    make: async () => {
      const anchor = await root()
      return under(anchor, await leaf(anchor), await root({ subject: 'CN=stranger' }))
    },
  },
  {
    id: 'X46',
    name: 'a path that is too long',
    source: 'policy',
    check: 'chain-length',
    make: async () => {
      const anchor = await root()
      const chain = [anchor]
      for (let i = 0; i < 6; i++) chain.unshift(await intermediate(chain[0] ?? anchor, { subject: `CN=${i}` }))
      return under(anchor, await leaf(chain[0] ?? anchor), ...chain.slice(0, -1))
    },
  },
  {
    id: 'X46',
    name: 'many intermediates of one name and another key',
    source: 'SPIRE 1.14.2 (CPU exhaustion)',
    check: 'signature',
    make: async () => {
      const anchor = await root()
      const keys = await generateKeys()
      const fakes = await Promise.all([1, 2, 3, 4, 5].map(() => intermediate(anchor, { subject: 'CN=same' })))
      const real = await intermediate(anchor, { subject: 'CN=same', keys })
      return under(anchor, await leaf(real), ...fakes)
    },
  },
  {
    id: 'X46',
    name: 'BER in an extension (a length in its long form)',
    source: 'X.690 10.1',
    check: 'der',
    make: () => single({ basic: rawExtension('2.5.29.19', true, '308100') }),
  },
  {
    id: 'X46',
    name: 'an extension that has more than its value',
    source: 'X.690 10',
    check: 'der',
    make: () => single({ basic: rawExtension('2.5.29.19', true, `${der(0x30, new Uint8Array()).toString('hex')}00`) }),
  },
]
