/**
 * Makes a throw-away trust domain in a folder: see README.md beside this file.
 *
 * Usage: node certs/generate.ts FOLDER [TRUST_DOMAIN [PATH …]]
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTrustDomain } from '../src/practice/stage/pki.ts'

const [folder, name = 'example.org', ...paths] = process.argv.slice(2)
if (!folder) {
  process.stderr.write('usage: node certs/generate.ts FOLDER [TRUST_DOMAIN [PATH …]]\n')
  process.exit(2)
}
await generate(folder, name, paths.length > 0 ? paths : ['/agent'])

async function generate(folder: string, name: string, paths: readonly string[]): Promise<void> {
  const domain = await createTrustDomain(name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await write('bundle.json', domain.bundleJson())
  await write('root.pem', domain.rootCertPem)
  await writeSvid('server', { path: '/stint', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] })
  for (const path of paths) {
    await writeSvid(path.slice(1).replaceAll('/', '-'), { path })
    const token = await domain.issueJwtSvid({ path, audience: `spiffe://${name}/stint`, ttlSeconds: 3600 })
    await write(`${path.slice(1).replaceAll('/', '-')}.jwt`, token)
  }

  async function writeSvid(file: string, order: Parameters<typeof domain.issueX509Svid>[0]): Promise<void> {
    const svid = await domain.issueX509Svid({ ...order, ttlMs: 24 * 3_600_000 })
    await write(`${file}.pem`, svid.certPem)
    await write(`${file}.key`, svid.keyPem)
    process.stdout.write(`${svid.spiffeId} -> ${file}.pem\n`)
  }

  async function write(file: string, text: string): Promise<void> {
    await writeFile(join(folder, file), text, { mode: 0o600 })
  }
}
