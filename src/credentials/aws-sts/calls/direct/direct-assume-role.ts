import type { IncomingMessage } from 'node:http'
import {
  AssumeRole$,
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type AssumeRoleCommandOutput,
  type STSClient,
} from '@aws-sdk/client-sts'
import type { SendAssumeRole } from '../assume-role-call.ts'
import { type Exchange, sendOnce } from '../call.ts'
import type { AwsAgents, HttpLimits } from '../network.ts'
import { readPlainAnswer } from './plain-answer.ts'
import { postOnce, readBody, type SignedPost } from './post-once.ts'

/** Parts of the direct call. */
export interface DirectAssumeRoleDeps {
  /** Gives endpoint, headers, credentials, signer, serializer, XML parser and errors. */
  readonly client: STSClient
  /** The agents of that client. */
  readonly agents: AwsAgents
  readonly limits: HttpLimits
  /** Is told the time of every answer as it comes in. */
  readonly onTime?: ((cloudNow: Date) => void) | undefined
}

type ClientConfig = STSClient['config']

/** The calls that are used of the SDK client's protocol; its own type is a union that cannot be called. */
interface Protocol {
  serializeRequest(operation: object, input: object, context: object): Promise<Request>
  deserializeResponse(operation: object, context: object, response: object): Promise<object>
  deserializeMetadata(response: object): AssumeRoleCommandOutput['$metadata']
}

/** A request on its way to the signer, of whose type only the parts that are set here matter. */
type Request = Parameters<Signer['sign']>[0] & { headers: Record<string, string>; body: string }
type Signer = Awaited<ReturnType<ClientConfig['signer']>>

/** The parts that all calls of a client share. */
interface Blueprint {
  readonly protocol: Protocol
  /** The client's settings and the endpoint, for serializing. */
  readonly context: object
  readonly headers: Readonly<Record<string, string>>
  readonly signer: Signer
  readonly correctsSkew: boolean
}

const [, namespace, name, traits, inputSchema, outputSchema] = AssumeRole$
const OPERATION = { namespace, name, traits, input: inputSchema, output: outputSchema }

/**
 * AssumeRole on the parts of the SDK's client, without its middleware, which costs more than all else in a mint. The request has
 * the same endpoint, parameters, credentials and signature as the client's; answers that are not of the usual form are read by the
 * same parser, and all into the same output and errors.
 */
export function directAssumeRole(deps: DirectAssumeRoleDeps): SendAssumeRole {
  let blueprint: Promise<Blueprint> | undefined
  const prepared = (input: AssumeRoleCommandInput) => {
    blueprint ??= drawBlueprint(deps.client, input).catch((error: unknown) => {
      blueprint = undefined
      throw error
    })
    return blueprint
  }
  return (input, options) =>
    sendOnce(
      async (signal) => callOnce(deps, await prepared(input), input, { signal, exchange: options.exchange }),
      { input },
      options,
    )
}

/**
 * Lets the client build one request and takes from it what all have in common: so endpoint rules, FIPS, dual stack, AWS's
 * shared configuration and the user agent are the client's own.
 */
async function drawBlueprint(client: STSClient, input: AssumeRoleCommandInput): Promise<Blueprint> {
  const drawn = Promise.withResolvers<Blueprint>()
  const command = new AssumeRoleCommand(input)
  command.middlewareStack.add(
    (_next, context) => async (args) => {
      const { protocol, hostname, port, path, query, headers } = args.request as SignedPost & { query: object }
      const { 'content-length': _, ...common } = headers
      const [authScheme] = context.endpointV2?.properties?.authSchemes ?? []
      drawn.resolve({
        protocol: client.config.protocol as unknown as Protocol,
        context: { ...client.config, endpoint: async () => ({ protocol, hostname, port, path, query }) },
        headers: common,
        signer: await client.config.signer(authScheme),
        correctsSkew: !(await client.config.disableClockSkewCorrection()),
      })
      return { response: {}, output: { $metadata: {} } }
    },
    { step: 'build', priority: 'low', name: 'stintBlueprint' },
  )
  await client.send(command)
  return drawn.promise
}

async function callOnce(
  { client, agents, limits, onTime }: DirectAssumeRoleDeps,
  blueprint: Blueprint,
  input: AssumeRoleCommandInput,
  { signal, exchange }: { readonly signal: AbortSignal; readonly exchange: Exchange },
): Promise<AssumeRoleCommandOutput> {
  const { config } = client
  const request = await signedRequest(config, blueprint, input)
  signal.throwIfAborted()
  exchange.sent = true
  const response = await postOnce(request, { agents, limits, signal })
  const date = Date.parse(response.headers.date ?? '')
  // An error page of a proxy on the way has the proxy's time.
  if (Number.isFinite(date) && (response.statusCode ?? 500) < 500) {
    exchange.serverDate = new Date(date)
    onTime?.(exchange.serverDate)
    // As the SDK does it: the next call is signed with the time of AWS. A cache's answer, which has an age, tells no time.
    if (blueprint.correctsSkew && response.headers.age === undefined) config.systemClockOffset = date - Date.now()
  }
  return readAnswer(blueprint, response)
}

async function signedRequest(
  config: ClientConfig,
  { protocol, context, headers, signer, correctsSkew }: Blueprint,
  input: AssumeRoleCommandInput,
): Promise<SignedPost> {
  const request = await protocol.serializeRequest(OPERATION, input, context)
  Object.assign(request.headers, headers, { 'content-length': String(Buffer.byteLength(request.body)) })
  const signingDate = new Date(Date.now() + (correctsSkew ? config.systemClockOffset : 0))
  return (await signer.sign(request, { signingDate })) as unknown as SignedPost
}

/** Reads an answer, in any but its usual form with the SDK's parser, and says of a failure which answer it was in, as the SDK's middleware does. */
async function readAnswer(
  { protocol, context }: Blueprint,
  response: IncomingMessage,
): Promise<AssumeRoleCommandOutput> {
  const statusCode = response.statusCode ?? 0
  const headers = plainHeaders(response)
  try {
    const answer = { statusCode, headers, body: await readBody(response) }
    const plain = statusCode === 200 ? readPlainAnswer(answer.body) : undefined
    if (plain) return { ...plain, $metadata: protocol.deserializeMetadata(answer) }
    return (await protocol.deserializeResponse(OPERATION, context, answer)) as AssumeRoleCommandOutput
  } catch (error) {
    throw withMetadata(error, statusCode, headers)
  }
}

function withMetadata(error: unknown, httpStatusCode: number, headers: Readonly<Record<string, string>>): unknown {
  if (!(error instanceof Error) || '$metadata' in error) return error
  const [, requestId] = Object.entries(headers).find(([key]) => REQUEST_ID.test(key)) ?? []
  return Object.assign(error, { $metadata: { httpStatusCode, requestId } })
}

/** The header of the request id: AWS and the stores that imitate it use several names. */
const REQUEST_ID = /^x-[\w-]+-request-?id$/

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value].flat().join(', ')]))
}
