import { afterAll, describe, expect, test } from 'vitest'
import { type BrokerProcess, endBrokers } from '../support/broker-process.ts'
import { eventually, turns } from '../support/eventually.ts'
import { checkTheDead, checkTheSettled } from './checks.ts'
import { CrashStage, type ProcessLimits } from './crash-stage.ts'
import { askAll, Load, settled } from './load.ts'

afterAll(endBrokers)

const turn = turns(1)
/** A rejection that nobody handles, whenever the process gets this signal. */
const REJECTS = `data:text/javascript,process.on('SIGUSR2',()=>{Promise.reject(new Error('injected'))})`

/** Runs load through a fault, checks what it left, starts a broker without it, and checks that everything is as it should be. */
async function underLoad(limits: ProcessLimits, fault: (broker: BrokerProcess, load: Load) => Promise<void>) {
  const stage = await CrashStage.open()
  try {
    const first = await stage.start(undefined, {}, limits)
    const load = new Load(stage)
    const running = load.run()
    await eventually('some answers', () => stage.answers.length >= 8)
    await fault(first, load)
    load.stop()
    await running
    first.signal('SIGTERM')
    await first.exited
    await checkTheDead(stage)
    const second = await stage.start()
    await askAll(stage, load.keys)
    await settled(stage)
    expect(await second.stop()).toEqual({ code: 0, signal: null })
    const view = await checkTheSettled(stage)
    expect(view.grants).toHaveLength(load.keys.size)
    return { stage, view }
  } finally {
    await stage.close()
  }
}

const LONG = { timeout: 240_000 }

describe.concurrent('P1 P2 P3 P6 P9: under load, a broker', () => {
  test('whose disk is full says so and ends; the next one, with space, has everything that was answered', LONG, () =>
    turn(async () => {
      await underLoad({ fileKib: 2_000 }, async (broker) => {
        const { code } = await broker.exited
        expect(code).not.toBe(0)
        expect(broker.output).toContain('LEDGER_UNAVAILABLE')
      })
    }),
  )

  test('that is stopped by SIGSTOP for seconds goes on as if nothing had been', LONG, () =>
    turn(async () => {
      await underLoad({}, async (broker, load) => {
        broker.signal('SIGSTOP')
        // The pause itself is the fault, and no event marks its end.
        await new Promise((resolve) => setTimeout(resolve, 4_000))
        broker.signal('SIGCONT')
        const before = load.keys.size
        await eventually('further requests', () => load.keys.size >= before + 4)
        expect(broker.gone.aborted).toBe(false)
      })
    }),
  )

  test('that is asked by a storm of SIGHUPs to read its configuration loses no call', LONG, () =>
    turn(async () => {
      await underLoad({}, async (broker, load) => {
        const before = load.keys.size
        for (let n = 0; n < 100; n += 1) {
          broker.signal('SIGHUP')
          // Signals sent at once are one signal.
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        await eventually('further requests', () => load.keys.size >= before + 4)
        expect(broker.gone.aborted).toBe(false)
      })
    }),
  )

  test('in which a promise is rejected and nobody handles it ends, and the next one goes on', LONG, () =>
    turn(async () => {
      await underLoad({ nodeOptions: ['--import', REJECTS] }, async (broker) => {
        broker.signal('SIGUSR2')
        const { code } = await broker.exited
        expect(code).not.toBe(0)
      })
    }),
  )
})
