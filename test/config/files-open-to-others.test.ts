import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { filesOpenToOthers } from '../../src/config/files-open-to-others.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { setStage } from '../../src/practice/stage/stage.ts'
import { startBroker } from '../../src/start/main.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const FILES = [
  'server.pem',
  'server.key',
  'bundle.json',
  'agents.yaml',
  'policies/a.cedar',
  'aws.id',
  'aws.secret',
  'proxy.user',
]

/** Writes the files of a configuration, each with mode 0640 or its own. */
function configWith(modes: Readonly<Record<string, number>>) {
  mkdirSync(join(folder, 'policies'))
  for (const name of FILES) {
    writeFileSync(join(folder, name), '')
    chmodSync(join(folder, name), modes[name] ?? 0o640)
  }
  const file = join(folder, 'stint.yaml')
  const text = stringify({
    identity: {
      server: { certificateFile: 'server.pem', privateKeyFile: 'server.key' },
      domains: { 'example.org': { file: 'bundle.json' } },
    },
    registry: { file: 'agents.yaml' },
    policy: { directory: 'policies' },
    roles: [{ arn: 'arn:aws:iam::123456789012:role/stint/data', revocation: { kind: 'none' } }],
    aws: {
      region: 'eu-central-1',
      credentials: { accessKeyIdFile: 'aws.id', secretAccessKeyFile: 'aws.secret' },
      proxy: { url: 'http://proxy.example:3128', credentialsFile: 'proxy.user' },
    },
    ledger: { file: 'ledger.db' },
  })
  writeFileSync(file, text)
  return loadConfig({ file, env: {} })
}

for (const { name, mode, says } of [
  { name: 'agents.yaml', mode: 0o646, says: /may write .*agents\.yaml/ },
  { name: 'policies/a.cedar', mode: 0o646, says: /may write .*a\.cedar/ },
  { name: 'bundle.json', mode: 0o646, says: /may write .*bundle\.json/ },
  { name: 'server.key', mode: 0o644, says: /may read .*server\.key/ },
  { name: 'aws.secret', mode: 0o644, says: /may read .*aws\.secret/ },
  { name: 'proxy.user', mode: 0o644, says: /may read .*proxy\.user/ },
])
  test(`${name} with mode ${mode.toString(8)} is told, and it alone`, () => {
    expect(filesOpenToOthers(configWith({ [name]: mode }))).toEqual([expect.stringMatching(says)])
  })

test('what everybody may read and is no secret, and the ledger, which closes itself, are not told', () => {
  const config = configWith({ 'agents.yaml': 0o644, 'policies/a.cedar': 0o644, 'server.pem': 0o644 })
  writeFileSync(join(folder, 'ledger.db'), '')
  chmodSync(join(folder, 'ledger.db'), 0o666)
  expect(filesOpenToOthers(config)).toEqual([])
})

test('a broker that starts warns of such a file', async () => {
  await using stack = new AsyncDisposableStack()
  const stage = await setStage({ folder })
  stack.defer(() => stage.close())
  const config = loadConfig({ file: stage.configFile, env: {} })
  chmodSync(config.registry.file, 0o646)
  const lines: string[] = []
  const logger = createLogger({ level: 'warn', destination: { write: (line: string) => void lines.push(line) } })
  const broker = await startBroker(config, { clock: systemClock, logger, version: 'test' })
  stack.defer(() => broker.stop())
  const notices = lines.map((line) => JSON.parse(line) as { notice?: string }).flatMap(({ notice }) => notice ?? [])
  expect(notices).toContainEqual(expect.stringContaining(`may write ${config.registry.file} `))
})
