import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/log.ts'
import { startBroker } from '../../../src/main.ts'
import { setStage } from '../../../src/practice/stage.ts'
import { eventually } from '../../support/eventually.ts'
import { keySet } from '../../support/oidc-tokens.ts'

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
  await broker.stop()
  expect(said('issuer:cluster')).toEqual(['a part has a problem', 'a part works again'])
  const last = JSON.parse(written.at(-1) ?? '{}') as { msg?: string }
  expect(last.msg).toBe('stopped')
})
