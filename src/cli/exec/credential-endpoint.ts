import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asStintError, ERROR_CATALOG } from '../../core/errors.ts'
import { sameText } from '../../core/same-text.ts'
import { Secret } from '../../core/secret.ts'
import type { AwsCredentials } from '../../sdk/types.ts'
import { wholeSeconds } from '../whole-seconds.ts'

/** The AWS container-credential endpoint of one grant. */
export interface CredentialEndpoint {
  /** For `AWS_CONTAINER_CREDENTIALS_FULL_URI`. */
  readonly url: string
  /** The `Authorization` header that a client has to send, verbatim. */
  readonly authorization: Secret
  close(): Promise<void>
}

/** Dependencies of the endpoint. */
export interface CredentialSource {
  /** Must settle within a second: SDKs wait no longer for an endpoint, and do not report why they gave up. */
  credentials(): Promise<AwsCredentials>
  /** Aborted once the grant is over. */
  readonly ended: AbortSignal
}

const PATH = '/credentials'

/**
 * Serves credentials on 127.0.0.1 in the protocol that every AWS SDK speaks to a container's credential agent
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html). Other users of the machine are kept out by
 * the token, browsers by the Host check (DNS rebinding) and the refusal of cross-site headers.
 */
export async function serveCredentials(source: CredentialSource): Promise<CredentialEndpoint> {
  const authorization = new Secret(`Bearer ${randomBytes(32).toString('base64url')}`)
  let host = ''
  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 5_000, maxHeaderSize: 8_192 },
    (request, response) => {
      answer(request, { host, authorization, source }).then(
        ({ status, body }) => send(response, status, body),
        () => response.destroy(), // answer() turns every failure into a status; nothing may take the process down all the same
      )
    },
  )
  server.maxConnections = 64
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, resolve)
  })
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}${PATH}`,
    authorization,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Answer = { readonly status: number; readonly body: Readonly<Record<string, string>> }

async function answer(
  request: IncomingMessage,
  { host, authorization, source }: { host: string; authorization: Secret; source: CredentialSource },
): Promise<Answer> {
  const refusal = refuse(request, host, authorization)
  if (refusal) return refusal
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await source.credentials()
    const body = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken }
    return { status: 200, body: { ...body, Expiration: wholeSeconds(expiration) } }
  } catch (error) {
    const known = asStintError(error)
    if (source.ended.aborted) return failure(403, 'GrantRevoked', known.message)
    return failure(Math.max(400, ERROR_CATALOG[known.code].http), known.code, known.message)
  }
}

function refuse({ method, url, headers }: IncomingMessage, host: string, authorization: Secret): Answer | undefined {
  if (headers.host !== host) return failure(403, 'Forbidden', `The Host header must be ${host}.`)
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) {
    return failure(403, 'Forbidden', 'This endpoint does not serve browsers.')
  }
  if (!sameText(headers.authorization ?? '', authorization.reveal())) {
    return failure(401, 'Unauthorized', "The Authorization header must hold the token file's content.")
  }
  if (url !== PATH) return failure(404, 'NotFound', `The only path here is ${PATH}.`)
  if (method !== 'GET') return failure(405, 'MethodNotAllowed', 'The method must be GET.')
  return undefined
}

function failure(status: number, code: string, message: string): Answer {
  return { status, body: { Code: code, Message: message } }
}

function send(response: ServerResponse, status: number, body: Answer['body']): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' })
  response.end(JSON.stringify(body))
}
