import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { AccessKind } from '../../crash/crash-stage.ts'
import { endBrokers } from '../../support/broker-process.ts'
import { turns } from '../../support/eventually.ts'
import { PostgresServer } from '../postgres-server.ts'
import { BrokerStage } from './broker-stage.ts'
import { checkTheEnd } from './checks.ts'
import type { Replica } from './replica.ts'

/** A broker that dies at a point, and what it does when it gets there. */
interface Row {
  readonly failpoint: string
  readonly act: (broker: Replica, key: string) => Promise<void>
  readonly kind?: AccessKind
}

const asks: Row['act'] = async (broker, key) => {
  await broker.request(key, 'write')
}
const renews: Row['act'] = async (broker, key) => {
  await broker.renew(key, await broker.granted(key, 'write'))
}
const completes: Row['act'] = async (broker, key) => broker.complete(await broker.granted(key, 'write'))
const revokes: Row['act'] = async (broker, key) => broker.revoke(await broker.granted(key, 'write'))
const approves: Row['act'] = async (broker, key) => {
  const answer = await broker.request(key, 'delete')
  await broker.approve(answer?.grant.approvalId ?? '', answer?.grant.planHash ?? '')
}

/** As in test/crash/failpoints.test.ts, where nobody else is there. */
const ROWS: readonly Row[] = [
  { failpoint: 'request.before_record', act: asks },
  { failpoint: 'issue.after_intent', act: asks },
  { failpoint: 'issue.after_mint', act: asks },
  { failpoint: 'issue.before_answer', act: asks },
  { failpoint: 'renew.before_record', act: renews },
  { failpoint: 'issue.after_intent:2', act: renews },
  { failpoint: 'issue.after_mint:2', act: renews },
  { failpoint: 'complete.before_record', act: completes },
  { failpoint: 'complete.after_record', act: completes },
  { failpoint: 'approve.before_record', act: approves, kind: 'delete' },
  { failpoint: 'approve.after_record', act: approves, kind: 'delete' },
  { failpoint: 'revoke.before_record', act: revokes },
  { failpoint: 'revoke.after_record', act: revokes },
]

/** Points of work that any broker may do: the other one stands still until the first has done it. */
const ALONE: readonly Row[] = [
  { failpoint: 'reconcile.before_write', act: revokes },
  { failpoint: 'reconcile.after_write', act: revokes },
  { failpoint: 'reconcile.after_record', act: revokes },
  { failpoint: 'sweep.after_end', act: revokes },
]

// Nothing here waits for a time, but a busy machine takes its own.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const server = await PostgresServer.start()
let stage: BrokerStage
let other: Replica
beforeAll(async () => {
  stage = await BrokerStage.open(server)
  other = await stage.start()
})
afterAll(async () => {
  await stage.close()
  await endBrokers()
  await server.dispose()
})

const turn = turns(3)
let keys = 0

describe('P11: a broker that is killed at', () => {
  for (const row of ALONE) {
    test(`${row.failpoint} leaves its work to another one, which finishes it without a restart`, async () => {
      const key = nextKey()
      const broker = await stage.start({ failpoint: row.failpoint })
      const grantId = await broker.granted(key, 'write')
      other.process.signal('SIGSTOP')
      try {
        await broker.revoke(grantId)
        expect(await broker.process.exited).toEqual({ code: null, signal: 'SIGKILL' })
      } finally {
        other.process.signal('SIGCONT')
      }
      await stage.ended(grantId)
      expect(stage.works(grantId)).toBe(false)
    })
  }
})

/** Points of the way of a kill. The other broker finds that this one's time for it is over. */
const KILLS = ['kill.after_set', 'kill.claimed', 'kill.ending', 'kill.after_ended'] as const

describe('P11: a broker that has killed a grant and dies at', () => {
  for (const failpoint of KILLS) {
    test(`${failpoint} leaves the kill to another one, which sees it through`, async () => {
      const key = nextKey()
      const broker = await stage.start({ failpoint })
      const grantId = await broker.granted(key, 'write')
      other.process.signal('SIGSTOP')
      try {
        await broker.killGrant(grantId)
        expect(await broker.process.exited).toEqual({ code: null, signal: 'SIGKILL' })
      } finally {
        other.process.signal('SIGCONT')
      }
      await stage.ended(grantId)
      expect(stage.works(grantId)).toBe(false)
    })
  }
})

describe.concurrent('P11: a broker that is killed at', () => {
  for (const { failpoint, act, kind = 'write' } of ROWS) {
    test(`${failpoint} leaves its grant to another one, which goes on with it without a restart`, () =>
      turn(async () => {
        const key = nextKey()
        const broker = await stage.start({ failpoint })
        await act(broker, key)
        expect(await broker.process.exited).toEqual({ code: null, signal: 'SIGKILL' })
        const answer = await other.request(key, kind)
        const grantId = answer?.grant.id ?? ''
        if (kind === 'delete') await seeThrough(key, grantId)
        else if (answer?.grant.state === 'active') expect(answer.lease, 'the agent can work again').toBeDefined()
        await other.revoke(grantId)
        await stage.ended(grantId)
        expect(stage.works(grantId)).toBe(false)
      }))
  }
})

test('of all of them, every session is known, every answer is on record, and nobody was restarted', async () => {
  for (const replica of stage.replicas) if (replica !== other) await stage.fenced(replica)
  const view = await checkTheEnd(stage, { by: other })
  expect(view.grants).toHaveLength(keys)
  const left = view.grants.flatMap(({ leases }) => leases).filter(({ state }) => state === 'intended')
  expect(left.every(({ outcomeUnknown }) => outcomeUnknown)).toBe(true)
})

function nextKey(): string {
  keys += 1
  return `key-${String(keys).padStart(8, '0')}`
}

/** Olga says yes if she has not, and the agent gets its lease from the broker that lives. */
async function seeThrough(key: string, grantId: string): Promise<void> {
  const waiting = await other.request(key, 'delete')
  if (waiting?.grant.state === 'awaiting_approval')
    await other.approve(waiting.grant.approvalId ?? '', waiting.grant.planHash)
  expect((await other.renew(key, grantId))?.lease).toBeDefined()
}
