import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { Stage } from '../../../src/practice/stage/stage.ts'
import { StintClient } from '../../../src/sdk/client.ts'
import { selfSigned } from '../../admin/self-signed.ts'
import { keySet, OIDC_KEYS, signedToken } from '../../support/oidc-tokens.ts'
import { ReloadRig } from './reload-rig.ts'

const AUDIENCE = 'spiffe://practice.example/stint'
const ISSUER = 'https://ci.example'

let rig: ReloadRig
const clients: StintClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await rig.close()
})

/** How a call of an agent ends that has nothing but this token. */
async function call(token: string): Promise<string> {
  const { bearer = '' } = rig.broker.addresses
  const svid = { bundleFile: rig.stage.rootsFile }
  const client = new StintClient({ address: bearer, serverId: rig.stage.brokerId, svid, token: async () => token })
  clients.push(client)
  return client.planTask(rig.task()).then(
    () => 'ok',
    ({ code, details }: { code: string; details?: { check?: string } }) =>
      [code, details?.check].filter(Boolean).join(' '),
  )
}

const jwtSvid = (audience: string) => rig.stage.trustDomain.issueJwtSvid({ path: '/agents/invoice-bot', audience })

function oidcToken(audience = 'stint'): string {
  const now = Math.floor(Date.now() / 1_000)
  const claims = { iss: ISSUER, aud: audience, sub: 'job', iat: now, exp: now + 300, jti: crypto.randomUUID() }
  return signedToken({ alg: 'RS256', kid: 'rsa' }, claims, OIDC_KEYS.rsa.privateKey)
}

const issuer = (changed: object = {}) => ({
  alias: 'ci',
  issuer: ISSUER,
  audience: 'stint',
  keysFile: 'keys.json',
  subject: ['sub'],
  ...changed,
})

const open = (more: Parameters<typeof ReloadRig.open>[0] = {}) =>
  ReloadRig.open(
    { listen: { bearer: '127.0.0.1:0' }, ...more },
    { prepare: ({ folder }: Stage) => writeFileSync(join(folder, 'keys.json'), keySet()) },
  )

test('the audience of JWT-SVIDs changes with the file, also for a token that was accepted before', async () => {
  rig = await open()
  const [old, next] = [await jwtSvid(AUDIENCE), await jwtSvid('stint-next')]
  expect(await call(old)).toBe('ok')
  expect(await call(next)).toMatch(/^TOKEN_INVALID/)
  await rig.change((settings) => {
    settings.identity.tokens.audience = 'stint-next'
  })
  expect(await call(old)).toMatch(/^TOKEN_INVALID/)
  expect(await call(next)).toBe('ok')
})

test('an issuer that comes into the file is asked at once, and one that leaves it is refused at the next call', async () => {
  rig = await open()
  expect(await call(oidcToken())).toBe('TOKEN_INVALID issuer')
  await rig.change((settings) => {
    settings.identity.oidc = [issuer()]
  })
  expect(await call(oidcToken())).toBe('AGENT_UNREGISTERED')
  await rig.change((settings) => {
    settings.identity.oidc = [issuer({ audience: 'other' })]
  })
  expect(await call(oidcToken())).toMatch(/^TOKEN_INVALID/)
  expect(await call(oidcToken('other'))).toBe('AGENT_UNREGISTERED')
  await rig.change((settings) => {
    settings.identity.oidc = []
  })
  expect(await call(oidcToken('other'))).toBe('TOKEN_INVALID issuer')
  const [{ data } = { data: {} }] = await rig.events('configuration.reloaded')
  expect(data.changed).toEqual(['identity.oidc.ci'])
})

test('an issuer whose files cannot be read changes nothing', async () => {
  rig = await open()
  await rig.change((settings) => {
    settings.identity.tokens.audience = 'stint-next'
    settings.identity.oidc = [issuer({ keysFile: undefined, caFile: 'not-there.pem' })]
  })
  expect(await rig.problems('config')).toMatchObject([{ code: 'CONFIG_INVALID' }])
  expect(await call(await jwtSvid(AUDIENCE))).toBe('ok')
})

test('the problem of an issuer leaves the status with the issuer', async () => {
  rig = await open({ identity: { oidc: [issuer({ keysFile: 'missing.json' })] } } as never)
  await expect.poll(() => rig.problems('issuer:ci')).toHaveLength(1)
  await rig.change((settings) => {
    settings.identity.oidc = []
  })
  expect(await rig.problems('issuer:ci')).toEqual([])
})

test('how often a token counts changes with the file', async () => {
  rig = await open()
  const token = await jwtSvid(AUDIENCE)
  const { bearer = '' } = rig.broker.addresses
  const svid = { bundleFile: rig.stage.rootsFile }
  const client = new StintClient({ address: bearer, serverId: rig.stage.brokerId, svid, token: async () => token })
  clients.push(client)
  const ask = (key: string) =>
    client.requestGrant(rig.task(), key).then(
      () => 'ok',
      ({ code }: { code: string }) => code,
    )
  expect(await ask('token-key-0001')).toBe('ok')
  await rig.change((settings) => {
    settings.identity.tokens.reuse = 'never'
  })
  expect(await ask('token-key-0002')).toBe('TOKEN_REPLAYED')
  await rig.change((settings) => {
    settings.identity.tokens.reuse = 'lifetime'
  })
  expect(await ask('token-key-0003')).toBe('ok')
})

test('the admin API takes the certificate that the file names, and keeps its own where the pair is unusable', async () => {
  const pairs = { one: await selfSigned(), two: await selfSigned() }
  const prepare = ({ folder }: Stage) => {
    for (const [name, { cert, key }] of Object.entries(pairs)) {
      writeFileSync(join(folder, `${name}.crt`), cert)
      writeFileSync(join(folder, `${name}.key`), key)
    }
  }
  const files = (certificate: string, key = certificate) => ({
    certificateFile: `${certificate}.crt`,
    privateKeyFile: `${key}.key`,
  })
  rig = await ReloadRig.open({ admin: { tls: files('one') } }, { prepare })
  const { port } = new URL(rig.broker.addresses.admin)
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.toString() ?? '')
        socket.destroy()
      })
      socket.on('error', reject)
    })
  expect((await shown()).trim()).toBe(pairs.one.cert.trim())
  await rig.change((settings) => {
    settings.admin.tls = files('two', 'one')
  })
  expect((await shown()).trim()).toBe(pairs.one.cert.trim())
  await rig.change((settings) => {
    settings.admin.tls = files('two')
  })
  await expect.poll(async () => (await shown()).trim(), { timeout: 30_000 }).toBe(pairs.two.cert.trim())
})
