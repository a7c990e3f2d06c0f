import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { beforeEach, describe, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { Reloading, type ReloadingOptions } from '../../../src/core/files/reloading.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** A source in memory: its text is the value, and `bad` is none. */
let source: string
/** What keeps the source from being read just now. */
let outage: Error | undefined
let loads: number
let said: (string | undefined)[]
beforeEach(() => {
  source = 'one'
  outage = undefined
  loads = 0
  said = []
})

const bad = () => new StintError('CONFIG_INVALID', { explanation: 'The source is bad.' })
const readError = () => readFile('/nowhere').catch((error: Error) => error) as Promise<Error>

function follow(options: Partial<ReloadingOptions<string>> = {}): Reloading<string> {
  return new Reloading({
    load: async () => {
      loads += 1
      if (outage) throw new StintError('CONFIG_INVALID', { explanation: 'The source cannot be read.' }, outage)
      if (source === 'bad') throw bad()
      return source
    },
    fingerprint: async () => source,
    clock: new ManualClock(),
    pollMs: 1_000,
    onState: (problem) => said.push(problem?.details.explanation),
    ...options,
  })
}

describe('a value that follows its source', () => {
  test('is loaded when the source changes, and then only', async () => {
    const value = follow()
    await value.startWithValue()
    await value.check()
    source = 'two'
    await value.check()
    await value.check()
    assert.deepEqual([value.current(), loads, said], ['two', 2, []])
    await value.stop()
  })

  test('stays while the source is bad, which is said once; it gets a second try, and then one when it changes', async () => {
    const value = follow()
    await value.startWithValue()
    source = 'bad'
    for (let look = 0; look < 4; look += 1) await value.check()
    assert.deepEqual([value.current(), loads, said], ['one', 3, ['The source is bad.']])
    assert.ok(value.status.problem)
    await value.stop()
  })

  test('is well again when the source is as it was, without a load', async () => {
    const value = follow()
    await value.startWithValue()
    source = 'bad'
    await value.check()
    source = 'one'
    await value.check()
    assert.deepEqual([value.status.problem, loads, said], [undefined, 2, ['The source is bad.', undefined]])
    await value.stop()
  })

  test('is loaded again at each look while the system does not let it be read', async () => {
    const value = follow()
    await value.startWithValue()
    source = 'two'
    outage = await readError()
    await value.check()
    await value.check()
    assert.deepEqual([value.current(), loads, said], ['one', 3, ['The source cannot be read.']])
    outage = undefined
    await value.check()
    assert.deepEqual([value.current(), said.at(-1)], ['two', undefined])
    await value.stop()
  })

  test('is put into force again at each look until that succeeds', async () => {
    let isRefused = true
    const inForce: string[] = []
    const value = follow({
      onLoaded: (text) => {
        if (text === 'two' && isRefused) throw bad()
        inForce.push(text)
      },
    })
    await value.startWithValue()
    source = 'two'
    await value.check()
    assert.deepEqual([value.current(), said], ['one', ['The source is bad.']])
    isRefused = false
    await value.check()
    assert.deepEqual([value.current(), inForce, said.at(-1)], ['two', ['one', 'two'], undefined])
    await value.stop()
  })

  test('is loaded once more when the source changed while it was read', async () => {
    const value = follow({
      load: async () => {
        const read = source
        source = 'two'
        return read
      },
    })
    await value.startWithValue()
    assert.equal(value.current(), 'one')
    await value.check()
    assert.equal(value.current(), 'two')
    await value.stop()
  })

  for (const { name, halves, found } of [
    { name: 'and had its final text before and after', halves: 1, found: [] },
    { name: 'twice, and was seen so the second time', halves: 2, found: ['two', 'two', 'tw'] },
  ])
    test(`is loaded again when the source was read while half written, ${name}`, async () => {
      /** What fingerprints are taken of, in turn; then the source as it is. */
      const texts: string[] = []
      let left = 0
      const value = follow({
        fingerprint: async () => texts.shift() ?? source,
        load: async () => {
          left -= 1
          if (left >= 0) throw bad()
          return source
        },
      })
      await value.startWithValue()
      source = 'two'
      left = halves
      texts.push(...found)
      for (let look = 0; look < halves; look += 1) await value.check()
      assert.deepEqual([value.current(), said], ['one', ['The source is bad.']])
      texts.length = 0
      await value.check()
      assert.deepEqual([value.current(), said.at(-1)], ['two', undefined])
      await value.stop()
    })

  test('can do without one at first, or not', async () => {
    source = 'bad'
    const missing = { code: 'POLICY_UNAVAILABLE', explanation: 'Nothing yet.' } as const
    const value = follow({ missing })
    await value.start()
    assert.throws(() => value.current(), { code: 'POLICY_UNAVAILABLE' })
    assert.deepEqual(said, ['The source is bad.'])
    await value.stop()
    await assert.rejects(follow().startWithValue(), { code: 'CONFIG_INVALID' })
    assert.equal(said.length, 1)
  })

  test('is looked at once an interval until it is stopped', async () => {
    const clock = new ManualClock()
    const looked: string[] = []
    let wake = () => {}
    const fingerprint = async () => {
      looked.push(source)
      wake()
      return source
    }
    const value = follow({ clock, fingerprint })
    await value.startWithValue()
    const before = looked.length
    const next = new Promise<void>((resolve) => {
      wake = resolve
    })
    await clock.advance(1_000)
    await next
    await value.stop()
    await clock.advance(5_000)
    assert.equal(looked.length, before + 1)
  })
})
