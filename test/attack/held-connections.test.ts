import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { socketsOf } from '../support/open-sockets.ts'
import { HELD_CONNECTIONS } from './held-connections.ts'
import { PortStage } from './port-stage.ts'

const OF_EACH_KIND = 3
/** The slowest limit is that of a half-sent HTTP/2 preface on the health port: two keepalive times, 30 s. */
const ALL_LIMITS_MS = 60_000

describe('connections that get nowhere, on every port of a broker', () => {
  let stage: PortStage
  let before: number
  const held: { destroy(): void }[] = []

  beforeAll(async () => {
    stage = await PortStage.open()
    // The probe of the start may still be among them, which hides one socket; the test holds several of each kind.
    before = socketsOf(stage.broker.pid)
  })
  afterAll(async () => {
    for (const socket of held) socket.destroy()
    await stage.close()
  })

  /** Several of each kind on each port; those that are not reset stay open on this side. */
  const holdAll = async () => {
    for (const { port, tls } of stage.ports) {
      for (const { open } of HELD_CONNECTIONS) {
        for (let n = 0; n < OF_EACH_KIND; n += 1) held.push(await open(port, { tls }))
      }
    }
  }

  test('each is closed within the limits of its port', async () => {
    await holdAll()
    await eventually('the sockets are closed', () => socketsOf(stage.broker.pid) <= before, ALL_LIMITS_MS)
    expect(await stage.broker.serving()).toBe(true)
  }, 90_000)

  test('a stop ends although all of them are open', async () => {
    await holdAll()
    await eventually('the broker has them', () => socketsOf(stage.broker.pid) > before)
    expect(await stage.broker.stop()).toEqual({ code: 0, signal: null })
  })
})
