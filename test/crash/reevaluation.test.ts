import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { STAGE_POLICIES } from '../../src/practice/stage/stage-rules.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'
import { checkTheDead, checkTheSettled } from './checks.ts'
import { CrashStage } from './crash-stage.ts'

afterAll(endBrokers)

const WRITES = 70
const NO_WRITES = STAGE_POLICIES.replace(/\/\/ They may write in staging\.[^/]*/, '')

test('a kill while changed policies end grants: after the restart the rest ends, and what is permitted goes on', {
  timeout: 240_000,
}, async () => {
  const stage = await CrashStage.open({}, { identity: { reloadEvery: '100ms' } })
  try {
    // Several are ended at once: the kill comes when the first of them have ended.
    const first = await stage.start('reevaluate.after_end:64')
    const keys = Array.from({ length: WRITES }, (_, n) => `key-write-${n}`)
    const written = await Promise.all(keys.map((key) => stage.request(key, 'write')))
    const read = await stage.request('key-read-0001', 'read')
    writeFileSync(join(stage.stage.folder, 'policies', 'practice.cedar'), NO_WRITES)
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const { grants } = await checkTheDead(stage)
    const states = Map.groupBy(grants, ({ grant }) => grant.state)
    expect(states.get('active')?.length).toBeGreaterThan(1)
    expect(states.get('ending')?.length).toBeGreaterThan(1)

    const second = await stage.start()
    for (const answer of written) {
      const id = answer?.grant.id ?? ''
      await eventually(`the end of ${id}`, async () => (await stage.stateOf(id)) === 'ended')
    }
    expect(await stage.stateOf(read?.grant.id ?? '')).toBe('active')
    await stage.revoke(read?.grant.id ?? '')
    await eventually('the end of the other one', async () => (await stage.stateOf(read?.grant.id ?? '')) === 'ended')
    expect(await second.stop()).toEqual({ code: 0, signal: null })
    const settled = await checkTheSettled(stage)
    const reasons = settled.grants.map(({ grant }) => grant.reason).sort()
    expect(reasons).toEqual([...Array(WRITES).fill('policy_changed'), 'revoked'])
    expect(stage.stage.cloud.sessions().filter(({ accessKeyId }) => stage.works(accessKeyId))).toEqual([])
  } finally {
    await stage.close()
  }
})
