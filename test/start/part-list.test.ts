import { beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { createLogger } from '../../src/core/log.ts'
import { definePart, type Started } from '../../src/start/part.ts'
import { PartList } from '../../src/start/part-list.ts'
import { RunningParts } from '../../src/start/running-parts.ts'
import { ManualClock } from '../support/manual-clock.ts'

interface Line {
  readonly msg: string
  readonly part?: string
  readonly err?: { readonly code: string }
}

let clock: ManualClock
let done: string[]
let lines: Line[]
let running: RunningParts

beforeEach(() => {
  clock = new ManualClock()
  done = []
  lines = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  running = new RunningParts({ clock, logger: createLogger({ level: 'warn', destination }) })
})

/** A part that notes when it is started and stopped; its value is its name. */
function notedPart<const Name extends string>(name: Name, behaviour: Partial<Started<never>> = {}) {
  return definePart({
    name,
    start: () => {
      done.push(`start ${name}`)
      const stop = () => {
        done.push(`stop ${name}`)
        return behaviour.stop?.()
      }
      return { ...behaviour, value: name, stop }
    },
  })
}

const failing = <const Name extends string>(name: Name) =>
  definePart({
    name,
    start: () => {
      throw new StintError('CONFIG_INVALID', { explanation: 'The test wants it so.' })
    },
  })
const fail = () => Promise.reject(new StintError('LEDGER_UNAVAILABLE'))
const hang = () => new Promise<void>(() => {})

const empty = PartList.empty<{ readonly greeting: string }>()
const base = { greeting: 'hello' }

describe('a list of parts', () => {
  test('starts them in its order, each with the values of those before it, and stops them in reverse', async () => {
    const third = definePart({
      name: 'third',
      start: ({ greeting, second }: { readonly greeting: string; readonly second: string }) => ({
        value: `${greeting} ${second}`,
      }),
    })
    const list = empty.add(notedPart('first')).add(notedPart('second')).add(third).add(notedPart('fourth'))
    const values = await list.start(base, running)
    expect(values.third).toBe('hello second')
    await running.stop()
    const started = ['start first', 'start second', 'start fourth']
    expect(done).toEqual([...started, 'stop fourth', 'stop second', 'stop first'])
  })

  test('does not compile with a part before what it needs, nor with two parts of one name', () => {
    const needy = definePart({ name: 'needy', start: ({ first }: { readonly first: string }) => ({ value: first }) })
    empty.add(notedPart('first')).add(needy)
    // @ts-expect-error: `first` comes after the part that needs it
    empty.add(needy).add(notedPart('first'))
    // @ts-expect-error: the second one would take the place of the first for all that come after
    empty.add(notedPart('first')).add(notedPart('first'))
  })

  test('stops the parts before one that cannot start, in reverse, and starts none after it', async () => {
    const list = empty.add(notedPart('first')).add(notedPart('second')).add(failing('third')).add(notedPart('fourth'))
    await expect(list.start(base, running)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(done).toEqual(['start first', 'start second', 'stop second', 'stop first'])
  })

  test('says why it could not start, even if the parts before cannot be stopped either', async () => {
    const list = empty
      .add(notedPart('first'))
      .add(notedPart('second', { stop: fail }))
      .add(failing('third'))
    await expect(list.start(base, running)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(done.at(-1)).toBe('stop first')
    expect(lines).toMatchObject([{ part: 'second', err: { code: 'LEDGER_UNAVAILABLE' } }])
  })
})

describe('running parts', () => {
  test('are all stopped though one throws, which is logged by name and thrown in the end', async () => {
    const list = empty
      .add(notedPart('first'))
      .add(notedPart('second', { stop: fail }))
      .add(notedPart('third'))
    await list.start(base, running)
    await expect(running.stop()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(done.slice(3)).toEqual(['stop third', 'stop second', 'stop first'])
    expect(lines).toMatchObject([{ msg: 'a part could not be stopped', part: 'second' }])
  })

  test('are all stopped though one hangs, which is given up after its time and reported by name', async () => {
    const slow = notedPart('second', { stop: hang, stopWithinMs: 20_000 })
    await empty.add(notedPart('first')).add(slow).add(notedPart('third')).start(base, running)
    const stopped = running.stop().catch((error: unknown) => error)
    await expect.poll(() => done.slice(3)).toEqual(['stop third', 'stop second'])
    await clock.advance(19_999)
    expect(done.at(-1)).toBe('stop second')
    await clock.advance(1)
    expect(await stopped).toMatchObject({
      code: 'INTERNAL',
      details: { explanation: expect.stringContaining('second') },
    })
    expect(done.at(-1)).toBe('stop first')
    expect(lines).toMatchObject([{ part: 'second', err: { code: 'INTERNAL' } }])
  })

  test('report a part that fails after it was given up', async () => {
    const late = Promise.withResolvers<void>()
    await empty.add(notedPart('first', { stop: () => late.promise, stopWithinMs: 1 })).start(base, running)
    const stopped = running.stop().catch(() => undefined)
    await clock.advance(1)
    await stopped
    late.reject(new StintError('LEDGER_UNAVAILABLE'))
    await expect.poll(() => lines.at(-1)).toMatchObject({ part: 'first', err: { code: 'LEDGER_UNAVAILABLE' } })
  })

  test('tell the number of failures where several parts cannot be stopped', async () => {
    const list = empty.add(notedPart('first', { stop: fail })).add(notedPart('second', { stop: fail }))
    await list.start(base, running)
    await expect(running.stop()).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(lines.map(({ part }) => part)).toEqual(['second', 'first'])
  })

  test('are stopped once, whoever asks and however often', async () => {
    await empty.add(notedPart('first')).start(base, running)
    await Promise.all([running.stop(), running.stop()])
    expect(done).toEqual(['start first', 'stop first'])
  })

  test('are ready when all have started and each says so, and no more once they are being stopped', async () => {
    let works = true
    const seen: string[][] = []
    const note = () => void seen.push(running.notReady().map(({ part, code }) => `${part} ${code}`))
    const looks = definePart({ name: 'looks', start: () => ({ value: note() }) })
    const first = notedPart('first', { stop: note })
    await empty
      .add(first)
      .add(
        notedPart('second', {
          notReady: () => (works ? undefined : { code: 'LEDGER_UNAVAILABLE', explanation: 'It cannot.' }),
        }),
      )
      .add(looks)
      .start(base, running)
    note()
    works = false
    note()
    works = true
    await running.stop()
    expect(seen).toEqual([['broker SHUTTING_DOWN'], [], ['second LEDGER_UNAVAILABLE'], ['broker SHUTTING_DOWN']])
  })

  test('say since when they are not ready, anew each time', async () => {
    let works = false
    const reason = { code: 'LEDGER_UNAVAILABLE', explanation: 'It cannot.' } as const
    await empty.add(notedPart('first', { notReady: () => (works ? undefined : reason) })).start(base, running)
    const since = () => running.notReady().map((one) => one.since.getTime())
    const [first = 0] = since()
    await clock.advance(5_000)
    expect(since()).toEqual([first])
    works = true
    expect(since()).toEqual([])
    works = false
    expect(since()).toEqual([first + 5_000])
  })

  test('hear of a stop before the first of them is stopped', async () => {
    const seen: boolean[] = []
    const last = notedPart('last', { stop: () => void seen.push(running.stopping.aborted) })
    await empty.add(last).start(base, running)
    await running.stop()
    expect(seen).toEqual([true])
  })
})
