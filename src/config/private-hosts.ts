import { HOST_PORT_FORM, parseHostPort } from '../core/host-port.ts'
import { z } from '../core/schema.ts'

/** The setting `allowPrivate`: hosts that may be at private addresses, for any port or for the one named. */
export const privateHosts = z
  .array(z.string().refine((text) => parseHostPort(text) !== undefined, { message: `must be ${HOST_PORT_FORM}` }))
  .max(50)
