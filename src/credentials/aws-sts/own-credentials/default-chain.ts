import http from 'node:http'
import { getDefaultRoleAssumer, getDefaultRoleAssumerWithWebIdentity } from '@aws-sdk/client-sts'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import type { ClientOptions } from '../calls/clients.ts'
import { createRequestHandler, endpointVariant } from '../calls/network.ts'
import type { ReadBrokerKeys } from './broker-credentials.ts'

const SOCKETS = 4

/**
 * The SDK asks an instance for its role's credentials by Node's global agent. With NODE_USE_ENV_PROXY that agent would send the
 * question, and with the answer the credentials, to HTTP_PROXY in the clear.
 */
const direct = new http.Agent({ keepAlive: true })

/**
 * AWS's default chain (environment, shared files, SSO, `credential_process`, web identity token file, container, instance). What
 * it asks of STS goes the way of all calls to STS: to the same endpoint, through the same proxy. SSO has its own endpoints, by
 * the same proxy. The addresses of containers and instances are on this machine and are asked directly.
 *
 * Each reading has a chain of its own: the SDK's would remember what it read, and would wait with a reading that hangs.
 */
export function readDefaultChain(options: Omit<ClientOptions, 'credentials' | 'maxSockets'>): ReadBrokerKeys {
  const { region, endpoint, network = {} } = options
  return async () => {
    http.globalAgent = direct
    const requestHandler = createRequestHandler({ ...options, maxSockets: SOCKETS })
    const anywhere = { requestHandler, ...endpointVariant(network) }
    const sts = { ...anywhere, region, ...(endpoint !== undefined && { endpoint }) }
    const chain = defaultProvider({
      ignoreCache: true,
      clientConfig: anywhere,
      parentClientConfig: { ...anywhere, region },
      roleAssumer: getDefaultRoleAssumer(sts),
      roleAssumerWithWebIdentity: getDefaultRoleAssumerWithWebIdentity(sts),
    })
    try {
      return await chain()
    } finally {
      requestHandler.destroy()
    }
  }
}
