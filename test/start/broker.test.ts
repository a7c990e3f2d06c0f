import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { createLogger } from '../../src/core/log.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { startBroker } from '../../src/start/main.ts'

interface Line {
  readonly msg: string
  readonly part?: string
  readonly health?: unknown
}

let stage: Stage
let config: Config
let lines: Line[]

beforeAll(async () => {
  stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-start-')) })
  config = loadConfig({ file: stage.configFile, env: {} })
})
afterAll(async () => {
  await stage.close()
  rmSync(stage.folder, { recursive: true, force: true })
})
beforeEach(() => {
  lines = []
})

function start(changed: Config = config) {
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  return startBroker(changed, { logger: createLogger({ level: 'debug', destination }), version: 'test' })
}

const partsThat = (msg: string) => lines.flatMap((line) => (line.msg === msg && line.part ? [line.part] : []))

test('a broker stops its parts in the reverse order of their start, first what tells probes that calls are taken', async () => {
  const broker = await start()
  const started = partsThat('a part starts')
  await broker.stop()
  const stopped = partsThat('a part stops')
  expect(stopped).toEqual(started.filter((part) => stopped.includes(part)).reverse())
  expect(stopped.slice(0, 4)).toEqual(['serving', 'readinessWatch', 'agentPorts', 'admin'])
  expect(stopped.at(-1)).toBe('ledger')
  expect(started.indexOf('sweeper')).toBeLessThan(started.indexOf('health'))
})

test('the log says where a broker serves, health by its port alone', async () => {
  const broker = await start()
  const { agents, admin, health } = broker.addresses
  const line = lines.find(({ msg }) => msg === 'serving')
  expect(line).toMatchObject({ agents, admin, health: expect.any(Number), spiffeId: stage.brokerId })
  expect(health).toMatch(new RegExp(`:${line?.health}$`))
  await broker.stop()
  expect(lines.at(-1)?.msg).toBe('stopped')
})

test('a broker whose port is taken leaves nothing running and nothing locked', async () => {
  const other = createServer()
  const port = await new Promise<number>((resolve) => {
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port))
  })
  const agents = { ...config.listen.agents, port }
  await expect(start({ ...config, listen: { ...config.listen, agents } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  })
  other.close()
  expect(partsThat('a part starts').at(-1)).toBe('agentPorts')
  expect(partsThat('a part stops').at(-1)).toBe('ledger')
  const broker = await start()
  await broker.stop()
})
