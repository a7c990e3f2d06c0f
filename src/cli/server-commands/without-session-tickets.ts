import { fileURLToPath } from 'node:url'
import type { CommandIo } from '../command.ts'

const CONFIG = fileURLToPath(new URL('../../core/net/no-session-tickets.cnf', import.meta.url))
/** Ways in which whoever starts the process has given OpenSSL a configuration of their own, which then counts alone. */
const OWN_CONFIG = /--openssl-(shared-)?config\b/

/**
 * Starts this process anew, in place and under the same id, with an OpenSSL that sends no session tickets. Sessions are
 * never resumed here, so a ticket is of no use to a client and one more thing to attack. Returns without effect when OpenSSL
 * was given a configuration at the start, by the image or by the operator, or when the process cannot be replaced.
 *
 * @see https://docs.openssl.org/master/man3/SSL_CONF_cmd/ (NumTickets)
 */
export function startWithoutSessionTickets({ env, node }: Pick<CommandIo, 'env' | 'node'>): void {
  if (!node || env.OPENSSL_CONF) return
  if ([...node.flags, env.NODE_OPTIONS ?? ''].some((flag) => OWN_CONFIG.test(flag))) return
  node.restart([`--openssl-config=${CONFIG}`])
}
