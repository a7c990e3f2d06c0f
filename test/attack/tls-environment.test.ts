import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { createGuardedFetch } from '../../src/core/net/guarded-fetch.ts'
import { createStsClient } from '../../src/credentials/aws-sts/calls/clients.ts'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'

let folder = ''
let url = ''
let server: Server
/** Requests that somebody in the middle has read. */
let read = 0
const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-tls-'))
  const stranger = await createTrustDomain('stranger.test')
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
  const { certPem, keyPem } = await stranger.issueX509Svid({ path: '/in-the-middle', ...names })
  read = 0
  server = createServer({ cert: certPem, key: keyPem }, (_request, response) => {
    read += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `https://localhost:${(server.address() as AddressInfo).port}`
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
})

afterEach(() => {
  if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

/** Clients that send a secret or believe an answer. The SDK's own connection is checked by grpc-js. */
const CLIENTS = {
  'the admin client': async () => {
    const adminTokenFile = join(folder, 'token')
    writeFileSync(adminTokenFile, 'token-of-an-operator')
    const client = await AdminClient.from({ adminUrl: url, adminTokenFile }, { env: {} })
    return client.get('/v1/status')
  },
  'the client of STS': async () => {
    const client = createStsClient({
      region: 'eu-central-1',
      endpoint: url,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-key' },
      http: { connectionTimeoutMs: 10_000, requestTimeoutMs: 10_000 },
      maxSockets: 1,
    })
    return client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy())
  },
  'the fetch of documents': () => createGuardedFetch({ allowPrivate: ['localhost'] })(`${url}/keys`),
}

describe('with NODE_TLS_REJECT_UNAUTHORIZED=0, a server that nobody vouches for gets nothing from', () => {
  for (const [name, call] of Object.entries(CLIENTS)) {
    test(name, async () => {
      await expect(call()).rejects.toThrow()
      expect(read).toBe(0)
    })
  }
})
