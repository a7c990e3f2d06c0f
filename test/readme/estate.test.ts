import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { stint } from '../support/cli.ts'

const run = promisify(execFile)
const ESTATE = new URL('../../docs/examples/estate', import.meta.url).pathname
const README = readFileSync(join(ESTATE, 'README.md'), 'utf8')

/** The estate with operators whose tokens have not expired, whenever the test runs. */
const folder = mkdtempSync(join(tmpdir(), 'stint-estate-'))
cpSync(ESTATE, folder, { recursive: true })
const config = join(folder, 'stint.yaml')
const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString()
writeFileSync(config, readFileSync(config, 'utf8').replaceAll(/expiresAt: \S+(?= )/g, `expiresAt: ${inAMonth}`))
afterAll(() => rmSync(folder, { recursive: true }))

test('the configuration of the estate is valid: six patterns of roles in two accounts', async () => {
  expect(await stint(['config', 'check', '--config', config])).toMatchObject({ exitCode: 0 })
  const { roles } = loadConfig({ file: config, env: {} })
  expect(roles).toHaveLength(6)
  expect([...new Set(roles.flatMap(({ accounts = [] }) => accounts))]).toHaveLength(2)
})

test('its policies have no problem, and every name in them exists', async () => {
  const { stdout, exitCode } = await stint(['policy', 'check', '--config', config, '--strict', '-o', 'json'])
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, errors: [], warnings: [], notChecked: [] })
  expect(exitCode).toBe(0)
})

test('each of its tasks comes to what its test says, each policy decides one, and each task has a case', async () => {
  const { stdout, exitCode } = await stint(['policy', 'test', '--config', config, '-o', 'json'])
  const report = JSON.parse(stdout)
  expect(report.results.filter(({ passed }: { passed: boolean }) => !passed)).toEqual([])
  expect(report.untested).toEqual([])
  expect(exitCode).toBe(0)
  const cases = readFileSync(join(ESTATE, 'policies', 'estate.test.yaml'), 'utf8')
  for (const file of readdirSync(join(ESTATE, 'tasks'))) {
    expect(cases, file).toContain(`task: ../tasks/${file}\n`)
    expect(README, file).toContain(`(tasks/${file})`)
  }
})

test('npm run stint takes a relative path from the folder that one stands in', async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'stint', '--', 'policy', 'check', 'policies'], {
    cwd: ESTATE,
  })
  expect(stdout).toMatch(/^ok: \d+ policies/)
})

test('three teams have twelve agents', () => {
  const { agents } = parse(readFileSync(join(ESTATE, 'agents.yaml'), 'utf8')) as { agents: { team: string }[] }
  expect(agents).toHaveLength(12)
  expect([...new Set(agents.map(({ team }) => team))].sort()).toEqual(['data', 'platform', 'web'])
})

test('its page says how many lines each file takes', () => {
  const said = [...README.matchAll(/^\| (?:\[(\S+)\]\(\S+\)|(all)) \| (\d+) \|/gm)].map(
    ([, file, all = '', lines]) => [file ?? all, Number(lines)] as const,
  )
  const counted = said
    .filter(([file]) => file !== 'all')
    .map(([file]) => {
      const lines = readFileSync(join(ESTATE, file), 'utf8').split('\n')
      return [file, lines.filter((line) => line.trim() !== '' && !/^\s*(#|\/\/)/.test(line)).length] as const
    })
  const all = counted.reduce((sum, [, lines]) => sum + lines, 0)
  expect(said).toEqual([...counted, ['all', all]])
  const cedar = readdirSync(join(ESTATE, 'policies')).filter((file) => file.endsWith('.cedar'))
  expect(counted).toHaveLength(3 + cedar.length)
})
