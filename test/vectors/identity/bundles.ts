/**
 * SPIFFE bundles and what must be left of each. Placeholders stand for keys that the test makes: `$ROOT` the base64 DER
 * of a root and `$ROOTKEY` the public members of its key, `$LEAF` and `$LEAFKEY` those of a certificate that is no CA,
 * `$RSAROOT` and `$RSAROOTKEY` those of a root with an RSA key, `$EC` and `$RSA` the public members of other keys.
 */
export interface BundleVector {
  readonly id: string
  readonly name: string
  readonly source: string
  readonly text: string
  /** The check that must refuse the whole document. */
  readonly check?: string
  readonly roots?: number
  readonly jwtKeys?: number
  readonly notes?: readonly string[]
  readonly sequence?: bigint
  readonly hint?: number
}

const ROOT = '{"use":"x509-svid",$ROOTKEY,"x5c":["$ROOT"]}'
const JWT = '{"use":"jwt-svid","kid":"k",$EC}'
const doc = (keys: string, more = ''): string => `{"keys":[${keys}]${more}}`

export const BUNDLE_VECTORS: readonly BundleVector[] = [
  {
    id: 'B1',
    name: 'a whole bundle',
    source: 'Bundle 4',
    text: doc(`${ROOT},${JWT}`, ',"spiffe_refresh_hint":300,"spiffe_sequence":7'),
    roots: 1,
    jwtKeys: 1,
    notes: [],
    sequence: 7n,
    hint: 300,
  },
  { id: 'B2', name: 'no keys', source: 'Bundle 4.1.3', text: '{"spiffe_sequence":1}', check: 'keys' },
  { id: 'B2', name: 'keys that are no array', source: 'Bundle 4.1.3', text: '{"keys":{}}', check: 'keys' },
  { id: 'B2', name: 'keys that are null', source: 'Bundle 4.1.3', text: '{"keys":null}', check: 'keys' },
  { id: 'B2', name: 'a document that is no object', source: 'Bundle 4', text: '[]', check: 'shape' },
  { id: 'B2', name: 'a document that is no JSON', source: 'Bundle 4', text: '{"keys":[', check: 'json' },
  {
    id: 'B3',
    name: 'an empty list of keys',
    source: 'Bundle 4.1.3',
    text: doc(''),
    roots: 0,
    jwtKeys: 0,
    notes: ['nothing-trusted'],
  },
  {
    id: 'B4',
    name: 'a key without use',
    source: 'Bundle 4.2.2',
    text: doc(`${ROOT},{"kty":"EC","x5c":["$ROOT"]}`),
    roots: 1,
    jwtKeys: 0,
    notes: ['key-use'],
  },
  {
    id: 'B5',
    name: 'keys of unknown use',
    source: 'Bundle 4.2.2',
    text: doc(
      `${ROOT},{"use":"X509-SVID","kty":"EC","x5c":["$ROOT"]},{"use":"sig","kid":"s",$EC},{"use":"wit-svid","kid":"w",$EC}`,
    ),
    roots: 1,
    jwtKeys: 0,
    notes: ['key-use', 'key-use'],
  },
  {
    id: 'B6',
    name: 'keys of unknown kty',
    source: 'Bundle 4.2.1',
    text: doc(
      `${JWT},{"use":"jwt-svid","kid":"a","kty":"XX"},{"use":"jwt-svid","kid":"b","kty":"OKP","crv":"Ed25519","x":"AA"},{"use":"jwt-svid","kid":"c","kty":"AKP"}`,
    ),
    roots: 0,
    jwtKeys: 1,
    notes: ['key-type', 'key-type', 'key-type'],
  },
  {
    id: 'B7',
    name: 'a root without x5c, or with an empty one',
    source: 'X509-SVID 6.2',
    text: doc(`${ROOT},{"use":"x509-svid","kty":"EC"},{"use":"x509-svid","kty":"EC","x5c":[]}`),
    roots: 1,
    jwtKeys: 0,
    notes: ['x5c-missing', 'x5c-missing'],
  },
  {
    id: 'B8',
    name: 'two certificates in one x5c',
    source: 'X509-SVID 6.2',
    text: doc('{"use":"x509-svid",$ROOTKEY,"x5c":["$ROOT","$LEAF"]}'),
    roots: 1,
    jwtKeys: 0,
    notes: ['x5c-many'],
  },
  {
    id: 'B9',
    name: 'an x5c that is no CA',
    source: 'X509-SVID 6.1',
    text: doc('{"use":"x509-svid",$LEAFKEY,"x5c":["$LEAF"]}'),
    roots: 0,
    jwtKeys: 0,
    notes: ['x5c-unusable', 'nothing-trusted'],
  },
  {
    id: 'B9',
    name: 'an x5c that is no certificate',
    source: 'X509-SVID 6.1',
    text: doc('{"use":"x509-svid","kty":"EC","x5c":["AAAA"]}'),
    roots: 0,
    jwtKeys: 0,
    notes: ['x5c-unusable', 'nothing-trusted'],
  },
  {
    id: 'B9',
    name: 'an x5c in base64url',
    source: 'RFC 7517 4.7',
    text: doc('{"use":"x509-svid","kty":"EC","x5c":["$URL"]}'),
    roots: 0,
    jwtKeys: 0,
    notes: ['x5c-encoding', 'nothing-trusted'],
  },
  {
    id: 'B11',
    name: 'JWT keys without kid',
    source: 'JWT-SVID 6.1',
    text: doc(`${ROOT},{"use":"jwt-svid",$EC},{"use":"jwt-svid","kid":" ",$EC}`),
    roots: 1,
    jwtKeys: 0,
    notes: ['kid-missing', 'kid-missing'],
  },
  ...[
    { name: 'an EC key that is not that of its x5c', key: '$EC', x5c: '$ROOT' },
    { name: 'an RSA key that is not that of its x5c', key: '$RSA', x5c: '$RSAROOT' },
    { name: 'an EC key whose x5c is for an RSA key', key: '$ROOTKEY', x5c: '$RSAROOT' },
    { name: 'an RSA key whose x5c is for an EC key', key: '$RSA', x5c: '$ROOT' },
    { name: 'an x5c beside a key without its numbers', key: '"kty":"EC"', x5c: '$ROOT' },
    { name: 'an x5c beside an RSA key without its numbers', key: '"kty":"RSA"', x5c: '$RSAROOT' },
  ].map(({ name, key, x5c }) => ({
    id: 'B10',
    name,
    source: 'RFC 7517 4.7',
    text: doc(`${JWT},{"use":"x509-svid",${key},"x5c":["${x5c}"]}`),
    roots: 0,
    jwtKeys: 1,
    notes: ['x5c-mismatch'],
  })),
  {
    id: 'B10',
    name: 'an RSA root whose numbers are those of its x5c',
    source: 'RFC 7517 4.7',
    text: doc('{"use":"x509-svid",$RSAROOTKEY,"x5c":["$RSAROOT"]}'),
    roots: 1,
    jwtKeys: 0,
    notes: [],
  },
  {
    id: 'B10',
    name: 'a JWT key that is not that of its x5c',
    source: 'RFC 7517 4.7',
    text: doc(`${ROOT},{"use":"jwt-svid","kid":"k",$EC,"x5c":["$LEAF"]}`),
    roots: 1,
    jwtKeys: 0,
    notes: ['x5c-mismatch'],
  },
  {
    id: 'B10',
    name: 'a JWT key that is that of its x5c',
    source: 'RFC 7517 4.7',
    text: doc(`${ROOT},{"use":"jwt-svid","kid":"k",$LEAFKEY,"x5c":["$LEAF"]}`),
    roots: 1,
    jwtKeys: 1,
    notes: [],
  },
  ...[
    { name: 'two JWT keys of one kid', keys: `${JWT},{"use":"jwt-svid","kid":"k",$RSA}` },
    { name: 'one JWT key twice', keys: `${JWT},${JWT}` },
    { name: 'a WIT key of the kid of a JWT key', keys: `{"use":"wit-svid","kid":"k",$RSA},${JWT}` },
    { name: 'two WIT keys of one kid', keys: '{"use":"wit-svid","kid":"k",$EC},{"use":"wit-svid","kid":"k",$RSA}' },
    { name: 'a root of the kid of a JWT key', keys: `${JWT},{"use":"x509-svid","kid":"k",$ROOTKEY,"x5c":["$ROOT"]}` },
  ].map(({ name, keys }) => ({
    id: 'B12',
    name,
    source: 'RFC 7517 4.5; WIT-SVID 6.1',
    text: doc(keys),
    check: 'kid-repeated',
  })),
  {
    id: 'B12',
    name: 'a kid repeated by keys that are ignored anyway',
    source: 'Bundle 4.2',
    text: doc(
      `${JWT},{"use":"sig","kid":"k",$EC},{"use":"jwt-svid","kid":"k","kty":"AKP"},{"kid":"k",$EC},{"use":"x509-svid","kid":"r",$ROOTKEY,"x5c":["$ROOT"]},{"use":"x509-svid","kid":"r",$RSAROOTKEY,"x5c":["$RSAROOT"]}`,
    ),
    roots: 2,
    jwtKeys: 1,
    notes: ['key-use', 'key-type', 'key-use'],
  },
  {
    id: 'B13',
    name: 'a private key',
    source: 'RFC 7517 9.2, policy',
    text: doc(`${ROOT},{"use":"jwt-svid","kid":"k",$EC,"d":"AA"}`),
    roots: 1,
    jwtKeys: 0,
    notes: ['key-secret'],
  },
  {
    id: 'B13',
    name: 'a symmetric key',
    source: 'RFC 7517 9.2, policy',
    text: doc(`${ROOT},{"use":"jwt-svid","kid":"k","kty":"oct","k":"AA"}`),
    roots: 1,
    jwtKeys: 0,
    notes: ['key-secret'],
  },
  {
    id: 'B14',
    name: 'unknown members',
    source: 'Bundle 4.1',
    text: doc(ROOT, ',"x":1,"__proto__":{"keys":[]}'),
    roots: 1,
    jwtKeys: 0,
    notes: [],
  },
  {
    id: 'B15',
    name: 'a hint of 0',
    source: 'Bundle 4.1.2',
    text: doc(ROOT, ',"spiffe_refresh_hint":0'),
    roots: 1,
    jwtKeys: 0,
    notes: [],
    hint: 60,
  },
  {
    id: 'B15',
    name: 'a negative hint',
    source: 'Bundle 4.1.2',
    text: doc(ROOT, ',"spiffe_refresh_hint":-5'),
    roots: 1,
    jwtKeys: 0,
    notes: [],
    hint: 60,
  },
  {
    id: 'B15',
    name: 'a hint of 10^12',
    source: 'Bundle 4.1.2',
    text: doc(ROOT, ',"spiffe_refresh_hint":1000000000000'),
    roots: 1,
    jwtKeys: 0,
    notes: [],
    hint: 86_400,
  },
  {
    id: 'B15',
    name: 'a hint that is a text',
    source: 'Bundle 4.1.2',
    text: doc(ROOT, ',"spiffe_refresh_hint":"300"'),
    roots: 1,
    jwtKeys: 0,
    notes: ['refresh-hint'],
  },
  {
    id: 'B17',
    name: 'a sequence beyond 2^53',
    source: 'Bundle 4.1.1',
    text: doc(ROOT, ',"spiffe_sequence":18446744073709551615'),
    roots: 1,
    jwtKeys: 0,
    notes: [],
    sequence: 18_446_744_073_709_551_615n,
  },
  {
    id: 'B17',
    name: 'a sequence that is no integer',
    source: 'Bundle 4.1.1',
    text: doc(ROOT, ',"spiffe_sequence":1.5'),
    check: 'sequence',
  },
  {
    id: 'B17',
    name: 'a sequence beyond 2^64',
    source: 'Bundle 4.1.1',
    text: doc(ROOT, ',"spiffe_sequence":18446744073709551616'),
    check: 'sequence',
  },
  { id: 'B17', name: 'a key twice', source: 'RFC 8259 4', text: '{"keys":[],"keys":[]}', check: 'json' },
  {
    id: 'B20',
    name: 'keys of unknown use only',
    source: 'Bundle 4.1.3',
    text: doc('{"use":"new","kty":"EC"}'),
    roots: 0,
    jwtKeys: 0,
    notes: ['key-use', 'nothing-trusted'],
  },
  {
    id: 'B21',
    name: 'a JWT key that cannot be read, one on secp256k1, one for another algorithm',
    source: 'JWT-SVID 2.1',
    text: doc(
      `${ROOT},{"use":"jwt-svid","kid":"a","kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"use":"jwt-svid","kid":"b","kty":"EC","crv":"secp256k1","x":"AA","y":"AA"},{"use":"jwt-svid","kid":"c","alg":"HS256",$EC}`,
    ),
    roots: 1,
    jwtKeys: 0,
    notes: ['key-unusable', 'key-unusable', 'key-unusable'],
  },
]

/** Bundle maps that must be refused (`check`) or read (`domains`). */
export const BUNDLE_MAP_VECTORS: readonly {
  id: string
  name: string
  source: string
  text: string
  check?: string
  domains?: readonly string[]
}[] = [
  {
    id: 'B18',
    name: 'two bundles',
    source: 'Bundle 5.1',
    text: '{"trust_domains":{"a.test":{"keys":[]},"__proto__":{"keys":[]}}}',
    domains: ['a.test', '__proto__'],
  },
  { id: 'B18', name: 'no trust_domains', source: 'Bundle 5.1.1', text: '{}', check: 'trust-domains' },
  {
    id: 'B18',
    name: 'a trust domain twice',
    source: 'Bundle 5.1.1',
    text: '{"trust_domains":{"a.test":{"keys":[]},"a.test":{"keys":[]}}}',
    check: 'json',
  },
  {
    id: 'B18',
    name: 'a trust domain twice, once escaped',
    source: 'Bundle 5.1.1',
    text: '{"trust_domains":{"a.test":{"keys":[]},"\\u0061.test":{"keys":[]}}}',
    check: 'json',
  },
  {
    id: 'B19',
    name: 'an upper-case trust domain',
    source: 'Bundle 5.1.1',
    text: '{"trust_domains":{"A.test":{"keys":[]}}}',
    check: 'trust-domain',
  },
  {
    id: 'B19',
    name: 'a trust domain with a path',
    source: 'Bundle 5.1.1',
    text: '{"trust_domains":{"a.test/x":{"keys":[]}}}',
    check: 'trust-domain',
  },
]
