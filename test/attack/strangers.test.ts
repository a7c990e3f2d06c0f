import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { HALF_CLIENT_HELLO } from './held-connections.ts'
import { PortStage, Strangers, type StrangersOptions } from './port-stage.ts'

/** More than any port keeps of those that have proved nothing. */
const PUSHING = 320
const ROUNDS = 5
/** Of one test; so many that they do not run out while the others work. */
const MOST = 20_000
const SILENT = 1_300
/** Until an operator's call is read, only where it comes from tells it from a stranger who does as much. */
const STRANGE = '127.0.0.2'

describe('strangers who keep connecting', () => {
  let stage: PortStage
  const strangers: Strangers[] = []
  const push = async (options: Omit<StrangersOptions, 'most'>, count: number, most = MOST) => {
    const pushing = new Strangers({ ...options, most })
    strangers.push(pushing)
    await pushing.push(count)
    return pushing
  }

  beforeAll(async () => {
    // What a shell on a plain Linux machine gives.
    stage = await PortStage.open({ openFiles: 1_024 })
  })
  afterEach(() => {
    for (const each of strangers.splice(0)) each.leave()
  })
  afterAll(() => stage.close())

  for (const { name, first } of [
    { name: 'that are silent', first: undefined },
    { name: 'that stop within a ClientHello', first: HALF_CLIENT_HELLO },
    { name: 'that shake hands and are silent', first: 'handshake' },
  ] as const) {
    test(`an operator gets through ${PUSHING} connections ${name} and come again when closed`, async () => {
      const agent = stage.operatorAgent()
      expect((await stage.operatorCall('/v1/status', agent)).status).toBe(200)
      const pushing = await push({ port: stage.port('admin'), first, from: STRANGE }, PUSHING)
      for (let round = 0; round < ROUNDS; round += 1) {
        // One that is at work stays connected; another comes anew.
        expect((await stage.operatorCall('/v1/status', agent)).status).toBe(200)
        expect((await stage.operatorCall()).status).toBe(200)
      }
      expect(pushing.opened).toBeGreaterThan(PUSHING)
      agent.destroy()
    }, 90_000)
  }

  for (const name of ['health', 'bundle', 'bearer', 'agents', 'admin'] as const) {
    test(`1,300 silent connections to the ${name} port leave every port open to work`, async () => {
      await push({ port: stage.port(name), from: STRANGE }, SILENT, 2 * SILENT)
      await stage.agentWork()
      expect((await stage.operatorCall()).status).toBe(200)
      await eventually('a probe is answered', () => stage.broker.serving())
    })
  }

  test('the status says that the limit of open files is too low', async () => {
    expect((await stage.operatorCall()).body).toMatch(/open files/)
  })
})
