import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { StintError } from '../../../src/core/errors.ts'
import { createLogger } from '../../../src/core/log.ts'
import { setStage } from '../../../src/practice/stage/stage.ts'
import { StintClient } from '../../../src/sdk/client.ts'
import { startBroker } from '../../../src/start/main.ts'
import { eventually } from '../../support/eventually.ts'
import { keySet, OIDC_KEYS, signedToken } from '../../support/oidc-tokens.ts'
import { KINDS } from '../../vectors/identity/oidc.ts'

test('a broker logs once that the keys of an issuer are gone, then that they are back, and that it has stopped', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'stint-issuer-log-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const keysFile = join(folder, 'keys.json')
  const issuer = {
    alias: 'cluster',
    preset: 'kubernetes',
    issuer: 'https://kubernetes.default.svc.cluster.local',
    audience: 'https://stint.example.org',
    keysFile,
  }
  const identity = { oidc: [issuer], reloadEvery: '100ms' }
  const stage = await setStage({ folder, config: { listen: { bearer: '127.0.0.1:0' }, identity } })
  stack.defer(() => stage.close())
  const written: string[] = []
  const logger = createLogger({ level: 'info', destination: { write: (line: string) => void written.push(line) } })
  const said = (component: string) =>
    written.flatMap((line) => {
      const entry = JSON.parse(line) as { component?: string; msg: string }
      return entry.component === component ? [entry.msg] : []
    })
  const config = loadConfig({ file: stage.configFile, env: {} })
  const broker = await startBroker(config, { clock: systemClock, logger, version: 'test' })
  await eventually('the problem', () => said('issuer:cluster').length > 0)
  await writeFile(keysFile, keySet())
  await eventually('the recovery', () => said('issuer:cluster').length > 1)
  const client = new StintClient({
    address: broker.addresses.bearer ?? '',
    serverId: stage.brokerId,
    svid: { bundleFile: stage.rootsFile },
    token: async () => shown(),
  })
  let shown = async () => invented()
  const codes = new Set<unknown>()
  for (let n = 0; n < 3; n += 1) {
    codes.add(await client.listGrants({}, { deadlineMs: 500 }).catch((error: StintError) => error.code))
  }
  expect(codes).toContain('ISSUER_UNAVAILABLE')
  shown = () =>
    stage.trustDomain.issueJwtSvid({ path: '/agents/a', audience: stage.brokerId, header: { kid: randomUUID() } })
  await expect(client.listGrants({}, { deadlineMs: 500 })).rejects.toMatchObject({
    code: 'TRUST_DOMAIN_UNAVAILABLE',
    details: { check: 'kid', retryAfterMs: expect.any(Number) },
  })
  client.close()
  await broker.stop()
  // Whoever invents keys does not fill the log.
  expect(written.filter((line) => line.includes('"method"'))).toEqual([])
  expect(said('issuer:cluster')).toEqual(['a part has a problem', 'a part works again'])
  const last = JSON.parse(written.at(-1) ?? '{}') as { msg?: string }
  expect(last.msg).toBe('stopped')
})

/** A token of the cluster whose key nobody knows. */
function invented(): string {
  const iat = Math.floor(Date.now() / 1_000)
  const iss = 'https://kubernetes.default.svc.cluster.local'
  const claims = { ...KINDS.kubernetes.claims, iss, aud: ['https://stint.example.org'], iat, exp: iat + 600 }
  return signedToken({ alg: 'RS256', kid: randomUUID() }, claims, OIDC_KEYS.other.privateKey)
}
