import { z } from '../../core/documents/schema.ts'
import { HOST_PORT_FORM, parseHostPort } from '../../core/net/host-port.ts'

/** The setting `allowPrivate`: hosts that may be at private addresses, for any port or for the one named. */
export const privateHosts = z
  .array(z.string().refine((text) => parseHostPort(text) !== undefined, { message: `must be ${HOST_PORT_FORM}` }))
  .max(50)
