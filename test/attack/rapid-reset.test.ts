import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StintClient } from '../../src/sdk/client.ts'
import { AttackStage } from './attack-stage.ts'
import { requestGrantBytes } from './attacks.ts'
import { callHeaders, END_HEADERS, END_STREAM, frame, grpcMessage, headerBlock, PREFACE, TYPE } from './frames.ts'

const PIECES_OF_WORK = 200
/**
 * Good agents at work, one piece after the other, each piece by the next agent: so many that nobody asks for more than one
 * agent may, though nobody pauses.
 */
const FLEET = 16
const FLOODERS = 2
/** Each further one takes twice as long. */
const FIRST_PENALTY_MS = 5_000
/** Calls that one write holds. */
const BATCH = 25
/** What a flooder may do in all, so that this ends even where nothing stops it. */
const MOST_CONNECTIONS = 2_000
const MOST_CALLS = 1_000_000

/** What the attacker has got: a connection counts as served once the broker has sent something over HTTP/2. */
interface Tally {
  handshakes: number
  served: number
  calls: number
}

// CVE-2023-44487
describe('two connections that begin calls and give them up, and come back at once when they are cut', () => {
  let stage: AttackStage

  beforeAll(async () => {
    stage = await AttackStage.open()
  })
  afterAll(() => stage.close())

  test('the flooder is shut out for growing times, and the other agents’ work goes on', async () => {
    const fleet = await stage.fleet(FLEET)
    let pieceOfAll = 0
    const work = () => {
      pieceOfAll += 1
      return stage.work(fleet[pieceOfAll % FLEET] as StintClient)
    }
    // The first piece of each opens its connection.
    await timesOf(work, (pieces) => pieces < FLEET)
    const quiet = percentiles(await timesOf(work, (pieces) => pieces < PIECES_OF_WORK))
    const tally: Tally = { handshakes: 0, served: 0, calls: 0 }
    const stop = new AbortController()
    const beganMs = performance.now()
    const flooding = Promise.all(Array.from({ length: FLOODERS }, () => flood(stage, tally, stop.signal)))
    // Through the first flood and the first penalty, and through the flood that follows it.
    const times = await timesOf(work, () => tally.served <= FLOODERS)
    times.push(...(await timesOf(work, (pieces) => pieces < PIECES_OF_WORK)))
    const underAttack = percentiles(times)
    const inTheAttack = { ...tally }
    const offences = 1 + Math.floor(Math.log2(1 + (performance.now() - beganMs) / FIRST_PENALTY_MS))
    stop.abort()
    stage.letGo()
    await flooding
    for (const client of fleet) client.close()
    expect(await stage.broker.stop()).toEqual({ code: 0, signal: null })
    const byReason = await stage.refusals()
    console.info(
      JSON.stringify({
        pieces: times.length,
        quietMs: quiet,
        underAttackMs: underAttack,
        ratioOfP99: Math.round((10 * underAttack.p99) / quiet.p99) / 10,
        attacker: inTheAttack,
        byReason,
      }),
    )
    // Which limit comes first depends on how fast the broker reads: calls begun, calls given up, or Node's own of HTTP/2.
    const cut = ['calls', 'resets', 'protocol'].map((reason) => byReason[`RATE_LIMITED:${reason}`] ?? 0)
    expect(cut.reduce((sum, count) => sum + count)).toBeGreaterThan(0)
    expect(byReason['RATE_LIMITED:penalty']).toBeGreaterThan(0)
    // Both may be let in after each penalty until one of them has offended again.
    expect(inTheAttack.served).toBeLessThanOrEqual(FLOODERS * (offences + 1))
    expect(inTheAttack.handshakes).toBeLessThanOrEqual(inTheAttack.served + 20)
  }, 240_000)
})

/** How long each piece of work takes, in milliseconds; the next begins when the one before is done. */
async function timesOf(work: () => Promise<number>, goesOn: (pieces: number) => boolean): Promise<number[]> {
  const times: number[] = []
  while (goesOn(times.length)) times.push(await work())
  return times
}

function percentiles(times: readonly number[]): { p50: number; p99: number } {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(10 * (sorted[Math.ceil(share * sorted.length) - 1] ?? 0)) / 10
  return { p50: at(0.5), p99: at(0.99) }
}

async function flood(stage: AttackStage, tally: Tally, signal: AbortSignal): Promise<void> {
  const body = grpcMessage(requestGrantBytes(stage))
  const headers = headerBlock(callHeaders('RequestGrant'))
  while (!signal.aborted && tally.handshakes < MOST_CONNECTIONS && tally.calls < MOST_CALLS) {
    const socket = await stage.tls('agents').catch(() => undefined)
    if (!socket) continue
    tally.handshakes += 1
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    let served = false
    socket.on('data', () => {
      if (!served) tally.served += 1
      served = true
    })
    socket.write(PREFACE)
    for (let id = 1; !socket.destroyed && !signal.aborted && tally.calls < MOST_CALLS; ) {
      const calls: Buffer[] = []
      for (let n = 0; n < BATCH; n += 1, id += 2) {
        const cancel = frame(TYPE.reset, 0, id, Buffer.from([0, 0, 0, 8]))
        calls.push(frame(TYPE.headers, END_HEADERS, id, headers), frame(TYPE.data, END_STREAM, id, body), cancel)
      }
      if (served) tally.calls += BATCH
      const more = socket.write(Buffer.concat(calls))
      await Promise.race([more ? turn() : once(socket, 'drain').catch(() => undefined), gone])
      // A connection that is not served takes no more than what its window holds.
      if (!served && id > 4 * BATCH) await Promise.race([gone, once(socket, 'data').catch(() => undefined)])
    }
    socket.destroy()
    await gone
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
