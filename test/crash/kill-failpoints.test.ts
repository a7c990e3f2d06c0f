import { afterAll, describe, expect, test } from 'vitest'
import type { AdminSchema } from '../../src/admin-client/admin-calls.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually, turns } from '../support/eventually.ts'
import { checkTheDead, checkTheSettled } from './checks.ts'
import { CrashStage } from './crash-stage.ts'

afterAll(endBrokers)

const KEY = 'key-00000001'

/** The points of a kill's way, and what is on record when the broker dies there. */
const ROWS: readonly { readonly failpoint: string; readonly isSet: boolean; readonly state: string }[] = [
  { failpoint: 'kill.before_set', isSet: false, state: 'active' },
  { failpoint: 'kill.after_set', isSet: true, state: 'active' },
  { failpoint: 'kill.claimed', isSet: true, state: 'active' },
  { failpoint: 'kill.surveyed', isSet: true, state: 'active' },
  { failpoint: 'kill.ending', isSet: true, state: 'ending' },
  { failpoint: 'kill.between_passes', isSet: true, state: 'ending' },
  { failpoint: 'kill.before_ended', isSet: true, state: 'ending' },
  { failpoint: 'kill.after_ended', isSet: true, state: 'ending' },
  { failpoint: 'kill.before_denied', isSet: true, state: 'ending' },
]

const turn = turns(2)

const kill = async (stage: CrashStage): Promise<AdminSchema<'KillAnswer'> | undefined> => {
  const oscar = await stage.admin('oscar')
  const body = { scope: 'everything', why: 'agents delete buckets' } as const
  // The broker may die before it answers.
  return oscar.post('/v1/kills', { body }).catch(() => undefined)
}

describe.concurrent('a broker that dies at', () => {
  for (const row of ROWS) {
    test(`${row.failpoint} leaves a kill that is not set, or that is seen through`, { timeout: 240_000 }, () =>
      turn(() => crashAt(row)),
    )
  }
})

async function crashAt({ failpoint, isSet, state }: (typeof ROWS)[number]): Promise<void> {
  const stage = await CrashStage.open()
  try {
    const first = await stage.start(failpoint)
    const grantId = (await stage.request(KEY, 'read'))?.grant.id ?? ''
    await kill(stage)
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const [dead] = (await checkTheDead(stage)).grants
    expect(dead?.grant.state).toBe(state)

    const second = await stage.start()
    if (!isSet) await kill(stage)
    await expect(stage.request('key-00000002', 'read')).rejects.toMatchObject({ code: 'KILLED' })
    await eventually('the end of the kill', async () => (await stage.stateOf(grantId)) === 'ended')
    const vera = await stage.admin('vera')
    await eventually('the kill is done', async () => {
      const { items } = await vera.get('/v1/kills')
      return items[0]?.state === 'done'
    })
    const { items } = await vera.get('/v1/kills')
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ inForce: true, found: { agents: 1, unreadable: 0 }, unreadable: [] })
    expect(await second.stop()).toEqual({ code: 0, signal: null })
    const { grants } = await checkTheSettled(stage)
    expect(grants.map(({ grant }) => [grant.id, grant.reason])).toEqual([[grantId, 'killed']])
    expect(stage.stage.cloud.sessions().filter(({ accessKeyId }) => stage.works(accessKeyId))).toEqual([])
  } finally {
    await stage.close()
  }
}
