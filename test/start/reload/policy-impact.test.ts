import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { STAGE_POLICIES } from '../../../src/practice/stage/stage-rules.ts'
import type { StintClient } from '../../../src/sdk/client.ts'
import { stint } from '../../support/cli.ts'
import { eventually } from '../../support/eventually.ts'
import { ReloadRig } from './reload-rig.ts'

const WRITE = { actions: ['s3:PutObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }
const DELETE = { actions: ['s3:DeleteObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }
const NO_WRITES = STAGE_POLICIES.replace(/\/\/ They may write in staging\.[^/]*/, '')
const FORBIDDEN = `${STAGE_POLICIES}
@id("staging-closed") forbid (principal, action, resource)
when { resource.touches.contains("env:staging") } unless { action in [Stint::Action::"list", Stint::Action::"read"] };
`

let rig: ReloadRig
let agent: StintClient
beforeEach(async () => {
  rig = await ReloadRig.open({ identity: { reloadEvery: '100ms' } })
  agent = await rig.agent()
})
afterEach(() => rig.close())

function writeSet(name: string, text: string): string {
  const folder = join(rig.stage.folder, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'practice.cedar'), text)
  return folder
}

const run = (argv: string[], who: 'vera' | 'oscar' = 'oscar') =>
  stint(argv, {
    env: { STINT_ADMIN_URL: rig.broker.addresses.admin, STINT_ADMIN_TOKEN_FILE: rig.stage.tokenFiles[who] },
  })

test('stint policy impact says what would end before the policies come into force, and what it said then happens', async () => {
  const read = await agent.requestGrant(rig.task(), 'key-00000001')
  const write = await agent.requestGrant(rig.task({ access: [WRITE] }), 'key-00000002')
  await agent.requestGrant(rig.task({ access: [DELETE] }), 'key-00000003').catch(() => undefined)

  const unchanged = await run(['policy', 'impact', writeSet('same', STAGE_POLICIES), '-o', 'json'])
  expect(unchanged.exitCode).toBe(0)
  expect(JSON.parse(unchanged.stdout)).toMatchObject({
    active: { judged: 2, ending: 0, needingApproval: 0 },
    first: [],
  })

  const found = await run(['policy', 'impact', writeSet('closed', FORBIDDEN), '-o', 'json'])
  expect(found.exitCode).toBe(1)
  expect(JSON.parse(found.stdout)).toMatchObject({
    active: { judged: 2, ending: 1, needingApproval: 0 },
    waiting: { judged: 1, refused: 1 },
    undecided: 0,
    byTeam: [{ name: 'data', count: 2 }],
    byPolicy: [{ name: 'staging-closed', count: 2 }],
  })
  const asking = STAGE_POLICIES.replace('@id("staging-write")', '@id("staging-write") @approval("owners:1")')
  const { stdout } = await run(['policy', 'impact', writeSet('asking', asking)])
  expect(stdout).toMatch(/Active grants:\s+2, of which 0 would end and 1 would end for want of an approval/)
  expect(stdout).toContain(write.grant.id)

  writeSet('policies', NO_WRITES)
  const stateOf = async (id: string) => (await agent.getGrant(id)).state
  await eventually('the end of what may not write any more', async () => (await stateOf(write.grant.id)) !== 'active')
  expect(await stateOf(read.grant.id)).toBe('active')
  expect((await rig.events('rules.reevaluated'))[0]?.data).toMatchObject({ ended: 1, undecided: 0 })
})

test('a set that could not be used is refused with its problems, and whoever may only look may not ask', async () => {
  const folder = writeSet('broken', 'permit (principal, action, resource);')
  expect(await run(['policy', 'impact', folder])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('no @id'),
  })
  expect((await run(['policy', 'impact', writeSet('same', STAGE_POLICIES)], 'vera')).exitCode).not.toBe(0)
})

test('budgets come into force with the file, and stint budgets shows their use', async () => {
  await agent.requestGrant(rig.task(), 'key-00000001')
  await rig.change((settings) => {
    settings.budgets = [{ name: 'data-team', for: { team: 'data' }, liveGrants: 2, grantsPerHour: 9 }]
  })
  await agent.requestGrant(rig.task(), 'key-00000002')
  const refused = agent.requestGrant(rig.task(), 'key-00000003')
  await expect(refused).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
  const shown = await run(['budgets', '-o', 'json'], 'vera')
  expect(JSON.parse(shown.stdout)).toEqual([
    {
      budget: 'data-team',
      holder: { kind: 'team', name: 'data' },
      measures: [
        { measure: 'liveGrants', used: 2, limit: 2 },
        { measure: 'grantsPerHour', used: 1, limit: 9 },
      ],
    },
  ])
  expect((await run(['budgets'], 'vera')).stdout).toContain('data-team')
})
