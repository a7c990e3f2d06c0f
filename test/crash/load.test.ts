import { afterAll, describe, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually, turns } from '../support/eventually.ts'
import { checkTheDead, checkTheSettled } from './checks.ts'
import { CrashStage } from './crash-stage.ts'
import { askAll, Load, settled } from './load.ts'

afterAll(endBrokers)

const turn = turns(2)

describe.concurrent('a kill in the middle of a load', () => {
  for (const failpoint of ['ledger.before_commit:9', 'ledger.after_commit:16', 'ledger.before_commit:40']) {
    test(`at ${failpoint}: every answer is on record, every key has one grant`, { timeout: 240_000 }, () =>
      turn(async () => {
        const stage = await CrashStage.open()
        try {
          const first = await stage.start(failpoint)
          const load = new Load(stage)
          await load.run()
          expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
          await checkTheDead(stage)
          const second = await stage.start()
          await askAll(stage, load.keys)
          await settled(stage)
          expect(await second.stop()).toEqual({ code: 0, signal: null })
          const view = await checkTheSettled(stage)
          expect(view.grants).toHaveLength(load.keys.size)
        } finally {
          await stage.close()
        }
      }),
    )
  }
})

describe.concurrent('SIGTERM', () => {
  test(
    'under load loses no grant: what was answered is on record, what was not is the same grant when asked again',
    {
      timeout: 240_000,
    },
    () =>
      turn(async () => {
        const stage = await CrashStage.open()
        try {
          const first = await stage.start()
          const load = new Load(stage)
          const running = load.run()
          await eventually('some answers', () => stage.answers.length >= 12)
          const exit = first.stop()
          expect(await exit).toEqual({ code: 0, signal: null })
          await running
          const answered = stage.answers.length
          const view = await checkTheDead(stage)
          // A drained broker leaves no mint without its record.
          expect(view.grants.flatMap(({ leases }) => leases).filter(({ state }) => state === 'intended')).toEqual([])
          const second = await stage.start()
          await askAll(stage, load.keys)
          expect(stage.answers.length).toBeGreaterThan(answered)
          await settled(stage)
          expect(await second.stop()).toEqual({ code: 0, signal: null })
          const after = await checkTheSettled(stage)
          for (const id of load.revoked) {
            expect(after.grants.find(({ grant }) => grant.id === id)?.deny?.writtenAt, idBody(id)).toBeDefined()
          }
        } finally {
          await stage.close()
        }
      }),
  )

  test('twice ends it at once, while a mint hangs', { timeout: 240_000 }, () =>
    turn(async () => {
      const stage = await CrashStage.open()
      try {
        const broker = await stage.start()
        stage.stage.cloud.setFault({ service: 'sts', action: 'AssumeRole', kind: 'hang' })
        const asked = stage.request('key-00000001', 'read')
        // The broker asks STS who it is, too.
        await eventually('the mint at STS', () =>
          stage.stage.cloud.calls().some(({ action }) => action === 'AssumeRole'),
        )
        broker.signal('SIGTERM')
        await eventually('the stop', () => broker.output.includes('"msg":"stopping"'))
        // Those of the first second count as the first one.
        await eventually('the end', () => broker.signal('SIGTERM') ?? broker.gone.aborted)
        const { code } = await broker.exited
        expect(code).toBe(1)
        await asked
        await checkTheDead(stage)
      } finally {
        await stage.close()
      }
    }),
  )
})

describe.concurrent('a second process on the same ledger', () => {
  test('ends with LEDGER_LOCKED, and the first serves on', { timeout: 240_000 }, () =>
    turn(async () => {
      const stage = await CrashStage.open()
      try {
        const first = await stage.start()
        const second = stage.spawn()
        const { code } = await second.exited
        expect(code).not.toBe(0)
        expect(second.output).toContain('LEDGER_LOCKED')
        stage.brokers.pop()
        expect((await stage.request('key-00000001', 'read'))?.lease).toBeDefined()
        expect(await first.stop()).toEqual({ code: 0, signal: null })
        await checkTheDead(stage)
      } finally {
        await stage.close()
      }
    }),
  )
})
