import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { checkTheDead } from '../crash/checks.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'

afterAll(endBrokers)

/** Where libfaketime lies: run.sh says so. */
const LIBRARY = process.env.STINT_FAKETIME_LIBRARY ?? ''

/** Long enough for a clock that stays wrong to be taken for right again by whoever only waits for it to run steadily. */
const WRONG_FOR_MS = 15_000
const CREEP_EVERY_MS = 400
const LEASE = '120s'

/** Offsets of the broker's wall clock in seconds, one after the other; the last stays until the clock is right again. */
const CLOCKS: readonly { readonly name: string; readonly offsets: readonly number[] }[] = [
  { name: 'is two hours fast', offsets: [7_200] },
  { name: 'is an hour slow', offsets: [-3_600] },
  // Each step is below what a guard that looks at single steps calls a jump.
  { name: 'creeps ahead by 2 s every 0.4 s', offsets: Array.from({ length: 75 }, (_, n) => 2 * (n + 1)) },
  { name: 'creeps back by 2 s every 0.4 s', offsets: Array.from({ length: 75 }, (_, n) => -2 * (n + 1)) },
]

/** A file that libfaketime reads at every look at the clock: only this process has that wall clock, not AWS nor the agent. */
class BrokerClock {
  readonly #file: string
  readonly environment: Readonly<Record<string, string>>

  constructor(folder: string) {
    this.#file = join(folder, 'clock')
    this.environment = {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    this.shift(0)
  }

  shift(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  }
}

for (const { name, offsets } of CLOCKS) {
  test.concurrent(`P6, P7: while the wall clock of the broker ${name}, no deny is lifted and no grant ends whose lease works`, {
    timeout: 180_000,
  }, async () => {
    expect(LIBRARY, 'run.sh says where libfaketime is').not.toBe('')
    const stage = await CrashStage.open({ leaseTime: LEASE })
    const clock = new BrokerClock(stage.stage.folder)
    try {
      const broker = await stage.start(undefined, clock.environment)
      const kept = await stage.request('kept-00000001', 'write')
      const cut = await stage.request('cut-00000001', 'write')
      if (!kept?.lease || !cut?.lease) throw new Error('two grants with leases were expected')
      await stage.revoke(cut.grant.id)
      const isDenied = async () => (await stage.deniedIdentities()).includes(idBody(cut.grant.id))
      await eventually('the deny', isDenied)

      const check = async (at: string) => {
        expect(await isDenied(), `${at}: the revoked grant is denied`).toBe(true)
        expect(stage.works(cut.lease?.accessKeyId ?? ''), `${at}: the revoked lease works`).toBe(false)
        expect(stage.works(kept.lease?.accessKeyId ?? ''), `${at}: the other lease works`).toBe(true)
        expect(await stage.stateOf(kept.grant.id), `${at}: the other grant`).toBe('active')
      }
      for (const offset of offsets) {
        clock.shift(offset)
        await checkFor(offsets.length > 1 ? CREEP_EVERY_MS : WRONG_FOR_MS, () => check(`${offset} s off`))
      }
      const asked = stage.request('new-00000001', 'write', 2_000).catch(() => undefined)
      expect(await asked, 'a grant while the clock is wrong').toBeUndefined()

      clock.shift(0)
      await eventually('a lease once the clock is right', () => stage.renew('kept-00000001', kept.grant.id))
      await check('the clock is right again')
      await broker.stop()
      await checkTheDead(stage)
    } finally {
      await stage.close()
    }
  })
}

/** Checks again and again while the broker's own loops run with the wrong clock: nothing tells when they have done their worst. */
async function checkFor(ms: number, check: () => Promise<void>): Promise<void> {
  const endMs = performance.now() + ms
  do {
    await check()
    await new Promise((resolve) => setTimeout(resolve, 50))
  } while (performance.now() < endMs)
}
