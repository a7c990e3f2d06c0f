/**
 * SPIFFE IDs and what must become of each. `rule` is the broken rule; without it the ID is accepted.
 * Sources: the sections of SPIFFE-ID.md; `policy` where the standard leaves the choice and this project refuses.
 */
export interface SpiffeIdVector {
  readonly id: string
  readonly name: string
  readonly source: string
  readonly inputs: readonly unknown[]
  readonly rule?: string
}

const range = (count: number, of: (code: number) => string): string[] => Array.from({ length: count }, (_, i) => of(i))
const isName = (code: number): boolean => /^[a-z0-9._-]$/.test(String.fromCharCode(code))
const isSegment = (code: number): boolean => /^[a-zA-Z0-9._-]$/.test(String.fromCharCode(code))
const inName = (code: number): string => `spiffe://t${String.fromCharCode(code)}d/p`
const inPath = (code: number): string => `spiffe://td/p${String.fromCharCode(code)}q`
const all = range(256, (code) => String.fromCharCode(code)).map((character) => character.charCodeAt(0))
const plain = (code: number): boolean => code !== 0x2f

export const SPIFFE_ID_VECTORS: readonly SpiffeIdVector[] = [
  { id: 'I1', name: 'a plain ID', source: 'SPIFFE-ID 2', inputs: ['spiffe://trustdomain/path', 'spiffe://td/a/b/c'] },
  { id: 'I2', name: 'a trust domain alone', source: 'SPIFFE-ID 2.2', inputs: ['spiffe://trustdomain'] },
  { id: 'I3', name: 'an empty text', source: 'SPIFFE-ID 2', inputs: [''], rule: 'scheme' },
  {
    id: 'I3',
    name: 'what is no text',
    source: 'SPIFFE-ID 2',
    inputs: [null, undefined, 1, ['spiffe://a/b'], { toString: () => 'spiffe://a/b' }],
    rule: 'type',
  },
  {
    id: 'I4',
    name: 'a missing trust domain',
    source: 'SPIFFE-ID 2.1',
    inputs: ['spiffe://', 'spiffe:///path'],
    rule: 'trust-domain-empty',
  },
  {
    id: 'I5',
    name: 'a bad separator',
    source: 'SPIFFE-ID 2',
    inputs: ['spiffe:/td/p', 'spiffe:td/p', 'spiffe\\\\td'],
    rule: 'scheme',
  },
  {
    id: 'I6',
    name: 'another scheme',
    source: 'SPIFFE-ID 2',
    inputs: ['http://td/p', 'xspiffe://td/p', '://td'],
    rule: 'scheme',
  },
  {
    id: 'I7',
    name: 'an upper-case scheme',
    source: 'SPIFFE-ID 2.4, policy',
    inputs: ['SPIFFE://td/p', 'Spiffe://td/p'],
    rule: 'scheme',
  },
  {
    id: 'I8',
    name: 'an upper-case trust domain',
    source: 'SPIFFE-ID 2.1',
    inputs: ['spiffe://TD/p', 'spiffe://tD/p'],
    rule: 'trust-domain-charset',
  },
  {
    id: 'I10',
    name: 'a port',
    source: 'SPIFFE-ID 2.1',
    inputs: ['spiffe://td:8080/p', 'spiffe://td:/p'],
    rule: 'trust-domain-charset',
  },
  {
    id: 'I11',
    name: 'user information',
    source: 'SPIFFE-ID 2.1',
    inputs: ['spiffe://u:p@td/p', 'spiffe://@td/p'],
    rule: 'trust-domain-charset',
  },
  {
    id: 'I12',
    name: 'an IPv6 trust domain',
    source: 'SPIFFE-ID 2.1',
    inputs: ['spiffe://[::1]/p'],
    rule: 'trust-domain-charset',
  },
  { id: 'I13', name: 'an IPv4 trust domain', source: 'SPIFFE-ID 2.1', inputs: ['spiffe://1.2.3.4/p'] },
  {
    id: 'I14',
    name: 'odd but legal trust domains',
    source: 'SPIFFE-ID 2.1',
    inputs: ['a_b.x', 'a..b', '.a', 'a.', '-a', '__proto__', 'constructor'].map((name) => `spiffe://${name}/p`),
  },
  {
    id: 'I15',
    name: 'percent-encoding in the trust domain',
    source: 'SPIFFE-ID 2.1',
    inputs: ['spiffe://%62ad/p'],
    rule: 'trust-domain-charset',
  },
  {
    id: 'I16',
    name: 'every legal character in the trust domain',
    source: 'SPIFFE-ID 2.1',
    inputs: all.filter(isName).map(inName),
  },
  {
    id: 'I16',
    name: 'every other character in the trust domain',
    source: 'SPIFFE-ID 2.1',
    inputs: all.filter((code) => !isName(code) && plain(code)).map(inName),
    rule: 'trust-domain-charset',
  },
  {
    id: 'I17',
    name: 'every legal character in the path',
    source: 'SPIFFE-ID 2.2',
    inputs: all.filter(isSegment).map(inPath),
  },
  {
    id: 'I17',
    name: 'every other character in the path',
    source: 'SPIFFE-ID 2.2',
    inputs: all.filter((code) => !isSegment(code) && plain(code)).map(inPath),
    rule: 'path-charset',
  },
  {
    id: 'I18',
    name: 'a trailing slash',
    source: 'SPIFFE-ID 2.2',
    inputs: ['spiffe://td/', 'spiffe://td/p/'],
    rule: 'path-empty-segment',
  },
  {
    id: 'I19',
    name: 'an empty segment',
    source: 'SPIFFE-ID 2.2',
    inputs: ['spiffe://td//p', 'spiffe://td/p//q', 'spiffe://td//'],
    rule: 'path-empty-segment',
  },
  {
    id: 'I20',
    name: 'a dot segment',
    source: 'SPIFFE-ID 2.2',
    inputs: ['/.', '/..', '/./p', '/p/..', '/../p'].map((path) => `spiffe://td${path}`),
    rule: 'path-dot-segment',
  },
  {
    id: 'I21',
    name: 'names that begin with dots',
    source: 'SPIFFE-ID 2.2',
    inputs: ['/.p', '/..p', '/...'].map((path) => `spiffe://td${path}`),
  },
  {
    id: 'I22',
    name: 'percent-encoding in the path',
    source: 'SPIFFE-ID 2.2',
    inputs: ['/%2e%2e', '/a%2Fb', '/e%5u'].map((path) => `spiffe://td${path}`),
    rule: 'path-charset',
  },
  {
    id: 'I23',
    name: 'a query or fragment, also an empty one',
    source: 'SPIFFE-ID 2',
    inputs: ['/p?q=1', '/p#f', '/p?', '/p#'].map((path) => `spiffe://td${path}`),
    rule: 'path-charset',
  },
  {
    id: 'I24',
    name: 'upper case in the path',
    source: 'SPIFFE-ID 2.4',
    inputs: ['spiffe://td/Service', 'spiffe://td/service'],
  },
  { id: 'I25', name: '2048 bytes', source: 'SPIFFE-ID 2.3', inputs: [`spiffe://td/${'a'.repeat(2048 - 12)}`] },
  {
    id: 'I25',
    name: '2049 bytes',
    source: 'SPIFFE-ID 2.3, policy',
    inputs: [`spiffe://td/${'a'.repeat(2049 - 12)}`],
    rule: 'length',
  },
  {
    id: 'I26',
    name: 'a trust domain of 255 bytes',
    source: 'SPIFFE-ID 2.3',
    inputs: [`spiffe://${'a'.repeat(255)}/p`],
  },
  {
    id: 'I26',
    name: 'a trust domain of 256 bytes',
    source: 'SPIFFE-ID 2.3',
    inputs: [`spiffe://${'a'.repeat(256)}/p`],
    rule: 'trust-domain-length',
  },
  {
    id: 'I27',
    name: 'a leading blank',
    source: 'SPIFFE-ID 2',
    inputs: [' spiffe://td/p', '\tspiffe://td/p', '\nspiffe://td/p'],
    rule: 'scheme',
  },
  {
    id: 'I27',
    name: 'control characters in the path',
    source: 'SPIFFE-ID 2.2',
    inputs: ['spiffe://td/p\n', 'spiffe://td/p\t', 'spiffe://td/p\0', 'spiffe://td/p '],
    rule: 'path-charset',
  },
  {
    id: 'I28',
    name: 'look-alikes in the trust domain',
    source: 'SPIFFE-ID 2.1',
    inputs: ['spiffe://td\u2215p', 'spiffe://\u0430td/p', 'spiffe://t\u212a/p'],
    rule: 'trust-domain-charset',
  },
  {
    id: 'I28',
    name: 'look-alikes in the path',
    source: 'SPIFFE-ID 2.2',
    inputs: ['spiffe://td/\u0430', 'spiffe://td/a\u2215b'],
    rule: 'path-charset',
  },
]
