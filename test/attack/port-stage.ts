import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/client.ts'
import { selfSigned } from '../admin/self-signed.ts'
import { type BrokerAddresses, BrokerProcess } from '../support/broker-process.ts'

export interface OpenPort {
  readonly name: 'agents' | 'bearer' | 'admin' | 'bundle' | 'health'
  readonly port: number
  /** A TLS handshake comes first. */
  readonly tls: boolean
}

/** A broker in a process of its own with every port open, the admin API over TLS. */
export class PortStage {
  readonly broker: BrokerProcess
  readonly ports: readonly OpenPort[]
  readonly #stage: Stage
  readonly #addresses: BrokerAddresses
  readonly #adminCa: string
  readonly #agent: { certificateFile: string; privateKeyFile: string }

  private constructor(parts: {
    stage: Stage
    broker: BrokerProcess
    addresses: BrokerAddresses
    adminCa: string
    agent: { certificateFile: string; privateKeyFile: string }
  }) {
    this.broker = parts.broker
    this.ports = portsOf(parts.addresses)
    this.#stage = parts.stage
    this.#addresses = parts.addresses
    this.#adminCa = parts.adminCa
    this.#agent = parts.agent
  }

  /** @param options.openFiles the limit of the broker's process. */
  static async open({ openFiles }: { openFiles?: number } = {}): Promise<PortStage> {
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    const { cert, key } = await selfSigned()
    writeFileSync(join(folder, 'tls.crt'), cert)
    writeFileSync(join(folder, 'tls.key'), key, { mode: 0o600 })
    const stage = await setStage({
      folder,
      config: {
        listen: { bearer: '127.0.0.1:0' },
        identity: { bundleEndpoint: { listen: '127.0.0.1:0', trustDomain: 'practice.example' } },
        admin: { tls: { certificateFile: 'tls.crt', privateKeyFile: 'tls.key' } },
        grants: { settleTime: '0s' },
        server: { drainTime: '1s' },
      },
    })
    const agent = await stage.issueSvid('/agents/invoice-bot')
    const broker = new BrokerProcess({ configFile: stage.configFile, ...(openFiles && { openFiles }) })
    return new PortStage({ stage, broker, addresses: await broker.ready(), adminCa: cert, agent })
  }

  port(name: OpenPort['name']): number {
    return this.ports.find((port) => port.name === name)?.port ?? 0
  }

  /** An operator's call, over a connection of its own unless an HTTPS agent is given. @returns status and body */
  operatorCall(path = '/v1/status', agent: Agent | false = false): Promise<{ status: number; body: string }> {
    const token = readFileSync(this.#stage.tokenFiles.vera, 'utf8').trim()
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
    const options = {
      host: '127.0.0.1',
      port: this.port('admin'),
      path,
      ca: this.#adminCa,
      servername: 'localhost',
      agent,
      headers: { authorization: `Bearer ${token}` },
    }
    const sent = request(options, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    sent.on('error', reject).end()
    return promise
  }

  /** A keep-alive connection of an operator. */
  operatorAgent(): Agent {
    return new Agent({ keepAlive: true, maxSockets: 1 })
  }

  /** One piece of an agent's work over a new connection: request and complete. @throws what the calls threw */
  async agentWork(): Promise<void> {
    const svid = { ...this.#agent, bundleFile: this.#stage.rootsFile }
    const client = new StintClient({ address: this.#addresses.agents, serverId: this.#stage.brokerId, svid })
    try {
      const task = {
        purpose: 'to tidy the archive',
        roleArn: `arn:aws:iam::${this.#stage.cloud.accountId}:role/${STAGE_ROLE}`,
        access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
        ttlSeconds: 600,
      }
      const { grant } = await client.requestGrant(task, `work-${crypto.randomUUID()}`, { deadlineMs: 60_000 })
      await client.completeGrant(grant.id, 'done', { deadlineMs: 60_000 })
    } finally {
      client.close()
    }
  }

  async close(): Promise<void> {
    this.broker.signal('SIGKILL')
    await this.broker.exited
    await this.#stage.close()
    rmSync(this.#stage.folder, { recursive: true, force: true })
  }
}

export interface StrangersOptions {
  readonly port: number
  /** What each does at once: nothing unless given, send bytes, or shake hands. */
  readonly first?: Buffer | 'handshake' | undefined
  /** Where they come from; the address of everyone else unless given. */
  readonly from?: string | undefined
  /** Connections in all. */
  readonly most: number
}

/** Connections that strangers keep open: whichever the broker closes is opened again at once. Bounded in number. */
export class Strangers {
  readonly #options: StrangersOptions
  readonly #open = new Set<{ destroy(): void }>()
  #left = false
  /** Connections that were opened so far. */
  opened = 0

  constructor(options: StrangersOptions) {
    this.#options = options
  }

  /** Resolves when that many have been opened. */
  async push(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#connect()))
  }

  leave(): void {
    this.#left = true
    for (const socket of this.#open) socket.destroy()
  }

  #connect(): Promise<void> {
    this.opened += 1
    const { port, first, from, most } = this.#options
    const at = { port, host: '127.0.0.1', ...(from && { localAddress: from }) }
    // A stranger does not care whom it disturbs.
    const socket = first === 'handshake' ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at)
    this.#open.add(socket)
    if (first instanceof Buffer) socket.write(first)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#open.delete(socket)
      if (!this.#left && this.opened < most) void this.#connect()
    })
    return new Promise((resolve) => {
      socket.once(first === 'handshake' ? 'secureConnect' : 'connect', () => resolve())
      socket.once('close', () => resolve())
    })
  }
}

function portsOf(addresses: BrokerAddresses): OpenPort[] {
  const { agents, bearer = '', admin, bundle = '', health } = addresses
  const portOf = (address: string) => Number(address.split(':').at(-1))
  return [
    { name: 'agents', port: portOf(agents), tls: true },
    { name: 'bearer', port: portOf(bearer), tls: true },
    { name: 'admin', port: portOf(admin), tls: true },
    { name: 'bundle', port: portOf(bundle), tls: true },
    { name: 'health', port: health, tls: false },
  ]
}
