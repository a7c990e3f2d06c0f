import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { type Broker, startBroker } from '../../src/start/main.ts'
import { fencedBlocks, listPages } from './markdown.ts'
import { withPromiseTable } from './promise-table.ts'
import { CHECKOUT } from './reader.ts'

const README = join(CHECKOUT, 'README.md')
const readme = readFileSync(README, 'utf8')
const run = promisify(execFile)
const pages = listPages(CHECKOUT)

test('the README names the tests of each promise', () => {
  const written = withPromiseTable(readme)
  if (process.env.STINT_UPDATE_DOCS === '1') writeFileSync(README, written)
  expect(readme).toBe(written)
})

test('every shell command of the README is run by a test, and every npm script is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { scripts: object }
  for (const { language, flags, text, line } of fencedBlocks(readme)) {
    if (language !== 'sh') continue
    expect(flags.includes('run') || flags.includes('demo'), `README.md:${line}`).toBe(true)
    for (const [, script] of text.matchAll(/npm (?:run )?(?:--silent )?([\w:]+)/g))
      expect(scripts).toHaveProperty([script ?? ''])
  }
})

for (const page of pages)
  test(`every link of ${page} leads somewhere`, () => {
    const text = withoutCode(readFileSync(join(CHECKOUT, page), 'utf8'))
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(CHECKOUT, page) : join(CHECKOUT, dirname(page), path)
      expect(existsSync(file), target).toBe(true)
      if (anchor) expect(headingsOf(readFileSync(file, 'utf8')), target).toContain(anchor)
    }
  })

/** Anchors as GitHub makes them: the second heading of one name ends in `-1`. */
function headingsOf(markdown: string): string[] {
  const seen = new Map<string, number>()
  return [...withoutCode(markdown).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => {
    const anchor = title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}

/** Fenced blocks hold comments that look like headings, and brackets that look like links. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^```.*?^```$/gms, '')
}

/** Inside the checkout, so that packages are found; git ignores it. */
let folder = ''
let stage: Stage
let broker: Broker
beforeAll(async () => {
  mkdirSync(join(CHECKOUT, '.cache'), { recursive: true })
  folder = mkdtempSync(join(CHECKOUT, '.cache', 'readme-'))
  mkdirSync(join(folder, 'stage'), { mode: 0o700 })
  stage = await setStage({ folder: join(folder, 'stage') })
  const config = loadConfig({ file: stage.configFile, env: {} })
  broker = await startBroker(config, { clock: systemClock, logger: createLogger({ level: 'fatal' }), version: 'test' })
})
afterAll(async () => {
  await broker.stop()
  await stage.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the TypeScript of the README compiles strictly, and reads the invoice', async () => {
  const [block] = fencedBlocks(readme).filter(({ language }) => language === 'ts')
  const sample = join(folder, 'sample.ts')
  writeFileSync(sample, (block?.text ?? '').replace("from 'stint'", "from '../../src/sdk/index.ts'"))
  writeFileSync(join(folder, 'tsconfig.json'), '{ "extends": "../../tsconfig.json", "include": ["sample.ts"] }')
  await run(join(CHECKOUT, 'node_modules/.bin/tsc'), ['-p', join(folder, 'tsconfig.json')])

  const agent = await stage.issueSvid('/agents/invoice-bot')
  const { stdout } = await run(process.execPath, [sample], {
    env: {
      STINT_ADDRESS: broker.addresses.agents,
      STINT_SERVER_ID: stage.brokerId,
      STINT_SVID_CERT: agent.certificateFile,
      STINT_SVID_KEY: agent.privateKeyFile,
      STINT_BUNDLE: stage.rootsFile,
      AWS_ENDPOINT_URL: stage.cloud.endpoint,
      AWS_REGION: stage.cloud.region,
    },
  })
  expect(stdout).toBe('{"invoice":1}\n')
})
