import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createGrpcServer, createInjector } from '../../src/grpc/connections/http2-guard.ts'
import { GRPC_SERVER_OPTIONS } from '../../src/grpc/server-options.ts'
import { callHeaders, END_HEADERS, END_STREAM, frame, headerBlock, PREFACE, TYPE } from '../attack/frames.ts'

const CANCEL = Buffer.from([0, 0, 0, 8])
const open: (() => void)[] = []

afterEach(() => {
  for (const close of open.splice(0).reverse()) close()
})

// CVE-2023-44487
test('of a thousand streams that are reset at once, no more than some hundred begin, and the connection is said to be broken', async () => {
  const { begun, broken, port } = await serve()
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const resets = Array.from({ length: 1_000 }, (_, n) => [
    frame(TYPE.headers, END_HEADERS | END_STREAM, 2 * n + 1, headerBlock(callHeaders('RequestGrant'))),
    frame(TYPE.reset, 0, 2 * n + 1, CANCEL),
  ]).flat()
  socket.resume().write(Buffer.concat([PREFACE, ...resets]))
  await closed
  expect((await broken).message).toMatch(/protocol/i)
  expect(begun()).toBeLessThan(600)
})

// Two frames ended the process: grpc-js answers, in a callback of Node, a method that it does not know.
test('a stream of an unknown method that is given up at once costs nobody anything', async () => {
  const { begun, port } = await serve()
  const socket = connect(port, '127.0.0.1')
  open.push(() => socket.destroy())
  for (const [id, path] of [
    [1, '/nobody/knows'],
    [3, '/stint.v1.BrokerService/RequestGrant'],
  ] as const) {
    const headers = frame(TYPE.headers, END_HEADERS | END_STREAM, id, headerBlock(callHeaders(path)))
    socket.write(Buffer.concat([...(id === 1 ? [PREFACE] : []), headers, frame(TYPE.reset, 0, id, CANCEL)]))
  }
  socket.write(frame(TYPE.ping, 0, 0, Buffer.from('are you?')))
  let read = ''
  while (!read.includes('are you?')) read += String((await once(socket, 'data'))[0])
  expect(begun()).toBe(2)
})

async function serve() {
  const server = createGrpcServer(GRPC_SERVER_OPTIONS)
  let begun = 0
  const broken = Promise.withResolvers<Error>()
  const injector = createInjector(server, {
    opened: () => broken.resolve,
    begun: () => {
      begun += 1
      return true
    },
    reset: () => undefined,
  })
  const tcp = createServer((socket) => injector.injectConnection(socket.on('error', () => socket.destroy())))
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  open.push(() => {
    tcp.close()
    injector.destroy()
    server.forceShutdown()
  })
  return { begun: () => begun, broken: broken.promise, port: (tcp.address() as AddressInfo).port }
}
