import { z } from '../../core/documents/schema.ts'

/** Where a port listens: `host:port` or `[v6]:port`; port 0 takes a free one. Parses to host, without brackets, and port. */
export const address = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match && port <= 65_535) return { host: match[1] ?? match[2] ?? '', port }
  context.addIssue({ code: 'custom', message: 'must be host:port, e.g. 127.0.0.1:8443' })
  return z.NEVER
})
