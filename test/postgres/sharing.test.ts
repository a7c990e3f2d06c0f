import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { NotificationChannel } from '../../src/ledger/postgres/sharing/notification-channel.ts'
import { eventually } from '../support/eventually.ts'
import { MeddlingProxy } from './meddling-proxy.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

/** One end of the connections by which replicas tell each other of changes. */
class End {
  readonly heard: string[] = []
  readonly states: (StintError | undefined)[] = []
  readonly channel: NotificationChannel

  constructor(address = server.address(), replica = 'rpl_other') {
    this.channel = new NotificationChannel({
      server: address,
      schema: tmp.schema,
      replica,
      onHeard: (text) => this.heard.push(text),
      onState: (error) => this.states.push(error),
    })
    this.channel.start()
  }

  listens(): Promise<boolean> {
    return eventually('listening', () => this.channel.isListening)
  }

  hears(text: string): Promise<boolean> {
    return eventually(`the notification ${text}`, () => this.heard.includes(text))
  }
}

let tmp: TmpPostgresLedger
const ends: End[] = []
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
  await tmp.sql(
    `INSERT INTO replicas (id, opened_at, seen_at, closed_at) VALUES ('rpl_other', now(), now(), now()), ('rpl_third', now(), now(), now())`,
  )
})
afterEach(async () => {
  await Promise.all(ends.splice(0).map(({ channel }) => channel.close()))
  await tmp.dispose()
})
const openEnd = (...args: ConstructorParameters<typeof End>) => {
  const end = new End(...args)
  ends.push(end)
  return end
}
const LISTENERS = `FROM pg_stat_activity WHERE application_name = 'stint_listen'`

describe('what one replica tells', () => {
  test('the others hear, and it does not hear itself', async () => {
    const [a, b, c] = [openEnd(), openEnd(undefined, 'rpl_third'), openEnd()]
    await Promise.all([a.listens(), b.listens(), c.listens()])
    a.channel.tell('grt_1')
    await b.hears('grt_1')
    await c.hears('grt_1')
    b.channel.tell('grt_2')
    await a.hears('grt_2')
    expect(a.heard).toEqual(['grt_2'])
  })

  test('while notifications are on their way goes out together', async () => {
    const [a, b] = [openEnd(), openEnd()]
    await Promise.all([a.listens(), b.listens()])
    for (let n = 0; n < 500; n++) a.channel.tell(`grt_${n}`)
    await eventually('all', () => b.heard.join(',').split(',').length === 500)
    expect(b.heard.length).toBeLessThan(5)
  })

  test('while its connection is gone is heard, as a reason to look at everything, when it is back', async () => {
    const [a, b] = [openEnd(), openEnd()]
    await Promise.all([a.listens(), b.listens()])
    await tmp.sql(`SELECT pg_terminate_backend(pid) ${LISTENERS}`)
    await eventually('the loss', () => a.states.at(-1) && b.states.at(-1))
    expect(a.states.at(-1)).toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    a.channel.tell('grt_1')
    await eventually('both ends', () => a.states.length > 2 && b.states.length > 2)
    expect(a.states.at(-1)).toBeUndefined()
    // Whoever comes back later than the notification looks at everything by itself.
    a.channel.tell('grt_2')
    await b.hears('grt_2')
  })

  test('is lost with a network that is silent, which shows soon', async () => {
    const proxy = await MeddlingProxy.before(server.port)
    try {
      const far = openEnd(server.address({ port: proxy.port }))
      await far.listens()
      proxy.silence()
      await eventually('the loss', () => far.states.at(-1))
      expect(far.channel.isListening).toBe(false)
      proxy.silence(false)
      proxy.cutAll()
      await far.listens()
      const near = openEnd()
      await near.listens()
      near.channel.tell('grt_1')
      await far.hears('grt_1')
    } finally {
      await proxy.close()
    }
  })
})

test('a connection to a database without this replica is refused in words', async () => {
  const stranger = openEnd(undefined, 'rpl_nobody')
  await eventually('the refusal', () => stranger.states.at(-1))
  expect(stranger.states).toMatchObject([
    { code: 'LEDGER_LISTEN_FAILED', message: expect.stringMatching(/is not the one that holds the ledger/) },
  ])
})

test('closing does not wait for a server that is away', async () => {
  const end = openEnd()
  await end.listens()
  await server.down()
  try {
    await eventually('the loss', () => end.states.at(-1))
    await end.channel.close()
  } finally {
    await server.up()
  }
})
