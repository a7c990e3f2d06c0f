import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { handleUnaryCall } from '@grpc/grpc-js'
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

/** A method that answers when the test says so. */
function holdMethod() {
  const answer = Promise.withResolvers<void>()
  const same = (bytes: Buffer) => bytes
  const definition = { path: '/test.Test/Hold', requestStream: false, responseStream: false } as const
  const codec = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
  const hold: handleUnaryCall<Buffer, Buffer> = (_call, done) => {
    void answer.promise.then(() => done(null, Buffer.from('held')))
  }
  return { service: { Hold: { ...definition, ...codec } }, methods: { Hold: hold }, answer: answer.resolve }
}

/** Keepalive pings all the time. */
const BUSY_PINGS = { ...GRPC_SERVER_OPTIONS, 'grpc.keepalive_time_ms': 10 }
/** The longest delay of a timer. */
const NEVER_MS = 2 ** 31 - 1
const HOLD = { ':method': 'POST', ':path': '/test.Test/Hold', 'content-type': 'application/grpc', te: 'trailers' }

// grpc-js 1.14 kills a session that it is closing with its next ping.
test('a call in progress is let finish while its connection is drained, however many keepalives pass', async () => {
  const method = holdMethod()
  const drained = await serve(method)
  const other = await serve(holdMethod())
  const client = connectHttp2(`http://127.0.0.1:${drained.port}`).on('error', () => undefined)
  const bystander = connectHttp2(`http://127.0.0.1:${other.port}`)
  open.push(() => client.destroy())
  open.push(() => bystander.destroy())
  const call = client.request(HOLD).on('error', () => undefined)
  call.end(Buffer.alloc(5))
  const answered = new Promise<string>((resolve) => {
    let text = ''
    call.setEncoding('utf8').on('data', (part) => (text += part))
    call.once('close', () => resolve(text))
  })
  const closed = once(client, 'close')
  await once(client, 'ping')
  const told = once(client, 'goaway')
  drained.injector.drain(NEVER_MS)
  expect((await told)[0]).toBe(0)
  for (let pings = 0; pings < 5; pings += 1) await once(bystander, 'ping')
  method.answer()
  expect(await answered).toContain('held')
  await closed
})

test('a call that does not end is cut when the time to finish is over', async () => {
  const { injector, port } = await serve(holdMethod())
  const client = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => undefined)
  const call = client.request(HOLD).on('error', () => undefined)
  call.end(Buffer.alloc(5))
  await once(client, 'ping')
  injector.drain(0)
  await new Promise((resolve) => call.once('close', resolve))
  expect(call.rstCode).not.toBe(0)
})

async function serve(method?: ReturnType<typeof holdMethod>) {
  const server = createGrpcServer(method ? BUSY_PINGS : GRPC_SERVER_OPTIONS)
  if (method) server.addService(method.service, method.methods)
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
  return { injector, begun: () => begun, broken: broken.promise, port: (tcp.address() as AddressInfo).port }
}
