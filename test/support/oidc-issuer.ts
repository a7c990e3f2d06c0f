import 'reflect-metadata'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import * as x509 from '@peculiar/x509'
import { generateKeys, makeCertificate } from '../../src/practice/certificates.ts'
import { keySet } from './oidc-tokens.ts'
import { basicConstraints, extendedUsage, issue, keyUsage, signerExtensions, Usage } from './pki.ts'

/** What the issuer answers; change it while it runs. */
export interface IssuerBehaviour {
  discovery(url: string): unknown
  keys(): string
  /** Takes an answer over; true when it has. */
  intercept?(path: string, response: ServerResponse): boolean
}

/** An OIDC issuer on loopback, over HTTPS. */
export interface RunningIssuer {
  readonly url: string
  /** PEM of the root to trust. */
  readonly ca: string
  readonly behaviour: { -readonly [key in keyof IssuerBehaviour]: IssuerBehaviour[key] }
  /** How often each path was asked for. */
  readonly asked: Map<string, number>
  stop(): Promise<void>
}

/** Starts an issuer whose keys are those of `keySet`. */
export async function startIssuer(): Promise<RunningIssuer> {
  const { ca, cert, key } = await serverCertificate()
  const behaviour: RunningIssuer['behaviour'] = {
    discovery: (url) => ({ issuer: url, jwks_uri: `${url}/keys` }),
    keys: keySet,
  }
  const asked = new Map<string, number>()
  const server = createServer({ cert, key }, (request, response) => {
    const path = request.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    if (behaviour.intercept?.(path, response)) return
    response.end(path === '/keys' ? behaviour.keys() : JSON.stringify(behaviour.discovery(url)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url, ca, behaviour, asked, stop }
}

async function serverCertificate(): Promise<{ ca: string; cert: string; key: string }> {
  const life = { from: -86_400_000, to: 20 * 365 * 86_400_000 }
  const root = await issue({ subject: 'CN=test root', extensions: signerExtensions(), ...life })
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
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    ca: root.certificate.toString('pem'),
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  }
}
