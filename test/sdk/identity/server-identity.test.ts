import 'reflect-metadata'

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import * as x509 from '@peculiar/x509'
import { expect, test } from 'vitest'
import { generateKeys, makeCertificate, signingExtensions } from '../../../src/practice/stage/certificates.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'
import { checkServerSvid } from '../../../src/sdk/identity/server-identity.ts'
import { StintClient } from '../../../src/sdk/index.ts'

const BROKER = 'spiffe://example.org/stint'

async function leaf(names: x509.JsonGeneralNames, isAuthority = false): Promise<Buffer> {
  const keys = await generateKeys()
  const alternative = new x509.SubjectAlternativeNameExtension(names)
  const signing = isAuthority ? (await signingExtensions(keys)).slice(0, 2) : []
  const notBefore = new Date()
  const notAfter = new Date(notBefore.getTime() + 60_000)
  const extensions = [...signing, alternative]
  return Buffer.from((await makeCertificate({ subject: 'CN=x', keys, notBefore, notAfter, extensions })).rawData)
}

// The rules are X.509-SVID, sections 2 (exactly one URI SAN), 4.1 and 5.2 (a leaf is no authority).
for (const { name, names, isAuthority, isBroker } of [
  { name: 'the ID alone', names: [{ type: 'url', value: BROKER }], isBroker: true },
  {
    name: 'the ID beside names of other types',
    names: [
      { type: 'dns', value: 'stint.example.org' },
      { type: 'url', value: BROKER },
      { type: 'ip', value: '127.0.0.1' },
    ],
    isBroker: true,
  },
  { name: 'no URI', names: [{ type: 'dns', value: 'stint.example.org' }], isBroker: false },
  {
    name: 'two URIs, one of them right',
    names: [
      { type: 'url', value: BROKER },
      { type: 'url', value: `${BROKER}/b` },
    ],
    isBroker: false,
  },
  { name: 'the ID inside of a DNS name', names: [{ type: 'dns', value: `x, URI:${BROKER}` }], isBroker: false },
  { name: 'the ID after a quote', names: [{ type: 'url', value: `x", URI:${BROKER}` }], isBroker: false },
  { name: 'another case', names: [{ type: 'url', value: 'spiffe://example.org/Stint' }], isBroker: false },
  { name: 'a signing certificate', names: [{ type: 'url', value: BROKER }], isAuthority: true, isBroker: false },
] as { name: string; names: x509.JsonGeneralNames; isAuthority?: boolean; isBroker: boolean }[]) {
  test(`${name} ${isBroker ? 'is' : 'is not'} the broker`, async () => {
    const problem = checkServerSvid(await leaf(names, isAuthority), BROKER)
    expect(problem === undefined).toBe(isBroker)
  })
}

test('a server that speaks no TLS 1.3 gets nothing', async () => {
  const domain = await createTrustDomain('example.org')
  const { certPem, keyPem } = await domain.issueX509Svid({ path: '/stint' })
  const directory = await mkdtemp(join(tmpdir(), 'stint-test-'))
  const secured: TLSSocket[] = []
  const server = createServer(
    { cert: certPem, key: keyPem, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] },
    (socket) => {
      secured.push(socket)
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const files = {
    certificateFile: join(directory, 'c'),
    privateKeyFile: join(directory, 'k'),
    bundleFile: join(directory, 'b'),
  }
  await Promise.all([
    writeFile(files.certificateFile, certPem),
    writeFile(files.privateKeyFile, keyPem),
    writeFile(files.bundleFile, domain.rootCertPem),
  ])
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new StintClient({ address, serverId: BROKER, svid: files })
  // Once, and not until a deadline that a busy machine could reach before the handshake has failed.
  const once = { deadlineMs: 60_000, retry: false }
  await expect(client.getGrant('grt_1', once)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  expect(secured).toEqual([])
  client.close()
  server.close()
  await rm(directory, { recursive: true })
})

test('the provider has the type that AWS clients take', () => {
  const client = new StintClient({
    address: '127.0.0.1:1',
    serverId: BROKER,
    svid: { bundleFile: 'b' },
    token: async () => 't',
  })
  const task = { purpose: 'p', roleArn: 'r', access: [], ttlSeconds: 60 }
  const config: S3ClientConfig = { region: 'eu-west-1', credentials: client.credentials(task) }
  expect(config.credentials).toBeTypeOf('function')
  client.close()
})
