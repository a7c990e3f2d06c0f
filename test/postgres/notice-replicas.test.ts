import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { drift, SECRETS, secretFile, startNotices, startReceiver, webhook } from '../notice/notice-stage.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
let receiver: Awaited<ReturnType<typeof startReceiver>>
let file: string
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
  receiver = await startReceiver()
  file = secretFile(SECRETS[0])
})
afterEach(async () => {
  await tmp.dispose()
  await receiver.close()
})

const ops = () => webhook('ops', { url: receiver.url, file }, tmp.clock)
const lists = () => receiver.received.map(({ event }) => event.data.facts.denyList)
const names = Array.from({ length: 30 }, (_, index) => `list-${index}`).sort()

test('two replicas send each notice once between them', async () => {
  const other = await tmp.join()
  const stages = [
    startNotices(tmp.ledger, tmp.clock, [ops()], { owner: 'one' }),
    startNotices(other, tmp.clock, [ops()], { owner: 'two' }),
  ]
  await Promise.all(stages.map((stage) => stage.tick()))
  for (const [index, name] of names.entries())
    await (index % 2 === 0 ? tmp.ledger : other).appendEvents([drift(tmp.clock.now(), name)])
  for (let round = 0; round < 4; round += 1) await Promise.all(stages.map((stage) => stage.tick()))
  expect(lists().sort()).toEqual(names)
  expect(await other.noticeEndpoints()).toMatchObject([{ waiting: 0, dead: 0, failures: 0 }])
})

test('what a replica took and did not send is sent by another one after a minute', async () => {
  const other = await tmp.join()
  const dying = { ...ops(), send: () => new Promise<never>(() => {}) }
  const first = startNotices(tmp.ledger, tmp.clock, [dying], { owner: 'one' })
  const second = startNotices(other, tmp.clock, [ops()], { owner: 'two' })
  await first.tick()
  await tmp.ledger.appendEvents([drift(tmp.clock.now(), 'a')])
  await first.notices.tick()
  await expect.poll(async () => (await other.noticeEndpoints())[0]?.waiting).toBe(1)
  await expect.poll(() => other.hasDueNotices({ endpoint: 'ops', now: tmp.clock.now() })).toBe(false)
  await second.tick()
  expect(lists()).toEqual([])
  await tmp.clock.advance(60_000)
  await second.tick()
  expect(lists()).toEqual(['a'])
})
