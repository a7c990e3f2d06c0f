import 'reflect-metadata'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import * as x509 from '@peculiar/x509'
import { generateKeys, makeCertificate } from '../../src/practice/stage/certificates.ts'
import { keySet } from './oidc-tokens.ts'
import { basicConstraints, extendedUsage, issue, keyUsage, signerExtensions, Usage } from './pki.ts'

/** What the issuer answers; change it while it runs. */
export interface IssuerBehaviour {
  discovery(url: string): unknown
  keys(): string
  /** The one type of the discovery document, and that of the keys; who does not accept it gets 406. */
  types: { readonly discovery: string; readonly keys: string }
  /** The status of a TokenReview with this spec; kube-apiserver has one, others answer 404. */
  review?(spec: { token: string; audiences: string[] }): unknown
  /** Without it in the authorization header: 403 when there is none, 401 when there is another. */
  bearer?: string
  /** Takes an answer over; true when it has. */
  intercept?(path: string, response: ServerResponse): boolean
}

const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews'

/** An OIDC issuer on loopback, over HTTPS; about its types as strict as kube-apiserver is. */
export interface RunningIssuer {
  readonly url: string
  /** PEM of the root to trust. */
  readonly ca: string
  readonly behaviour: { -readonly [key in keyof IssuerBehaviour]: IssuerBehaviour[key] }
  /** How often each path was asked for. */
  readonly asked: Map<string, number>
  stop(): Promise<void>
}

/** Starts an issuer whose keys are those of `keySet`. @param host an IP address of loopback */
export async function startIssuer({ host = '127.0.0.1' }: { host?: string } = {}): Promise<RunningIssuer> {
  const { ca, cert, key } = await serverCertificate(host)
  const behaviour: RunningIssuer['behaviour'] = {
    discovery: (url) => ({ issuer: url, jwks_uri: `${url}/keys` }),
    keys: keySet,
    types: { discovery: 'application/json', keys: 'application/jwk-set+json' },
  }
  const asked = new Map<string, number>()
  const server = createServer({ cert, key }, (request, response) => {
    const path = request.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    if (behaviour.intercept?.(path, response)) return
    if (path === REVIEWS) return void answerReview(request, response, behaviour)
    const [type, body] =
      path === '/keys'
        ? [behaviour.types.keys, behaviour.keys]
        : [behaviour.types.discovery, () => JSON.stringify(behaviour.discovery(url))]
    const refused = refusalOf(request, behaviour.bearer, type)
    if (refused !== undefined) return response.writeHead(refused, { 'content-type': 'text/plain' }).end('no')
    response.writeHead(200, { 'content-type': type }).end(body())
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url, ca, behaviour, asked, stop }
}

/** As kube-apiserver does it, whose default rights let no service account ask. */
async function answerReview(request: IncomingMessage, response: ServerResponse, behaviour: IssuerBehaviour) {
  const { bearer, review } = behaviour
  const status = (code: number) => response.writeHead(code, { 'content-type': 'application/json' }).end('{}')
  if (!review) return status(404)
  if (request.method !== 'POST') return status(405)
  if (request.headers['content-type'] !== 'application/json') return status(415)
  const refused = refusalOf(request, bearer, 'application/json')
  if (refused !== undefined) return status(refused)
  const parts: Uint8Array[] = []
  for await (const part of request as AsyncIterable<Uint8Array>) parts.push(part)
  const asked = JSON.parse(Buffer.concat(parts).toString('utf8')) as { spec: { token: string; audiences: string[] } }
  const answer = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', ...asked, status: review(asked.spec) }
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function refusalOf({ headers }: IncomingMessage, bearer: string | undefined, type: string): number | undefined {
  if (bearer !== undefined && headers.authorization === undefined) return 403
  if (bearer !== undefined && headers.authorization !== `Bearer ${bearer}`) return 401
  const [plain = ''] = type.split(';')
  const accepted = (headers.accept ?? '*/*').split(',').map((one) => one.split(';')[0]?.trim())
  return accepted.includes(plain) ? undefined : 406
}

async function serverCertificate(host: string): Promise<{ ca: string; cert: string; key: string }> {
  const life = { from: -86_400_000, to: 20 * 365 * 86_400_000 }
  const root = await issue({ subject: `CN=test root ${randomUUID()}`, extensions: signerExtensions(), ...life })
  const keys = await generateKeys()
  const certificate = await makeCertificate({
    issuer: root,
    subject: 'CN=issuer',
    keys,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [
      basicConstraints(false),
      keyUsage(Usage.digitalSignature),
      extendedUsage('serverAuth'),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: host }]),
    ],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    ca: root.certificate.toString('pem'),
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  }
}
