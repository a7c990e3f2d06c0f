import { BlockList, isIPv4, isIPv6 } from 'node:net'

/**
 * Where an IP address leads. `private`: a network of one's own; `link-local`: also the metadata services of clouds, which
 * hand out credentials; `special`: nothing that a server could have.
 */
export type IpClass = 'public' | 'private' | 'loopback' | 'link-local' | 'special'

/**
 * The first row that matches counts. IANA IPv4 and IPv6 Special-Purpose Address Registries; the metadata services that
 * lie outside 169.254.0.0/16 as their clouds document them.
 */
const RANGES: readonly (readonly [string, IpClass])[] = [
  ['100.100.100.200/32', 'link-local'], // Alibaba Cloud metadata
  ['168.63.129.16/32', 'link-local'], // Azure wire server
  ['192.0.0.192/32', 'link-local'], // Oracle Cloud metadata
  ['fd00:ec2::/32', 'link-local'], // AWS metadata, DNS and time over IPv6
  ['fd20:ce::/32', 'link-local'], // Google Cloud metadata over IPv6
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['10.0.0.0/8', 'private'],
  ['172.16.0.0/12', 'private'],
  ['192.168.0.0/16', 'private'],
  ['100.64.0.0/10', 'private'], // RFC 6598
  ['0.0.0.0/8', 'special'],
  ['192.0.0.0/24', 'special'],
  ['192.0.2.0/24', 'special'],
  ['192.88.99.0/24', 'special'],
  ['198.18.0.0/15', 'special'],
  ['198.51.100.0/24', 'special'],
  ['203.0.113.0/24', 'special'],
  ['224.0.0.0/3', 'special'], // multicast, reserved, broadcast
  ['0.0.0.0/0', 'public'],
  ['::1/128', 'loopback'],
  ['fe80::/10', 'link-local'],
  ['fc00::/7', 'private'],
  ['fec0::/10', 'private'], // RFC 3879
  ['64:ff9b:1::/48', 'private'], // RFC 8215: what it leads to depends on the network
  ['2001::/23', 'special'], // Teredo and other protocol assignments
  ['2001:db8::/32', 'special'],
  ['2002::/16', 'special'], // 6to4 can lead to any IPv4 address
  ['3fff::/20', 'special'],
  ['2000::/3', 'public'],
]

const TABLE = RANGES.map(([range, ipClass]) => {
  const [network = '', bits] = range.split('/')
  const list = new BlockList()
  const family = isIPv6(network) ? 'ipv6' : 'ipv4'
  list.addSubnet(network, Number(bits), family)
  return { list, family, ipClass }
})

/** RFC 4291 section 2.5.5.2 (IPv4-mapped) and RFC 6052 section 2.1 (NAT64): the IPv4 address inside decides. */
const EMBEDDING_PREFIXES = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0']

/**
 * Says where an address leads. Addresses that carry an IPv4 address are judged by that one.
 *
 * @param address IPv4 or IPv6 text without brackets, e.g. `192.0.2.1` or `2001:db8::1`.
 * @returns `special` for what is no such text, and for an IPv6 address with a zone.
 */
export function ipClass(address: string): IpClass {
  if (isIPv4(address)) return classIn('ipv4', address)
  if (!isIPv6(address) || address.includes('%')) return 'special'
  const groups = ipv6Groups(address)
  if (EMBEDDING_PREFIXES.includes(hex(groups.slice(0, 6)))) {
    const [high = 0, low = 0] = groups.slice(6)
    return classIn('ipv4', [high >> 8, high & 255, low >> 8, low & 255].join('.'))
  }
  return classIn('ipv6', hex(groups))
}

function classIn(family: 'ipv4' | 'ipv6', address: string): IpClass {
  return TABLE.find((row) => row.family === family && row.list.check(address, family))?.ipClass ?? 'special'
}

/** The eight groups of 16 bits of a well-formed IPv6 address. */
function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const [front, back] = [parseGroups(head), parseGroups(tail ?? '')]
  return tail === undefined ? front : [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back]
}

function parseGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function hex(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':')
}
