import { writeFileSync } from 'node:fs'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Receiver } from '../../src/notice/sending/receiver.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type TmpLedger, tmpLedger } from '../support/tmp-ledger.ts'
import { drift, SECRETS, secretFile, startNotices, startReceiver, webhook } from './notice-stage.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let tmp: TmpLedger
/** The library that verifies reads the clock of this machine. */
let clock: ManualClock
let receiver: Awaited<ReturnType<typeof startReceiver>>
let file: string
beforeEach(async () => {
  clock = new ManualClock(new Date().toISOString())
  tmp = await tmpLedger({ clock })
  receiver = await startReceiver()
  file = secretFile(SECRETS[0])
})
afterEach(async () => {
  await tmp.dispose()
  await receiver.close()
})

const ops = (more: Partial<Receiver> & { url?: string } = {}) =>
  webhook('ops', { url: receiver.url, file, ...more }, clock)
const append = (...lists: string[]) => tmp.ledger.appendEvents(lists.map((list) => drift(clock.now(), list)))
const lists = () => receiver.received.map(({ event }) => event.data.facts.denyList)
const begun = async (...receivers: Receiver[]) => {
  const stage = startNotices(tmp.ledger, clock, receivers)
  await stage.tick()
  return stage
}
/** Ticks once a step until something holds, at most so long. */
const tickUntil = async (stage: { tick(): Promise<void> }, holds: () => boolean, stepMs: number, boundMs: number) => {
  for (let ms = 0; ms < boundMs && !holds(); ms += stepMs) {
    await clock.advance(stepMs)
    await stage.tick()
  }
}

describe('a webhook', () => {
  test('is a CloudEvent that the library of Standard Webhooks verifies', async () => {
    const stage = await begun(ops())
    await append('boundary:arn:aws:iam::123456789012:policy/deny')
    await stage.tick()
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]]
    expect(() => new Webhook(SECRETS[1]).verify(body, headers as never)).toThrow('No matching signature')
    expect(() => new Webhook(SECRETS[0]).verify(`${body} `, headers as never)).toThrow('No matching signature')
    const event = new Webhook(SECRETS[0]).verify(body, headers as never)
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
    expect(event).toMatchObject({
      specversion: '1.0',
      source: 'urn:stint:ledger:LEDGER',
      type: 'stint.deny_list.drift',
      time: clock.now().toISOString(),
      datacontenttype: 'application/json',
      data: { count: 1, facts: { found: 'content' } },
    })
    expect(`${(event as { id: string }).id}.ops`).toBe(headers['webhook-id'])
  })

  test('is signed with each secret while a receiver goes over from one to the next', async () => {
    const stage = await begun(ops())
    writeFileSync(file, `${SECRETS[1]}\n\n${SECRETS[0]}\n`)
    await append('a')
    await stage.tick()
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]]
    for (const secret of SECRETS) expect(() => new Webhook(secret).verify(body, headers as never)).not.toThrow()
  })

  test('hears nothing of what was before it was configured', async () => {
    await append('before')
    const stage = await begun(ops())
    await append('after')
    await stage.tick()
    expect(lists()).toEqual(['after'])
  })

  test('hears of all that happens while the broker is down', async () => {
    await begun(ops())
    await append('a', 'b')
    await tmp.reopen()
    const again = startNotices(tmp.ledger, clock, [ops()])
    await again.tick()
    expect(lists().sort()).toEqual(['a', 'b'])
  })

  test('is told what an attempt was for by the same id in every attempt', async () => {
    receiver.answer(500)
    const stage = await begun(ops())
    await append('a')
    await stage.tick()
    receiver.answer(200)
    await tickUntil(stage, () => receiver.received.length > 1, 1_000, MINUTE)
    const [first, second, ...more] = receiver.received
    expect(more).toEqual([])
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(second?.body).toBe(first?.body)
  })
})

describe('a receiver that', () => {
  /** Each keeps the notice, shows on the status, and gets it later. */
  for (const { name, answer, error } of [
    { name: 'answers 500', answer: 500, error: 'answered 500' },
    { name: 'redirects', answer: 302, error: 'Redirects are not followed' },
    { name: 'does not take the body', answer: 400, error: undefined },
    { name: 'hangs', answer: () => {}, error: 'within 300 ms' },
    {
      name: 'answers byte by byte, without ever ending its head',
      answer: (_: unknown, response: { socket: { write(text: string): void } | null }) =>
        void response.socket?.write('HTTP/1.1 200 OK\r\nx-slow: '),
      error: 'within 300 ms',
    },
    {
      name: 'cuts the connection',
      answer: (_: unknown, response: { socket: { destroy(): void } | null }) => response.socket?.destroy(),
      error: 'closed the connection',
    },
  ] as const) {
    test(`${name} gets the notice once it works`, async () => {
      receiver.answer(answer as never)
      const stage = await begun(ops())
      await append('a')
      await stage.tick()
      expect(receiver.received).toHaveLength(1)
      await stage.tick()
      const problem = stage.partHealth.problems().find(({ component }) => component === 'notices:ops')
      if (error === undefined) expect(problem).toBeUndefined()
      else expect(problem).toMatchObject({ code: 'NOTICE_UNDELIVERED', explanation: expect.stringContaining(error) })
      receiver.answer(200)
      await tickUntil(stage, () => receiver.received.length > 1, 5_000, 10 * MINUTE)
      await stage.tick()
      expect(lists()).toEqual(['a', 'a'])
      expect(stage.problems()).toEqual([])
      expect(await tmp.ledger.noticeEndpoints()).toMatchObject([{ waiting: 0, dead: 0, failures: 0 }])
    })
  }

  test('answers 200 with a body that never ends has taken the notice', async () => {
    receiver.answer((_, response) => {
      const more = () => void (response.destroyed || response.write('x'.repeat(65_536), more))
      response.writeHead(200)
      more()
    })
    const stage = await begun(ops())
    await append('a')
    await stage.tick()
    expect(await tmp.ledger.noticeEndpoints()).toMatchObject([{ waiting: 0, failures: 0 }])
  })

  test('is down for a day loses nothing, and hears of all of it soon after it is back', async () => {
    receiver.answer(503)
    const stage = await begun(ops())
    const names = Array.from({ length: 40 }, (_, index) => `list-${index}`)
    for (const name of names) {
      await append(name)
      await clock.advance(36 * MINUTE)
      await stage.tick()
    }
    const tries = receiver.received.length
    // One attempt in each pause of at most five minutes, not one for each notice and pause.
    expect(tries).toBeLessThan(60)
    receiver.answer(204)
    await tickUntil(stage, () => new Set(lists().slice(tries)).size === names.length, 30_000, 30 * MINUTE)
    expect(lists().slice(tries).sort()).toEqual([...names].sort())
  })

  test('says when to come back is left alone until then', async () => {
    receiver.answer((_, response) => response.writeHead(429, { 'retry-after': '1800' }).end())
    const stage = await begun(ops())
    await append('a', 'b')
    await stage.tick()
    const first = receiver.received.length
    receiver.answer(204)
    await tickUntil(stage, () => false, MINUTE, 29 * MINUTE)
    expect(receiver.received).toHaveLength(first)
    await tickUntil(stage, () => receiver.received.length >= first + 2, MINUTE, 5 * MINUTE)
    expect(receiver.received).toHaveLength(first + 2)
  })

  test('answers 410 hears nothing more until a test of an operator reaches it', async () => {
    receiver.answer(410)
    const stage = await begun(ops())
    await append('a')
    await stage.tick()
    receiver.answer(204)
    await append('b')
    await tickUntil(stage, () => false, HOUR, 48 * HOUR)
    expect(receiver.received).toHaveLength(1)
    expect(stage.problems()).toContain('notices:ops')
    expect(await stage.service.test({ name: 'ada' }, 'ops')).toEqual({ endpoint: 'ops', delivered: true })
    await tickUntil(stage, () => receiver.received.length >= 4, 1_000, MINUTE)
    expect(receiver.received.map(({ event }) => event.type).slice(0, 2)).toEqual([
      'stint.deny_list.drift',
      'stint.test',
    ])
    expect(lists().slice(2).sort()).toEqual(['a', 'b'])
  })

  test('never works leaves dead letters, which are listed and sent again', async () => {
    receiver.answer(500)
    const stage = await begun(ops({ retryMs: HOUR }))
    await append('a', 'b')
    await tickUntil(stage, () => stage.problems().includes('notices:ops/dead-letters'), MINUTE, 3 * HOUR)
    await tickUntil(stage, () => false, MINUTE, 20 * MINUTE)
    const { items, nextCursor } = await stage.service.listDead({}, { limit: 1 })
    expect(items).toMatchObject([{ endpoint: 'ops', type: 'deny_list.drift', lastError: 'The receiver answered 500.' }])
    const rest = await stage.service.listDead({ endpoint: 'ops' }, { limit: 5, cursor: nextCursor ?? '' })
    expect(rest.items).toHaveLength(1)
    const before = receiver.received.length
    receiver.answer(200)
    expect(await stage.service.resend({ name: 'ada' }, 'ops', rest.items[0]?.id)).toEqual({ endpoint: 'ops', count: 1 })
    expect(await stage.service.resend({ name: 'ada' }, 'ops')).toEqual({ endpoint: 'ops', count: 1 })
    await tickUntil(stage, () => receiver.received.length >= before + 2, 5_000, 10 * MINUTE)
    expect(lists().slice(before).sort()).toEqual(['a', 'b'])
    await stage.tick()
    expect(stage.problems()).toEqual([])
  })

  test('hangs does not hold up another one', async () => {
    receiver.answer(() => {})
    const other = await startReceiver()
    const stage = await begun(
      ops({ timeoutMs: 20_000 }),
      webhook('other', { url: other.url, file, timeoutMs: 20_000 }, clock),
    )
    await append('a')
    await stage.notices.tick()
    await expect.poll(() => other.received.length).toBe(1)
    await append('b')
    await stage.notices.tick()
    await expect.poll(() => other.received.length).toBe(2)
    expect(receiver.received).toHaveLength(1)
    await stage.notices.stop()
    await other.close()
  })
})

describe('a notice', () => {
  test('that was sent when the broker died is sent again, with the same id', async () => {
    let isDead = false
    const dying = ops()
    const stage = await begun({
      ...dying,
      send: async (notice, signal) => {
        const sent = await dying.send(notice, signal)
        isDead = true
        await new Promise(() => {})
        return sent
      },
    })
    await append('a')
    await stage.notices.tick()
    await expect.poll(() => isDead).toBe(true)
    await tmp.reopen()
    const next = startNotices(tmp.ledger, clock, [ops()], { owner: 'two' })
    await next.tick()
    expect(receiver.received).toHaveLength(1)
    await tickUntil(next, () => receiver.received.length > 1, 5_000, 5 * MINUTE)
    expect(receiver.received).toHaveLength(2)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })

  test('of an endpoint that left the configuration waits, and shows, and is sent if it comes back', async () => {
    receiver.answer(500)
    const stage = await begun(ops())
    await append('a')
    await stage.tick()
    stage.notices.replace([webhook('new', { url: receiver.url, file }, clock)])
    await stage.tick()
    expect(stage.problems()).toEqual(['notices/left-ops'])
    receiver.answer(200)
    stage.notices.replace([ops()])
    await tickUntil(stage, () => receiver.received.length > 1, 5_000, 10 * MINUTE)
    expect(lists()).toEqual(['a', 'a'])
  })

  test('is held back by a ledger that was set back, since it may have been sent after the backup', async () => {
    receiver.answer(500)
    const stage = await begun(ops())
    await append('waits', 'waits too')
    await stage.tick()
    await append('not read yet')
    const sent = receiver.received.length
    receiver.answer(200)
    await clock.advance(24 * HOUR)
    await tmp.ledger.beginQuarantine({
      quarantine: { reason: 'restored', since: clock.now(), by: 'operator:ada', found: 'backup' },
    })
    await stage.tick()
    await tickUntil(stage, () => false, 5_000, MINUTE)
    expect(
      receiver.received
        .slice(sent)
        .map(({ event }) => event.type)
        .sort(),
    ).toEqual(['stint.ledger.set_back', 'stint.notices.held'])
    expect(
      receiver.received.slice(sent).find(({ event }) => event.type === 'stint.notices.held')?.event.data.summary,
    ).toBe('The ledger was set back: 2 notices for ops wait as dead letters, since they may have been sent before.')
    expect(stage.problems()).toContain('notices:ops/dead-letters')
  })
})

describe('the guard on URLs', () => {
  /** Names that the system resolves without a network. */
  for (const url of [
    'https://127.0.0.1:1/',
    'https://[::1]:1/',
    'https://localhost:1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/',
    'https://[::ffff:169.254.169.254]/',
    'https://10.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'http://example.org/',
    'http://169.254.169.254/',
    'https://user:secret@example.org/',
  ]) {
    test(`sends nothing to ${url}`, async () => {
      const content = { eventId: 'evt_1', at: clock.now().toISOString(), summary: 'test', facts: {} }
      const notice = { id: 'evt_1.test.ops', type: 'test', count: 1, attempts: 1, content }
      const sent = await ops({ url }).send(notice, new AbortController().signal)
      expect(sent).toMatchObject({ kind: 'failed', error: expect.stringMatching(/https|canonical|private/) })
    })
  }
})
