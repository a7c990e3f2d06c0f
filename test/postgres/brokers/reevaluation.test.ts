import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { STAGE_POLICIES } from '../../../src/practice/stage/stage-rules.ts'
import { endBrokers } from '../../support/broker-process.ts'
import { eventually } from '../../support/eventually.ts'
import { PostgresServer } from '../postgres-server.ts'
import { BrokerStage } from './broker-stage.ts'
import { checkTheEnd } from './checks.ts'
import type { Replica } from './replica.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const server = await PostgresServer.start()
afterAll(async () => {
  await endBrokers()
  await server.dispose()
})

let stage: BrokerStage
afterEach(() => stage.close())

const NO_WRITES = STAGE_POLICIES.replace(/\/\/ They may write in staging\.[^/]*/, '')

function writePolicies(folder: string, text: string): void {
  mkdirSync(join(stage.stage.folder, folder), { recursive: true })
  writeFileSync(join(stage.stage.folder, folder, 'practice.cedar'), text)
}

const adopted = (digests: number) =>
  eventually('the rules on record', async () => {
    const rows = await stage.sql<{ count: number }>('SELECT count(*)::int AS count FROM rule_sets')
    return rows[0]?.count === digests
  })

const isOutdated = async (replica: Replica) => (await replica.problems()).includes('reevaluation')

test('a replica with older policies ends nothing that the newer ones permit, not even after a restart; both end what the newest refuse', async () => {
  stage = await BrokerStage.open(server, {}, { identity: { reloadEvery: '100ms' } })
  writePolicies('old', NO_WRITES)
  writePolicies('new', NO_WRITES)
  const [old, current] = [await stage.start({ policies: 'old' }), await stage.start({ policies: 'new' })]
  await adopted(1)

  // The new files reach one replica only.
  writePolicies('new', STAGE_POLICIES)
  await adopted(2)
  await eventually('the finding', () => isOutdated(old))
  const granted = await current.granted('key-00000001', 'write')
  expect(await old.renew('key-00000001', granted)).toBeUndefined()
  expect(stage.errors.at(-1)).toMatchObject({ code: 'RULES_OUTDATED', retryable: true })

  await old.kill()
  const again = await stage.start({ policies: 'old' })
  await eventually('the finding after the restart', () => isOutdated(again))
  expect(await stage.stateOf(granted)).toBe('active')
  expect((await current.renew('key-00000001', granted))?.lease).toBeDefined()

  // They reach the other one too: it is as good as the first.
  writePolicies('old', STAGE_POLICIES)
  await eventually('the end of the finding', async () => !(await isOutdated(again)))
  expect((await again.renew('key-00000001', granted))?.lease).toBeDefined()

  // An operator takes them back: that is a change like any other, and one replica is enough to see it.
  writePolicies('new', NO_WRITES)
  await stage.ended(granted)
  const [row] = await stage.sql<{ reason: string }>('SELECT reason FROM grants WHERE id = $1', [granted])
  expect(row?.reason).toBe('policy_changed')
  writePolicies('old', NO_WRITES)
  await eventually('one set for both', async () => !(await isOutdated(again)))
  await checkTheEnd(stage, { by: again })
})
