import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { eventually } from '../../support/eventually.ts'
import { ReloadRig } from './reload-rig.ts'

let rig: ReloadRig
beforeEach(async () => {
  rig = await ReloadRig.open()
})
afterEach(() => rig.close())

const withoutVera = (settings: { admin: { operators: { name: string }[] } }) => {
  settings.admin.operators = settings.admin.operators.filter(({ name }) => name !== 'vera')
}

test('an operator that leaves the file is refused at the next call, and works again once back, without a restart', async () => {
  const before = rig.settings()
  expect((await rig.get('/v1/whoami')).status).toBe(200)
  await rig.change(withoutVera)
  const refused = await rig.get('/v1/whoami')
  expect([refused.status, (await refused.json()) as object]).toMatchObject([401, { code: 'OPERATOR_UNKNOWN' }])
  expect((await rig.get('/v1/whoami', 'oscar')).status).toBe(200)
  await rig.write(before)
  await eventually('the operator is back', async () => (await rig.get('/v1/whoami')).ok)
})

test('the record names the settings that changed, without their values', async () => {
  await rig.change((settings) => {
    settings.admin.operators[3].groups = ['owners']
    settings.server = { drainTime: '20s' }
  })
  const [event, ...more] = await rig.events('configuration.reloaded')
  expect(more).toEqual([])
  expect(event?.data).toEqual({
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    before: expect.stringMatching(/^[0-9a-f]{64}$/),
    changed: ['admin.operators.vera'],
    waiting: ['server.drainTime'],
  })
})

test('a setting that only a restart takes is on the status until the file is as before', async () => {
  const before = rig.settings()
  await rig.change((settings) => {
    settings.listen.agents = '127.0.0.1:1'
    settings.ledger = { file: 'other.db' }
  })
  expect(await rig.problems('config')).toMatchObject([
    {
      finding: 'waits-for-restart',
      code: 'CONFIG_WAITS',
      explanation: expect.stringMatching(
        /: ledger\.file, listen\.agents\.port\.$|: listen\.agents\.port, ledger\.file\.$/,
      ),
    },
  ])
  expect((await rig.status()).ready).toBe(true)
  await rig.write(before)
  await rig.broker.reload()
  expect(await rig.problems('config')).toEqual([])
})

// P17: what is wrong shows until that very thing works again; what is in force stays whole.
for (const { name, breakFile, code = 'CONFIG_INVALID' } of [
  {
    name: 'half written',
    breakFile: (file: string) => writeFileSync(file, 'identity:\n  server: { certificateFile: "/et'),
  },
  { name: 'removed', breakFile: (file: string) => unlinkSync(file) },
  {
    name: 'replaced by a folder',
    breakFile: (file: string) => {
      unlinkSync(file)
      mkdirSync(file)
    },
  },
  {
    name: 'a dangling link',
    breakFile: (file: string) => {
      unlinkSync(file)
      symlinkSync('/nowhere', file)
    },
  },
] as { name: string; breakFile: (file: string) => unknown; code?: string }[])
  test(`a configuration file that is ${name} leaves the last good one in force, and is on the status until cured`, async () => {
    const before = rig.settings()
    const { configFile } = rig.stage
    breakFile(configFile)
    await rig.broker.reload()
    expect(await rig.problems('config')).toMatchObject([{ code, explanation: expect.stringContaining(configFile) }])
    expect((await rig.status()).ready).toBe(true)
    rmSync(configFile, { recursive: true, force: true })
    withoutVera(before)
    await rig.write(before)
    await eventually('the changed file is in force', async () => (await rig.get('/v1/whoami')).status === 401)
    const { problems } = (await (await rig.get('/v1/status', 'oscar')).json()) as { problems: { component: string }[] }
    expect(problems.filter(({ component }) => component === 'config')).toEqual([])
  })

test('all that is wrong with a changed file is told at once, and none of it is in force', async () => {
  await rig.change((settings) => {
    withoutVera(settings)
    settings.admin.operators[0].role = 'king'
    settings.grants.settleTime = 'soon'
    settings.nonsense = 1
  })
  const [problem] = await rig.problems('config')
  expect(problem?.explanation.split('\n')).toHaveLength(3)
  expect((await rig.get('/v1/whoami')).status).toBe(200)
})

test('operators that cannot be used together change nothing', async () => {
  await rig.change((settings) => {
    const [olga, oscar] = settings.admin.operators
    oscar.tokenSha256 = olga.tokenSha256
    withoutVera(settings)
  })
  expect(await rig.problems('config')).toMatchObject([
    { explanation: expect.stringContaining('already used by another row') },
  ])
  expect((await rig.get('/v1/whoami')).status).toBe(200)
  expect(await rig.events('configuration.reloaded')).toEqual([])
})

// A ConfigMap is a folder of links to ..data, which is a link to a folder of a version; an update replaces that one link.
test('a configuration that Kubernetes swaps by its ..data link is taken', async () => {
  const { configFile } = rig.stage
  const folder = dirname(configFile)
  const version = (name: string, settings: object) => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'stint.yaml'), stringify(settings))
  }
  const settings = rig.settings()
  version('..v1', settings)
  symlinkSync('..v1', join(folder, '..data'))
  unlinkSync(configFile)
  symlinkSync(join('..data', 'stint.yaml'), configFile)
  await rig.broker.reload()
  expect(await rig.problems('config')).toEqual([])
  withoutVera(settings)
  version('..v2', settings)
  symlinkSync('..v2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  await eventually('the new version is in force', async () => (await rig.get('/v1/whoami')).status === 401)
})
