import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AttackStage } from './attack-stage.ts'
import { callHeaders, frame, PREFACE, TYPE } from './frames.ts'
import { closed, isServed, streams } from './http2-socket.ts'

/** Streams that may be open at once over one connection, which an agent that is stopped gives up in one breath. */
const AT_ONCE = 100
/** More than a client needs, and far below the 1,000 that Node bears. */
const FLOOD = 260
const ROUNDS = 4
const CANCEL = Buffer.from([0, 0, 0, 8])
/** Adds nothing to the window, which breaks the rules: the server has to reset the stream. */
const NO_INCREMENT = Buffer.alloc(4)

describe('one connection', () => {
  let stage: AttackStage

  beforeAll(async () => {
    stage = await AttackStage.open()
  })
  beforeEach(() => stage.changeRogue())
  afterAll(async () => {
    await stage.close()
  })

  const reset = frame(TYPE.reset, 0, 0, CANCEL)
  for (const { name, method, end, served } of [
    { name: 'gives up calls that mint', method: 'RequestGrant', end: reset, served: false }, // CVE-2023-44487
    { name: 'gives up calls of no method', method: '/nobody/knows', end: reset, served: false },
    // CVE-2025-8671. The first of them ends the session, so that it is no flood.
    {
      name: 'makes the server give them up',
      method: 'RequestGrant',
      end: frame(TYPE.windowUpdate, 0, 0, NO_INCREMENT),
      served: true,
    },
  ]) {
    test(`that ${name} is cut within ${FLOOD} of them, and ${served ? 'the next is served' : 'its agent shut out'}`, async () => {
      const socket = await connected(stage)
      const cut = closed(socket)
      socket.write(Buffer.concat(streams(stage, { method, end, count: FLOOD })))
      await cut
      const next = await stage.tls('agents')
      next.write(PREFACE)
      expect(await isServed(next)).toBe(served)
    })
  }

  // grpc-go says goodbye so at each orderly end, and nghttp2 takes it for a breach of the protocol.
  test('that ends with a GOAWAY for a stream that the server never opened is no offence', async () => {
    const socket = await connected(stage)
    expect(await isServed(socket)).toBe(true)
    const cut = closed(socket)
    socket.write(frame(TYPE.goAway, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])))
    await cut
    const next = await stage.tls('agents')
    next.write(PREFACE)
    expect(await isServed(next)).toBe(true)
  })

  test('that goes on to call methods which do not exist is cut', async () => {
    const session = await stage.http2('agents')
    let answered = 0
    while (!session.closed && answered < 5_000) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => unknownMethod(session)))
      answered += AT_ONCE
    }
    expect(session.closed).toBe(true)
  })

  test(`that gives up all of its ${AT_ONCE} calls at once is served on`, async () => {
    const socket = await connected(stage)
    const end = frame(TYPE.reset, 0, 0, CANCEL)
    socket.write(Buffer.concat(streams(stage, { method: 'WatchGrant', end, count: AT_ONCE })))
    expect(await isServed(socket)).toBe(true)
  })

  test('of an agent that makes 16 calls at once and gives half of them up, again and again, is never cut', async () => {
    const client = stage.goodClient()
    let granted = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const stop = new AbortController()
      const calls = Array.from({ length: 16 }, async (_, n) => {
        const signal = n % 2 === 0 ? { signal: stop.signal } : {}
        const { grant } = await client.requestGrant(stage.task, `half-${round}-${n}`, { deadlineMs: 60_000, ...signal })
        granted += 1
        await client.completeGrant(grant.id, 'done', { deadlineMs: 60_000 })
      })
      // The first is answered while the others are at work.
      await Promise.any(calls)
      stop.abort()
      const failed = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')
      for (const each of failed) expect(each).toMatchObject({ reason: { code: 'CANCELLED' } })
    }
    client.close()
    expect(granted).toBeGreaterThanOrEqual(8 * ROUNDS)
    expect(await stage.broker.stop()).toEqual({ code: 0, signal: null })
    const refused = await stage.refusals()
    // Those of the connections before.
    expect(refused['RATE_LIMITED:penalty']).toBe(2)
    expect((refused['RATE_LIMITED:protocol'] ?? 0) + (refused['RATE_LIMITED:resets'] ?? 0)).toBe(2)
    expect(refused['RATE_LIMITED:calls']).toBe(1)
  })
})

async function unknownMethod(session: ClientHttp2Session): Promise<void> {
  if (session.closed) return
  const stream = session.request(callHeaders('/nobody/knows'), { endStream: true })
  stream.on('error', () => undefined).resume()
  await new Promise<void>((resolve) => stream.once('close', () => resolve()))
}

async function connected(stage: AttackStage): Promise<TLSSocket> {
  const socket = await stage.tls('agents')
  socket.write(PREFACE)
  await once(socket, 'data')
  return socket
}
