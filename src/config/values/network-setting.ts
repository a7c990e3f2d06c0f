import { isIP } from 'node:net'
import { z } from '../../core/documents/schema.ts'
import { ipClass } from '../../core/net/ip-class.ts'

/** Most entries: each is in every session policy of the role, which has 2,048 characters. */
const MAX_ENTRIES = 20

/** The setting `roles[].network`. */
export const network = z
  .strictObject({
    /** Public addresses and ranges. */
    sourceIps: z
      .array(z.string().refine(isRange, 'must be an address or a range, such as 203.0.113.0/24'))
      .max(MAX_ENTRIES)
      .default([]),
    /** VPCs whose endpoints are used. */
    sourceVpcs: z
      .array(z.string().regex(/^vpc-[0-9a-f]{8,17}$/, 'must be the id of a VPC, such as vpc-0123456789abcdef0'))
      .max(MAX_ENTRIES)
      .default([]),
  })
  .refine(({ sourceIps, sourceVpcs }) => sourceIps.length + sourceVpcs.length > 0, {
    message: 'must name sourceIps, sourceVpcs, or both',
  })

/**
 * The problem of a range that never matches on AWS, where aws:SourceIp is always a public address.
 *
 * @param ownEndpoint true if another service than AWS is called; it may be on this machine.
 * @returns undefined if the range is fine.
 */
export function sourceIpProblem(range: string, ownEndpoint: boolean): string | undefined {
  const kind = ipClass(range.split('/')[0] ?? '')
  if (kind !== 'private' && kind !== 'link-local' && (kind !== 'loopback' || ownEndpoint)) return undefined
  return 'must be public: AWS sees no private addresses; name the VPC in sourceVpcs'
}

function isRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}
