import { isIPv4 } from 'node:net'

/**
 * The key by which limits count addresses: IPv4 as it is, also when mapped into IPv6; IPv6 by its /64, since one host has all
 * addresses of one.
 */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:/i, '')
  if (isIPv4(plain) || !plain.includes(':')) return plain
  const [head = '', tail] = plain.split('%', 1).join().split('::')
  const groups = head.split(':').filter(Boolean)
  const last = (tail ?? '').split(':').filter(Boolean)
  if (tail !== undefined) while (groups.length + last.length < 8) groups.push('0')
  return [...groups, ...last].slice(0, 4).join(':')
}
