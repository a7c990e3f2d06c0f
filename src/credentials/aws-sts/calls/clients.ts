import { IAMClient } from '@aws-sdk/client-iam'
import { STSClient } from '@aws-sdk/client-sts'
import { StintError } from '../../../core/errors.ts'
import { isConfidentialUrl } from '../../../core/net/confidential-url.ts'
import { type SendAssumeRole, type StsClientKind, sdkAssumeRole } from './assume-role-call.ts'
import { observe } from './call.ts'
import { directAssumeRole } from './direct/direct-assume-role.ts'
import {
  type AwsNetwork,
  callLimits,
  createAgents,
  createRequestHandler,
  endpointVariant,
  type HttpLimits,
} from './network.ts'

/** AWS's own shape of static or refreshing credentials. */
export type AwsCredentialSource = NonNullable<ConstructorParameters<typeof STSClient>[0]>['credentials']

/** How to reach one AWS service. */
export interface ClientOptions {
  readonly region: string
  /** Another address than AWS's regional one: a VPC endpoint or a stand-in. Plain HTTP on loopback only. */
  readonly endpoint?: string
  readonly network?: AwsNetwork
  readonly credentials: NonNullable<AwsCredentialSource>
  readonly http: HttpLimits
  readonly maxSockets: number
  /** Is told the time of every answer as it comes in. */
  readonly onTime?: (cloudNow: Date) => void
}

/**
 * A client that tries once: who retries a mint has to count each try.
 *
 * @throws {StintError} CONFIG_INVALID for an endpoint over which credentials would travel in the clear.
 */
export function createStsClient(options: ClientOptions): STSClient {
  return observe(new STSClient(settings(options)), options.onTime)
}

/** The client that mints, how AssumeRole is sent with its settings, and an end to its sockets. */
export interface MintClient {
  readonly client: STSClient
  readonly assumeRole: SendAssumeRole
}

/**
 * A client as `createStsClient` makes it, and AssumeRole over its connections.
 *
 * @throws {StintError} as `createStsClient`
 */
export function createMintClient(options: ClientOptions, kind: StsClientKind): MintClient {
  const agents = createAgents(options)
  const requestHandler = createRequestHandler(options, agents)
  const client = observe(new STSClient({ ...settings(options), requestHandler }), options.onTime)
  if (kind === 'sdk') return { client, assumeRole: sdkAssumeRole(client) }
  return {
    client,
    assumeRole: directAssumeRole({ client, agents, limits: callLimits(options), onTime: options.onTime }),
  }
}

/** Clients as `createStsClient` makes them, which share their sockets, each for credentials of its own. */
export function createStsClients(options: Omit<ClientOptions, 'credentials'>) {
  const requestHandler = createRequestHandler(options)
  return {
    clientFor: (credentials: ClientOptions['credentials']) =>
      observe(new STSClient({ ...settings({ ...options, credentials }), requestHandler }), options.onTime),
    close: () => requestHandler.destroy(),
  }
}

/** Clients for the IAM of one account, which share their sockets with each other and with no other account. */
export function createIamClients(options: Omit<ClientOptions, 'credentials'>) {
  const requestHandler = createRequestHandler(options)
  return {
    clientFor: (credentials: ClientOptions['credentials']) =>
      observe(new IAMClient({ ...settings({ ...options, credentials }), requestHandler }), options.onTime),
    close: () => requestHandler.destroy(),
  }
}

/** The clients that `createIamClients` makes. */
export type IamClients = ReturnType<typeof createIamClients>

/** As `createStsClient`. IAM has one control plane a partition; the SDK finds it from the region. */
export function createIamClient(options: ClientOptions): IAMClient {
  return observe(new IAMClient(settings(options)), options.onTime)
}

function settings({ region, endpoint, credentials, http, maxSockets, network = {} }: ClientOptions) {
  if (endpoint !== undefined && !isConfidentialUrl(endpoint))
    throw new StintError('CONFIG_INVALID', {
      explanation:
        'An AWS endpoint is an https:// address; http:// is for loopback only, since answers hold credentials.',
    })
  return {
    region,
    credentials,
    maxAttempts: 1,
    requestHandler: createRequestHandler({ http, maxSockets, network }),
    ...endpointVariant(network),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}
