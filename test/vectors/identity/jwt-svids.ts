import type { JwtSvidOrder } from '../../../src/practice/stage/pki.ts'

/** What the token is made from, over a good one, and what must become of it. */
export interface JwtVector {
  readonly id: string
  readonly name: string
  readonly source: string
  readonly claims?: { readonly [name: string]: unknown }
  readonly header?: NonNullable<JwtSvidOrder['header']>
  /** The payload as text, where JSON.stringify cannot write it; `IAT` stands for now. */
  readonly payload?: string
  /** Changes the finished token. */
  readonly spell?: (token: string) => string
  /** The check that must refuse it; without it the token is accepted. */
  readonly check?: string
  readonly code?: 'TOKEN_EXPIRED' | 'TRUST_DOMAIN_UNKNOWN'
  readonly rules?: { readonly soleAudience?: boolean; readonly maxLifetimeSeconds?: number }
}

/** Seconds of NOW in test/support/pki.ts. */
export const IAT = Date.parse('2026-11-21T12:00:00.000Z') / 1000
export const AUDIENCE = 'spiffe://a.test/stint'

/** A WIT-SVID has no audience and is bound to a key; it proves nothing without the proof of that key. */
const WIT = { aud: undefined, cnf: { jwk: { kty: 'EC', crv: 'P-256', alg: 'ES256' } } }
const payload = (members: string): string =>
  `{"sub":"spiffe://a.test/x","aud":"${AUDIENCE}","iat":${IAT},"exp":${IAT + 300}${members}}`
const [first, ...rest] = [`{"sub":"spiffe://a.test/x"`, `"aud":"${AUDIENCE}"`, `"iat":${IAT}`]

export const JWT_VECTORS: readonly JwtVector[] = [
  { id: 'J1', name: 'a plain token', source: 'JWT-SVID 2, 3' },
  { id: 'J3', name: 'no typ', source: 'JWT-SVID 2.3', header: { typ: undefined } },
  { id: 'J3', name: 'the typ JOSE', source: 'JWT-SVID 2.3', header: { typ: 'JOSE' } },
  ...['wit+jwt', 'at+jwt', 'invalid', '', null, 1, ['JWT']].map((typ) => ({
    id: 'J4',
    name: `the typ ${JSON.stringify(typ)}`,
    source: 'JWT-SVID 2.3',
    header: { typ },
    check: 'type',
  })),
  ...['jwt', 'application/JWT'].map((typ) => ({
    id: 'J5',
    name: `the typ ${typ}`,
    source: 'JWT-SVID 2.3, policy',
    header: { typ },
    check: 'type',
  })),
  {
    id: 'J8',
    name: 'an algorithm that is not of the key',
    source: 'JWT-SVID 4',
    header: { kid: 'rsa' },
    check: 'algorithm-key',
  },
  ...[undefined, '', ' ', 7, null].map((kid) => ({
    id: 'J9',
    name: `the kid ${JSON.stringify(kid)}`,
    source: 'JWT-SVID 2.2, policy',
    header: { kid },
    check: 'kid',
  })),
  { id: 'J10', name: 'an unknown kid', source: 'JWT-SVID 6.2', header: { kid: 'nobody' }, check: 'kid' },
  {
    id: 'J10',
    name: 'a kid that objects have by nature',
    source: 'JWT-SVID 6.2',
    header: { kid: 'constructor' },
    check: 'kid',
  },
  {
    id: 'J11',
    name: 'the kid of another trust domain',
    source: 'SPIFFE Workload API 6.3',
    header: { kid: 'b' },
    check: 'kid',
  },
  {
    id: 'J13',
    name: 'the signature of another key',
    source: 'JWT-SVID 4',
    header: { kid: 'other' },
    check: 'signature',
  },
  ...['jku', 'jwk', 'x5u', 'x5c', 'cty'].map((name) => ({
    id: 'J14',
    name: `the header ${name}`,
    source: 'JWT-SVID 2',
    header: { [name]: name === 'x5c' ? ['AA=='] : 'x' },
    check: 'header',
  })),
  {
    id: 'J16',
    name: 'the JSON form',
    source: 'JWT-SVID 5.1',
    spell: (token) => JSON.stringify({ payload: token.split('.')[1], signatures: [] }),
    check: 'form',
  },
  {
    id: 'J16',
    name: 'two parts',
    source: 'JWT-SVID 5.1',
    spell: (token) => token.split('.').slice(0, 2).join('.'),
    check: 'form',
  },
  {
    id: 'J16',
    name: 'an empty signature',
    source: 'JWT-SVID 5.1',
    spell: (token) => `${token.split('.').slice(0, 2).join('.')}.`,
    check: 'form',
  },
  { id: 'J16', name: 'four parts', source: 'JWT-SVID 5.1', spell: (token) => `${token}.AAAA`, check: 'form' },
  { id: 'J16', name: 'five parts', source: 'JWT-SVID 5.1', spell: (token) => `${token}.AAAA.AAAA`, check: 'form' },
  {
    id: 'J17',
    name: 'a line end after the token',
    source: 'RFC 7515 2',
    spell: (token) => `${token}\n`,
    check: 'encoding',
  },
  { id: 'J17', name: 'padding', source: 'RFC 7515 2', spell: (token) => `${token}==`, check: 'encoding' },
  {
    id: 'J17',
    name: 'another spelling of the last character',
    source: 'RFC 4648 3.5',
    spell: (token) => `${token.slice(0, -1)}${sibling(token.at(-1) ?? 'A')}`,
    check: 'encoding',
  },
  ...[undefined, '', null, 'x', 'https://a.test/x', 'SPIFFE://a.test/x', ['spiffe://a.test/x']].map((sub) => ({
    id: 'J18',
    name: `the sub ${JSON.stringify(sub)}`,
    source: 'JWT-SVID 3.1',
    claims: { sub },
    check: 'subject',
  })),
  {
    id: 'J19',
    name: 'a trust domain as sub',
    source: 'JWT-SVID 3.1, policy',
    claims: { sub: 'spiffe://a.test' },
    check: 'subject',
  },
  {
    id: 'J20',
    name: 'a sub of an unknown trust domain',
    source: 'SPIFFE Workload API 6.3',
    claims: { sub: 'spiffe://c.test/x' },
    code: 'TRUST_DOMAIN_UNKNOWN',
  },
  ...[undefined, [], '', 1, [1], null, [AUDIENCE, 1], {}].map((aud) => ({
    id: 'J21',
    name: `the aud ${JSON.stringify(aud)}`,
    source: 'JWT-SVID 3.2',
    claims: { aud },
    check: 'audience',
  })),
  ...['spiffe://a.test/other', 'spiffe://a.test/STINT', 'spiffe://a.test/stin', `${AUDIENCE}/`, `${AUDIENCE} `].map(
    (aud) => ({ id: 'J22', name: `the aud ${aud}`, source: 'JWT-SVID 3.2', claims: { aud }, check: 'audience' }),
  ),
  {
    id: 'J23',
    name: 'ours among other audiences where that is allowed',
    source: 'JWT-SVID 7.2',
    claims: { aud: ['other', AUDIENCE] },
    rules: { soleAudience: false },
  },
  {
    id: 'J23',
    name: 'ours among other audiences',
    source: 'JWT-SVID 7.2; draft-ietf-oauth-spiffe-client-auth',
    claims: { aud: ['other', AUDIENCE] },
    check: 'audience',
  },
  {
    id: 'J23',
    name: 'ours twice',
    source: 'JWT-SVID 7.2, policy',
    claims: { aud: [AUDIENCE, AUDIENCE] },
    check: 'audience',
  },
  ...[undefined, null, '1', true, -1, 1e15, [IAT + 300]].map((exp) => ({
    id: 'J25',
    name: `the exp ${JSON.stringify(exp)}`,
    source: 'JWT-SVID 3.3',
    claims: { exp },
    check: 'expiry',
  })),
  {
    id: 'J26',
    name: 'an exp without end',
    source: 'JWT-SVID 3.3',
    payload: `${first},${rest.join(',')},"exp":1e400}`,
    check: 'expiry',
  },
  {
    id: 'J26',
    name: 'an exp of many digits',
    source: 'JWT-SVID 3.3',
    payload: `${first},${rest.join(',')},"exp":99999999999999999999}`,
    check: 'expiry',
  },
  {
    id: 'J27',
    name: 'an exp that is past',
    source: 'JWT-SVID App. A',
    claims: { iat: IAT - 300, exp: IAT - 10 },
    code: 'TOKEN_EXPIRED',
    check: 'expiry',
  },
  {
    id: 'J27',
    name: 'an exp that is past by less than the leeway',
    source: 'JWT-SVID App. A',
    claims: { iat: IAT - 300, exp: IAT - 9 },
  },
  {
    id: 'J27',
    name: 'times with fractions',
    source: 'RFC 7519 2',
    claims: { iat: IAT - 0.25, nbf: IAT - 0.25, exp: IAT + 299.75 },
  },
  {
    id: 'J27',
    name: 'a fractional exp that is past by the leeway',
    source: 'RFC 7519 2',
    claims: { iat: IAT - 300, exp: IAT - 10.25 },
    code: 'TOKEN_EXPIRED',
    check: 'expiry',
  },
  {
    id: 'J28',
    name: 'a life longer than allowed by a fraction',
    source: 'RFC 7519 2, policy',
    claims: { exp: IAT + 3600.25 },
    check: 'lifetime',
  },
  {
    id: 'J28',
    name: 'a life longer than allowed',
    source: 'JWT-SVID 3.3, policy',
    claims: { exp: IAT + 3601 },
    check: 'lifetime',
  },
  {
    id: 'J28',
    name: 'a long life without iat',
    source: 'JWT-SVID 3.3, policy',
    claims: { iat: undefined, exp: IAT + 3601 },
    check: 'lifetime',
  },
  { id: 'J28', name: 'a life as long as allowed', source: 'JWT-SVID 3.3', claims: { exp: IAT + 3600 } },
  {
    id: 'J29',
    name: 'an nbf in the future',
    source: 'RFC 7519 4.1.5',
    claims: { nbf: IAT + 11 },
    code: 'TOKEN_EXPIRED',
    check: 'not-before',
  },
  {
    id: 'J29',
    name: 'an nbf beyond the leeway by a fraction',
    source: 'RFC 7519 2',
    claims: { nbf: IAT + 10.25 },
    code: 'TOKEN_EXPIRED',
    check: 'not-before',
  },
  { id: 'J29', name: 'an nbf that is no number', source: 'RFC 7519 4.1.5', claims: { nbf: '0' }, check: 'not-before' },
  {
    id: 'J29',
    name: 'an iat in the future',
    source: 'RFC 7519 4.1.6, policy',
    claims: { iat: IAT + 11 },
    code: 'TOKEN_EXPIRED',
    check: 'issued-at',
  },
  { id: 'J29', name: 'an iat that is no number', source: 'RFC 7519 4.1.6', claims: { iat: '0' }, check: 'issued-at' },
  {
    id: 'J30',
    name: 'the key sub twice',
    source: 'RFC 7519 4, policy',
    payload: payload(',"sub":"spiffe://a.test/y"'),
    check: 'json',
  },
  {
    id: 'J30',
    name: 'the key aud twice, once escaped',
    source: 'RFC 7519 4, policy',
    payload: payload(',"\\u0061ud":"other"'),
    check: 'json',
  },
  { id: 'J31', name: 'a payload that is no object', source: 'RFC 7519 7.2', payload: '["a"]', check: 'json' },
  { id: 'J31', name: 'a payload that is no JSON', source: 'RFC 7519 7.2', payload: `${payload('')}x`, check: 'json' },
  {
    id: 'J31',
    name: 'a payload nested without end',
    source: 'policy',
    payload: payload(`,"x":${'['.repeat(400)}${']'.repeat(400)}`),
    check: 'json',
  },
  { id: 'J32', name: 'a jti that is no text', source: 'RFC 7519 4.1.7', claims: { jti: 1 }, check: 'token-id' },
  { id: 'J32', name: 'a jti that is too long', source: 'policy', claims: { jti: 'a'.repeat(257) }, check: 'token-id' },
  {
    id: 'J32',
    name: 'a jti with half a character',
    source: 'RFC 8259 8.2',
    claims: { jti: 'a\ud800' },
    check: 'token-id',
  },
  { id: 'J35', name: 'more than 8 KiB', source: 'policy', claims: { x: 'a'.repeat(8192) }, check: 'size' },
  {
    id: 'T1',
    name: 'a WIT-SVID',
    source: 'WIT-SVID 7.1',
    header: { typ: 'wit+jwt' },
    claims: WIT,
    check: 'type',
  },
  {
    id: 'T1',
    name: 'a WIT-SVID without its typ',
    source: 'WIT-SVID 3',
    header: { typ: undefined },
    claims: WIT,
    check: 'audience',
  },
  {
    id: 'T1',
    name: 'a WIT-SVID without its typ and for our audience',
    source: 'WIT-SVID 3; RFC 7800 3.1',
    header: { typ: undefined },
    claims: { ...WIT, aud: AUDIENCE },
    check: 'confirmation',
  },
  {
    id: 'T2',
    name: 'a WIT-SVID without cnf',
    source: 'WIT-SVID 3',
    header: { typ: 'wit+jwt' },
    claims: { aud: undefined },
    check: 'type',
  },
  {
    id: 'T2',
    name: 'a WIT-SVID without kid',
    source: 'WIT-SVID 2',
    header: { typ: 'wit+jwt', kid: undefined },
    claims: WIT,
    check: 'type',
  },
  {
    id: 'T2',
    name: 'a WIT-SVID without exp',
    source: 'WIT-SVID 3',
    header: { typ: 'wit+jwt' },
    claims: { ...WIT, exp: undefined },
    check: 'type',
  },
  {
    id: 'T2',
    name: 'a WIT-SVID without sub',
    source: 'WIT-SVID 3',
    header: { typ: 'wit+jwt' },
    claims: { ...WIT, sub: undefined },
    check: 'type',
  },
]

/** A character that differs from this one only in the bits that an ES256 signature does not use. */
function sibling(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(character) ^ 1] ?? 'B'
}
