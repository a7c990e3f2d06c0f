import type { ClientHttp2Session } from 'node:http2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StintClient } from '../../src/sdk/client.ts'
import { eventually } from '../support/eventually.ts'
import { AttackStage } from './attack-stage.ts'
import { answer } from './attacks.ts'
import { callHeaders, frame, grpcMessage, PREFACE, TYPE } from './frames.ts'
import { closed, isServed, streams } from './http2-socket.ts'

/** More than one connection that has proved nothing may begin, or give up. */
const FLOOD = 600
const FIRST_PENALTY_MS = 5_000
/** CANCEL (RFC 9113, section 7) of whichever stream. */
const CANCEL = frame(TYPE.reset, 0, 0, Buffer.from([0, 0, 0, 8]))
const OK = '0'

// Who has proved nothing can be told only by where it comes from: docs/SECURITY.md, Hardening, Network.
describe('a stranger who floods the bearer port from one address and comes back', () => {
  let stage: AttackStage

  beforeAll(async () => {
    stage = await AttackStage.open()
  })
  afterAll(() => stage.close())

  test('is shut out for twice as long each time, and an agent elsewhere is served all the while', async () => {
    const elsewhere = agentElsewhere(stage)
    await elsewhere.listGrants()
    for (const penaltyMs of [FIRST_PENALTY_MS, 2 * FIRST_PENALTY_MS]) {
      const beganMs = performance.now()
      await floodFrom(stage)
      await untilShutOut(stage)
      await elsewhere.listGrants()
      await eventually('the address is let in again', () => isLetIn(stage))
      // At least: however long the rest took, it can only have come on top.
      expect(performance.now() - beganMs).toBeGreaterThanOrEqual(penaltyMs)
    }
    elsewhere.close()
  }, 90_000)

  test('is shut out also when all of its flood arrives at once', async () => {
    await eventually('the address is let in again', () => isLetIn(stage))
    await floodFrom(stage, { atOnce: true })
    await untilShutOut(stage)
    await eventually('the address is let in again', () => isLetIn(stage))
  }, 90_000)

  test('ends no connection of an agent at that address; while it is open others are let in, then no longer', async () => {
    const neighbour = await stage.http2('bearer')
    expect(await listGrants(stage, neighbour)).toBe(OK)
    await floodFrom(stage)
    expect(await listGrants(stage, neighbour)).toBe(OK)
    const newcomer = await stage.http2('bearer')
    expect(await listGrants(stage, newcomer)).toBe(OK)
    // The flooder is let in, too, and is cut by the same limits.
    await floodFrom(stage)
    expect(await listGrants(stage, neighbour)).toBe(OK)
    for (const session of [neighbour, newcomer]) session.destroy()
    await untilShutOut(stage)
    const elsewhere = agentElsewhere(stage)
    await elsewhere.listGrants()
    elsewhere.close()
  }, 90_000)

  test('leaves a record that says so', async () => {
    expect(await stage.broker.stop()).toEqual({ code: 0, signal: null })
    const refused = await stage.refusals()
    const cut = ['calls', 'resets', 'protocol', 'flood'].map((reason) => refused[`RATE_LIMITED:${reason}`] ?? 0)
    // Each flood that began a penalty; the fifth comes during one, and may be cut for that.
    expect(cut.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(4)
    expect(refused['RATE_LIMITED:penalty']).toBeGreaterThanOrEqual(3)
  })
})

/** @param options.atOnce the broker finds all of the flood there when it reads first, as when it is busy. */
async function floodFrom(stage: AttackStage, { atOnce = false } = {}): Promise<void> {
  const socket = await stage.tls('bearer')
  if (atOnce) process.kill(stage.broker.pid, 'SIGSTOP')
  const cut = closed(socket)
  socket.resume()
  socket.write(PREFACE)
  const frames = streams(stage, { method: 'RequestGrant', end: CANCEL, count: FLOOD })
  // Without a body, 600 streams are 60 KB: less than Node reads at once.
  const flood = Buffer.concat(atOnce ? frames.filter((_, n) => n % 3 !== 1) : frames)
  const isWritten = new Promise((resolve) => {
    socket.write(flood, resolve)
  })
  try {
    if (atOnce) await isWritten
  } finally {
    // A broker that stays stopped would outlive the test.
    if (atOnce) process.kill(stage.broker.pid, 'SIGCONT')
  }
  await cut
}

/** Node tells of a session that it has ended a little later than the far side sees it. */
function untilShutOut(stage: AttackStage): Promise<unknown> {
  return eventually('the address is shut out', async () => !(await isLetIn(stage)))
}

/** Whether a connection that proves nothing is served at the address of the flood. */
async function isLetIn(stage: AttackStage): Promise<boolean> {
  const socket = await stage.tls('bearer').catch(() => undefined)
  if (!socket) return false
  socket.write(PREFACE)
  const served = await isServed(socket)
  socket.destroy()
  return served
}

/** One call of an agent over a connection at the address of the flood. @returns its gRPC status */
async function listGrants(stage: AttackStage, session: ClientHttp2Session): Promise<string> {
  const authorization = `Bearer ${await agentToken(stage)}`
  return answer(session, callHeaders('ListGrants', { authorization }), grpcMessage(Buffer.alloc(0)))
}

function agentElsewhere(stage: AttackStage): StintClient {
  return new StintClient({
    address: stage.addresses.bearer ?? '',
    serverId: stage.stage.brokerId,
    svid: { bundleFile: stage.stage.rootsFile },
    token: () => agentToken(stage),
  })
}

function agentToken({ stage }: AttackStage): Promise<string> {
  return stage.trustDomain.issueJwtSvid({ path: '/agents/invoice-bot', audience: stage.brokerId })
}
