import { afterAll, describe, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually, turns } from '../support/eventually.ts'
import { checkTheDead, checkTheSettled } from './checks.ts'
import { CrashStage } from './crash-stage.ts'

afterAll(endBrokers)

const turn = turns(2)

/** Four agents' worth of work at once, each going through whole lives of grants until the broker is gone. */
class Load {
  readonly keys = new Set<string>()
  readonly revoked = new Set<string>()
  readonly #stage: CrashStage
  #stopped = false

  constructor(stage: CrashStage) {
    this.#stage = stage
  }

  async run(): Promise<void> {
    await Promise.all([0, 1, 2, 3].map((worker) => this.#work(worker)))
  }

  stop(): void {
    this.#stopped = true
  }

  async #work(worker: number): Promise<void> {
    const stage = this.#stage
    const isOver = () => this.#stopped || (stage.brokers.at(-1)?.gone.aborted ?? true)
    for (let n = 0; !isOver() && n < 200; n += 1) {
      const key = `load-${worker}-${n}-key`
      this.keys.add(key)
      const answer = await stage.request(key, n % 2 === 0 ? 'write' : 'read')
      if (!answer || isOver()) continue
      if (n % 3 === 0) await stage.renew(key, answer.grant.id)
      if (n % 3 === 1) await stage.complete(answer.grant.id)
      if (n % 3 === 2 && (await stage.revoke(answer.grant.id))) this.revoked.add(answer.grant.id)
    }
  }
}

/** After a restart every key that was ever used asks again and gets its one grant. */
async function askAll(stage: CrashStage, keys: Iterable<string>): Promise<void> {
  for (const key of keys) await stage.request(key, Number(key.split('-')[2]) % 2 === 0 ? 'write' : 'read')
}

/** Until nothing that is denied waits for a write or for its grant's end. */
async function settled(stage: CrashStage): Promise<void> {
  const vera = await stage.admin('vera')
  const look = async () => {
    const { items } = await vera.get('/v1/grants', { query: { state: 'ending', limit: 200 } })
    for (const { id } of items) {
      const { deny } = await vera.get('/v1/grants/{id}', { path: { id } })
      if (deny) return false
    }
    return true
  }
  await eventually('every deny in force', look, 120_000, 1_000)
}

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
