import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { StintClient } from '../../src/sdk/client.ts'
import { stint } from '../support/cli.ts'
import { FakeBroker, GRANT_ID } from '../support/fake-broker.ts'

/** A host that is not this machine and that only the proxy can reach; RFC 2606 keeps the name free. */
const ELSEWHERE = 'broker.stint.invalid'

let broker: FakeBroker
let proxy: Server
/** What the proxy was asked to connect to. */
let asked: string[]
let reaches: boolean
const before = {
  https_proxy: process.env.https_proxy,
  no_proxy: process.env.no_proxy,
  grpc_proxy: process.env.grpc_proxy,
}

beforeEach(async () => {
  broker = await FakeBroker.start(systemClock)
  asked = []
  reaches = true
  proxy = createServer()
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    if (!reaches) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const onward = connect(broker.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    for (const end of [socket, onward]) end.on('error', () => onward.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  process.env.https_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  delete process.env.no_proxy
  delete process.env.grpc_proxy
})

afterEach(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  proxy.close()
  proxy.closeAllConnections()
  await broker.stop()
})

async function call(address: string, useProxy?: boolean): Promise<string> {
  const asks = useProxy === undefined ? {} : { useProxy }
  const client = new StintClient({ address, serverId: broker.serverId, svid: broker.svid, ...asks })
  const once = { deadlineMs: 60_000, retry: false }
  try {
    return (await client.getGrant(GRANT_ID, once)).id
  } catch (error) {
    return (error as Error).message
  } finally {
    client.close()
  }
}

for (const host of ['127.0.0.1', 'localhost'])
  for (const useProxy of [false, true])
    test(`a broker at ${host} is reached without the proxy, asked for or not: ${useProxy}`, async () => {
      expect(await call(`${host}:${broker.port}`, useProxy)).toBe(GRANT_ID)
      expect(asked).toEqual([])
    })

test('another host is not reached through a proxy that nobody asked for', async () => {
  await call(`${ELSEWHERE}:7443`)
  await call(`${ELSEWHERE}:7443`, false)
  expect(asked).toEqual([])
})

for (const { name, argv = [], env = {}, goesBy } of [
  { name: 'unless told to', goesBy: false },
  { name: 'with --use-proxy', argv: ['--use-proxy'], goesBy: true },
  { name: 'with STINT_USE_PROXY=true', env: { STINT_USE_PROXY: 'true' }, goesBy: true },
  { name: 'with STINT_USE_PROXY=false', env: { STINT_USE_PROXY: 'false' }, goesBy: false },
])
  test(`the command line ${goesBy ? 'goes by the proxy' : 'does not go by the proxy'} ${name}`, async () => {
    // No loopback address by its name, yet it leads to the broker without a proxy too.
    const STINT_ADDRESS = `0.0.0.0:${broker.port}`
    const run = await stint(['grants', 'mine', ...argv], { env: { ...broker.env, STINT_ADDRESS, ...env } })
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(asked).toEqual(goesBy ? [STINT_ADDRESS] : [])
  })

test('another host is reached through the proxy where that is asked for', async () => {
  expect(await call(`${ELSEWHERE}:7443`, true)).toBe(GRANT_ID)
  expect(asked).toEqual([`${ELSEWHERE}:7443`])
})

test('a proxy that cannot reach the broker is told without an undefined', async () => {
  reaches = false
  const message = await call(`${ELSEWHERE}:7443`, true)
  expect(asked).not.toEqual([])
  expect(message).not.toMatch(/undefined|null|\(\)/)
})
