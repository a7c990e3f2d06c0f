import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ConnectionTable, type ConnectionTableLimits, peerKey } from '../../../src/core/net/connection-table.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const LIMITS: ConnectionTableLimits = { maxConnections: 4, maxConnectionsPerOwner: 2, maxUnproven: 10 }

/** A table with room for two at each step of a TLS port, and who had to go. */
function open(limits: Partial<ConnectionTableLimits> = {}) {
  const evicted: Socket[] = []
  /** Whether each question for a penalty was about a connection that is new. */
  const asked: boolean[] = []
  const table = new ConnectionTable({
    limits: { ...LIMITS, ...limits },
    tls: true,
    clock: new ManualClock(),
    calls: { callsPerSecond: 1, burst: 10 },
    shutOutMs: (_owner, _address, isNew) => {
      asked.push(isNew)
      return 0
    },
    onEvicted: (socket) => {
      evicted.push(socket)
      socket.emit('close')
    },
  })
  let port = 1
  const connect = (address = '192.0.2.1', from?: number): Socket => {
    const remotePort = from ?? port
    const destroy = () => {}
    const socket = Object.assign(new EventEmitter(), { remoteAddress: address, remotePort, bytesRead: 0, destroy })
    port += 1
    table.add(socket as unknown as Socket)
    return socket as unknown as Socket
  }
  const hears = (socket: Socket) => Object.assign(socket, { bytesRead: 1 })
  return { table, evicted, connect, hears, asked }
}

describe('who gives way among those that have proved nothing', () => {
  test('the oldest of the address that has the most', () => {
    const { evicted, connect } = open()
    connect('192.0.2.9')
    const first = connect('192.0.2.1')
    expect(evicted).toEqual([])
    connect('192.0.2.1')
    const [gone] = evicted
    // Both addresses had one; the tie goes to the older of the two.
    expect(gone?.remoteAddress).toBe('192.0.2.9')
    connect('192.0.2.7')
    expect(evicted.at(-1)).toBe(first)
  })

  test('not one that has sent a byte, for those that are silent', () => {
    const { evicted, connect, hears } = open()
    const talking = hears(connect())
    for (let n = 0; n < 20; n += 1) connect()
    expect(evicted).not.toContain(talking)
  })

  test('not one that has got further, for those that stop earlier', () => {
    const { table, evicted, connect, hears } = open()
    const secured = hears(connect())
    table.greeted(secured)
    table.secured(secured)
    const greeted = hears(connect())
    table.greeted(greeted)
    for (let n = 0; n < 20; n += 1) hears(connect())
    expect(evicted).not.toContain(secured)
    expect(evicted).not.toContain(greeted)
  })

  test('not a newcomer, for those that hold all places of a later step', () => {
    const { table, evicted, connect, hears } = open()
    for (let n = 0; n < 10; n += 1) table.secured(hears(connect()))
    const newcomer = connect()
    connect()
    expect(evicted).not.toContain(newcomer)
  })

  test('never one that has proved who it is', () => {
    const { table, evicted, connect } = open()
    const proven = connect()
    table.prove(peerKey(proven), 'olga')
    for (let n = 0; n < 50; n += 1) table.called(peerKey(connect()))
    expect(evicted).not.toContain(proven)
    expect(table.size).toBeLessThanOrEqual(LIMITS.maxUnproven + 1)
  })
})

describe('those that have proved who they are', () => {
  test('are limited for each identity and in all, and leave room when they close', () => {
    const { table, connect } = open()
    const [first, ...rest] = ['a', 'a', 'b', 'b'].map((owner) => {
      const socket = connect()
      table.prove(peerKey(socket), owner)
      return socket
    })
    expect(rest).toHaveLength(3)
    const other = connect()
    expect(() => table.prove(peerKey(other), 'a')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
    expect(() => table.prove(peerKey(other), 'c')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
    first?.emit('close')
    table.prove(peerKey(other), 'a')
    expect(table.isTrusted(peerKey(other))).toBe(true)
  })

  test('leave room too when they reset and are back from the same port before their close is told', () => {
    const { table, connect } = open()
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect('192.0.2.1', 4_000)
      table.prove(peerKey(socket), 'a')
      return socket
    })
    for (const socket of sockets) socket.emit('close')
    expect(table.size).toBe(0)
    for (const owner of ['a', 'a', 'b', 'b']) table.prove(peerKey(connect()), owner)
    expect(table.size).toBe(4)
  })
})

test('a silent connection that is gone leaves its place, also when another came from the same port before', () => {
  const { evicted, connect } = open()
  const gone = Array.from({ length: 10 }, () => connect('192.0.2.1', 4_000))
  for (const socket of gone) socket.emit('close')
  connect('192.0.2.1')
  connect('192.0.2.1')
  expect(evicted).toEqual([])
})

describe('an offence over a connection is laid to', () => {
  const cases = [
    {
      name: 'its address, while nobody has proved anything',
      identities: [],
      offender: { kind: 'address', address: '192.0.2.1' },
    },
    {
      name: 'the identity that it has proved',
      identities: ['a', 'a'],
      offender: { kind: 'owner', owner: 'a', address: '192.0.2.1' },
    },
    { name: 'nobody, where a proxy brings several identities', identities: ['a', 'b'], offender: { kind: 'shared' } },
  ]
  for (const { name, identities, offender } of cases) {
    test(`${name}, and once only`, () => {
      const { table, connect } = open()
      const peer = peerKey(connect())
      for (const identity of identities) table.prove(peer, identity)
      expect(table.convict(peer)()).toEqual(offender)
      expect(table.convict(peer)()).toBeUndefined()
    })
  }
})

test('a stop may end those at once that cannot have a request in hand', () => {
  const { table, connect, hears } = open()
  const [silent, heard, secured] = [connect(), hears(connect()), hears(connect())]
  table.secured(secured)
  expect(new Set(table.idleSockets())).toEqual(new Set([silent, heard]))
  expect(table.sockets()).toHaveLength(3)
})

// On the bearer port each call comes with its identity again: a refused one is no further connection.
test('a connection beyond its identity’s limit counts as new once, however many calls it makes', () => {
  const { table, connect, asked } = open({ maxConnectionsPerOwner: 1 })
  table.prove(peerKey(connect()), 'a')
  const other = connect()
  for (let call = 0; call < 5; call += 1) expect(() => table.prove(peerKey(other), 'a')).toThrow()
  expect(asked.filter((isNew) => isNew)).toHaveLength(2)
})
