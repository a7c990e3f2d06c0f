import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import type { StintError } from '../../src/core/errors.ts'
import { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../src/identity/bundle/trust-bundle.ts'
import { FederatedBundle } from '../../src/identity/federation/federated-bundle.ts'
import { createJwtSvidVerifier } from '../../src/identity/jwt/jwt-svid.ts'
import { takeTokenApart } from '../../src/identity/jwt/jwt-token.ts'
import { defineIssuer } from '../../src/identity/oidc/issuer.ts'
import { OidcVerifier } from '../../src/identity/oidc/oidc-verifier.ts'
import { parseSpiffeId } from '../../src/identity/spiffe-id.ts'
import { workloadApiTarget } from '../../src/identity/workload-api/endpoint.ts'
import { verifyX509Svid } from '../../src/identity/x509/x509-svid.ts'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'
import { startHttpsServer } from '../support/https-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { documentsOf, OIDC_KEYS, signedToken } from '../support/oidc-tokens.ts'
import { bundleFiller, NOW } from '../support/pki.ts'
import { until } from '../support/settle.ts'
import { BUNDLE_VECTORS } from '../vectors/identity/bundles.ts'
import { FAILURES, SETTINGS } from '../vectors/identity/federation.ts'
import { AUDIENCE, IAT, JWT_VECTORS, type JwtVector } from '../vectors/identity/jwt-svids.ts'
import { KINDS, AUDIENCE as OIDC_AUDIENCE, OIDC_VECTORS, type OidcVector } from '../vectors/identity/oidc.ts'
import { SPIFFE_ID_VECTORS } from '../vectors/identity/spiffe-ids.ts'
import { ENDPOINTS } from '../vectors/identity/workload-api.ts'
import { X509_VECTORS } from '../vectors/identity/x509-svids.ts'

/** One case of the vectors. `acts`: each must be refused, in the same way, or each must be accepted. */
export interface Case {
  readonly id: string
  readonly name: string
  readonly source: string
  readonly isRefused: boolean
  readonly acts: readonly (() => unknown)[]
}

/** A part of the page. */
export interface Group {
  readonly title: string
  readonly vectors: string
  readonly cases: readonly Case[]
}

/** Every case with a way to run it. Call `close` afterwards. */
export async function conformanceCases(): Promise<{ groups: readonly Group[]; close: () => Promise<void> }> {
  const federation = await federationEndpoint()
  const folder = mkdtempSync(join(tmpdir(), 'stint-conformance-'))
  const groups = [
    { title: 'SPIFFE IDs', vectors: 'spiffe-ids.ts', cases: spiffeIds() },
    { title: 'X.509-SVIDs', vectors: 'x509-svids.ts', cases: x509Svids() },
    { title: 'JWT-SVIDs', vectors: 'jwt-svids.ts', cases: jwtSvids() },
    { title: 'Bundles', vectors: 'bundles.ts', cases: await bundles() },
    { title: 'Federation', vectors: 'federation.ts', cases: [...settings(folder), ...federation.cases] },
    { title: 'The Workload API', vectors: 'workload-api.ts', cases: endpoints() },
    { title: 'Tokens of OIDC issuers', vectors: 'oidc.ts', cases: oidc() },
  ]
  const close = async () => {
    rmSync(folder, { recursive: true })
    await federation.close()
  }
  return { groups, close }
}

function spiffeIds(): Case[] {
  return SPIFFE_ID_VECTORS.map(({ id, name, source, inputs, rule }) => ({
    ...{ id, source, isRefused: rule !== undefined },
    name: inputs.length > 1 ? `${name} (${inputs.length} texts)` : name,
    acts: inputs.map((input) => () => parseSpiffeId(input)),
  }))
}

function x509Svids(): Case[] {
  return X509_VECTORS.map(({ id, name, source, code, check, make }) => ({
    ...{ id, name, source, isRefused: (code ?? check) !== undefined },
    acts: [
      async () => {
        const { chain, bundles: texts } = await make()
        verifyX509Svid(chain, { bundles: storeOf(texts).snapshot, now: NOW })
      },
    ],
  }))
}

function jwtSvids(): Case[] {
  const ec = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = { good: ec(), other: ec(), b: ec(), p384: ec('P-384'), p521: ec('P-521'), rsa }
  const bundle = (...kids: (keyof typeof keys)[]) => {
    const jwks = kids.map((kid) => ({ ...keys[kid].publicKey.export({ format: 'jwk' }), use: 'jwt-svid', kid }))
    return JSON.stringify({ keys: jwks })
  }
  const store = storeOf({ 'a.test': bundle('good', 'other', 'p384', 'p521', 'rsa'), 'b.test': bundle('b') })
  const token = ({ header, claims, payload, spell = (text) => text }: JwtVector) => {
    const plain = { sub: 'spiffe://a.test/x', aud: AUDIENCE, iat: IAT, exp: IAT + 300, ...claims }
    const parts = [{ alg: 'ES256', kid: 'good', typ: 'JWT', ...header }, payload ?? plain]
    const input = parts.map((part) => encoded(typeof part === 'string' ? part : JSON.stringify(part))).join('.')
    const key = { key: keys.good.privateKey, dsaEncoding: 'ieee-p1363' as const }
    return spell(`${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`)
  }
  return JWT_VECTORS.map((vector) => ({
    ...{ id: vector.id, name: vector.name, source: vector.source },
    isRefused: (vector.code ?? vector.check) !== undefined,
    acts: [
      () =>
        createJwtSvidVerifier({ audience: AUDIENCE, ...vector.rules }).verify(token(vector), {
          bundles: store.snapshot,
          now: NOW,
        }),
    ],
  }))
}

async function bundles(): Promise<Case[]> {
  const domain = await createTrustDomain('a.test')
  const filled = await bundleFiller(domain)
  return BUNDLE_VECTORS.map(({ id, name, source, text, check }) => ({
    ...{ id, name, source, isRefused: check !== undefined },
    acts: [() => parseSpiffeBundle('a.test', filled(text))],
  }))
}

function settings(folder: string): Case[] {
  const file = join(folder, 'stint.yaml')
  const load = (federation: object) => {
    const identity = {
      server: { certificateFile: 'a.pem', privateKeyFile: 'a.key' },
      domains: { 'b.test': { federation } },
    }
    const config = {
      ...{ identity, registry: { file: 'agents.yaml' }, policy: { directory: 'policies' } },
      roles: [{ arn: 'arn:aws:iam::123456789012:role/a', revocation: { kind: 'none' } }],
      aws: { region: 'eu-central-1' },
      ledger: { file: 'ledger.db' },
    }
    writeFileSync(file, stringify(config))
    return loadConfig({ file, env: {} })
  }
  return SETTINGS.map(({ id, name, settings: federation, refused: isRefused }) => ({
    ...{ id, name, isRefused },
    source: id === 'F1' ? 'Federation 5.2.1' : 'Federation 5.2.2',
    acts: [() => load(federation)],
  }))
}

/** A bundle endpoint that answers well once, and then as the case says. */
async function federationEndpoint(): Promise<{ cases: Case[]; close: () => Promise<void> }> {
  const make = (name: string) => createTrustDomain(name, { intermediate: true })
  const [domain, rolled, web] = await Promise.all([make('b.test'), make('b.test'), make('web')])
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/bundle': (response) => response.end(domain.bundleJson({ sequence: 5 })),
    '/500': (response) => response.writeHead(500).end(),
    '/204': (response) => response.writeHead(204).end(),
    '/large': (response) => response.end(' '.repeat(2 * 1_048_576)),
    '/away': (response) => response.writeHead(302, { location: '/bundle' }).end(),
    '/cut': (response) => {
      response.writeHead(200, { 'content-length': '50' })
      response.write('{', () => response.socket?.destroy())
    },
    '/text': (response) => response.end('<html>'),
    '/keyless': (response) => response.end('{"spiffe_sequence":9}'),
    '/older': (response) => response.end(rolled.bundleJson({ sequence: 4 })),
    '/unnumbered': (response) => response.end(rolled.bundleJson().replace('"spiffe_sequence":1,', '')),
  }
  let path = '/bundle'
  const identity = await web.issueX509Svid({ path: '/spire/server', ipAddresses: ['127.0.0.1'] })
  const server = await startHttpsServer(identity, (_request, response) => answers[path]?.(response))
  const ask = async (answer: string) => {
    const clock = new ManualClock(new Date().toISOString())
    const states: (StintError | undefined)[] = []
    const source = new FederatedBundle({
      ...{ store: new BundleStore(), trustDomain: 'b.test', url: `https://127.0.0.1:${server.port}/bundle` },
      profile: { kind: 'https_web', ca: [web.rootCertPem] },
      ...{ maxStalenessMs: 3_600_000, allowPrivate: ['127.0.0.1'], clock },
      onState: (_component, problem) => states.push(problem),
      onNotes: () => undefined,
    })
    path = '/bundle'
    await source.start()
    path = answer
    for (let minutes = 0; minutes < 5; minutes += 1) await clock.advance(60_000)
    await until(() => states.length > 1)
    await source.stop()
    const problem = states.at(-1)
    if (problem) throw problem
  }
  const cases = FAILURES.map(({ id, name, path: answer }) => ({
    ...{ id, name, isRefused: true },
    source: id === 'B16' ? 'Bundle 4.1.1' : 'Federation 6.2',
    acts: [() => ask(answer)],
  }))
  return { cases, close: () => server.close() }
}

function endpoints(): Case[] {
  return ENDPOINTS.map(({ id, address, target }) => ({
    ...{ id, isRefused: target === undefined, source: 'Workload Endpoint 4' },
    name: `the address ${JSON.stringify(address.length > 40 ? `${address.slice(0, 40)}…` : address)}`,
    acts: [() => workloadApiTarget(address)],
  }))
}

function oidc(): Case[] {
  return OIDC_VECTORS.map((vector) => ({
    ...{ id: vector.id, name: vector.name, source: vector.source, isRefused: vector.check !== undefined },
    acts: [
      () => {
        const issuer = defineIssuer({ ...KINDS[vector.kind ?? 'plain'].settings, ...vector.settings })
        const fetchFor = ({ issuer: url }: { issuer: string }) => documentsOf(url)
        const verifier = new OidcVerifier({ issuers: [issuer], fetchFor, clock: new ManualClock() })
        return verifier.verify(takeTokenApart(oidcToken(vector)), NOW)
      },
    ],
  }))
}

function oidcToken({ kind = 'plain', claims, header, payload, signedBy }: OidcVector): string {
  const merged = { aud: OIDC_AUDIENCE, iat: IAT, exp: IAT + 300, ...KINDS[kind].claims, ...claims }
  const full = { alg: 'RS256', typ: 'JWT', kid: 'rsa', ...header }
  const signer = signedBy ? OIDC_KEYS.other : full.kid === 'ec' ? OIDC_KEYS.ec : OIDC_KEYS.rsa
  return signedToken(full, payload ?? merged, signer.privateKey)
}

function storeOf(texts: Readonly<Record<string, string>>): BundleStore {
  const store = new BundleStore()
  for (const [domain, text] of Object.entries(texts)) store.replace(domain, parseSpiffeBundle(domain, text).bundle)
  return store
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url')
}
