import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import type { StintError } from '../../../src/core/errors.ts'
import { Penalties } from '../../../src/core/limits/penalties.ts'
import { peerKey } from '../../../src/core/net/connection-table.ts'
import { GuardedListener, type GuardedListenerOptions } from '../../../src/core/net/guarded-listener.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { until } from '../../support/settle.ts'

const open: (() => unknown)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

for (const { name, host, code } of [
  { name: 'that another program has', host: '127.0.0.1', code: 'EADDRINUSE' },
  { name: 'that is of another machine', host: '192.0.2.1', code: 'EADDRNOTAVAIL' }, // RFC 5737
]) {
  test(`an address ${name} is a mistake of the configuration`, async () => {
    const first = guard()
    const { port } = await first.guard.listen({ host: '127.0.0.1', port: 0, setting: 'listen.a' })
    const second = guard()
    await expect(second.guard.listen({ host, port, setting: 'listen.b' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: { field: 'listen.b', explanation: expect.stringContaining(`${host}:${port} (listen.b, ${code})`) },
    })
    expect([second.accepts, second.refusals]).toEqual([[], []])
  })
}

test('an accept that fails is told, refuses nobody, and is over with the next connection', async () => {
  const { guard: listener, server, accepts, refusals } = guard()
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0, setting: 'listen.a' })
  for (let times = 0; times < 2; times++) server.emit('error', Object.assign(new Error('accept'), { code: 'EMFILE' }))
  expect(accepts).toMatchObject([{ details: { check: 'accept' } }, { details: { check: 'accept' } }])
  const socket = connect(port, '127.0.0.1')
  open.push(() => socket.destroy())
  await once(socket, 'connect')
  await until(() => accepts.length > 2)
  expect(accepts.slice(2)).toEqual([undefined])
  expect(refusals).toEqual([])
})

for (const { name, copyableProof, isShutOut } of [
  { name: 'a certificate is shut out wherever it comes from', copyableProof: false, isShutOut: true },
  {
    name: 'a token that may be stolen is shut out at the address of the flood only',
    copyableProof: true,
    isShutOut: false,
  },
]) {
  test(`an identity that has flooded and proves itself by ${name}`, async () => {
    const { guard: listener, server } = guard({ copyableProof })
    const { port } = await listener.listen({ host: '127.0.0.1', port: 0, setting: 'listen.a' })
    const connectFrom = async (localAddress: string) => {
      const taken = once(server, 'connection')
      const socket = connect({ port, host: '127.0.0.1', localAddress })
      socket.on('error', () => undefined)
      open.push(() => socket.destroy())
      return peerKey((await taken)[0])
    }
    const prove = (peer: string) => () => listener.connections.prove(peer, 'spiffe://a.test/x')
    const flooding = await connectFrom('127.0.0.2')
    prove(flooding)()
    while (listener.called(flooding));
    expect(prove(await connectFrom('127.0.0.2'))).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
    const elsewhere = prove(await connectFrom('127.0.0.3'))
    if (isShutOut) expect(elsewhere).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
    else expect(elsewhere).not.toThrow()
  })
}

test('strangers that flood one port do not close another to their neighbours', async () => {
  const penalties = new Penalties({ clock: new ManualClock() })
  const [bearer, mutual] = [guard({ penalties }), guard({ penalties })]
  const isTaken = async ({ guard: listener, server }: typeof bearer, { port }: AddressInfo) => {
    const before = listener.connections.size
    const accepted = once(server, 'connection')
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    open.push(() => socket.destroy())
    const [taken] = await accepted
    return { peer: peerKey(taken), isTaken: listener.connections.size > before }
  }
  const at = { host: '127.0.0.1', port: 0, setting: 'listen.a' }
  const [bearerAt, mutualAt] = [await bearer.guard.listen(at), await mutual.guard.listen(at)]
  const { peer } = await isTaken(bearer, bearerAt)
  while (bearer.guard.called(peer));
  expect(await isTaken(bearer, bearerAt)).toMatchObject({ isTaken: false })
  expect(await isTaken(mutual, mutualAt)).toMatchObject({ isTaken: true })
})

test('connections that were reset before they could be taken hold no place', async () => {
  const { guard: listener, server, refusals } = guard()
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0, setting: 'listen.a' })
  let taken = 0
  server.on('connection', () => {
    taken += 1
  })
  // A thread of its own resets them while this one is too busy to accept.
  const reset = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(RESETS, { eval: true, workerData: { port, reset } })
  open.push(() => worker.terminate())
  await once(worker, 'online')
  Atomics.wait(reset, 0, 0, 60_000)
  await until(() => taken === 8)
  for (let held = 0; held < 2; held++) {
    const socket = connect(port, '127.0.0.1')
    open.push(() => socket.destroy())
    await once(socket, 'connect')
  }
  await until(() => taken === 10)
  expect(listener.connections.size).toBe(2)
  expect(refusals).toEqual([])
})

const RESETS = `
const { connect } = require('node:net')
const { workerData: { port, reset } } = require('node:worker_threads')
let left = 8
for (let n = 0; n < 8; n++) {
  const socket = connect(port, '127.0.0.1')
  socket.on('connect', () => {
    socket.resetAndDestroy()
    left -= 1
    if (left === 0) { Atomics.store(reset, 0, 1); Atomics.notify(reset, 0) }
  })
}`

function guard(options: Pick<GuardedListenerOptions, 'copyableProof' | 'penalties'> = {}) {
  const server: Server = createServer()
  const accepts: (StintError | undefined)[] = []
  const refusals: unknown[] = []
  const made = new GuardedListener({
    server,
    clock: new ManualClock(),
    limits: { maxConnections: 4, maxConnectionsPerOwner: 4, maxUnproven: 6, firstByteTimeoutMs: 10_000 },
    onRefused: (refusal) => refusals.push(refusal),
    onAccept: (problem) => accepts.push(problem),
    ...options,
  })
  open.push(() => made.stop(0))
  return { guard: made, server, accepts, refusals }
}
