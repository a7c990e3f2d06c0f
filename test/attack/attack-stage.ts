import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { stringify } from 'yaml'
import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import type { AuditEvent, Lease } from '../../src/ledger/records.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_REGISTRATIONS, STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/client.ts'
import type { Task } from '../../src/sdk/types.ts'
import { recordOf } from '../support/audit-record.ts'
import { type BrokerAddresses, BrokerProcess } from '../support/broker-process.ts'
import { socketsOf } from '../support/open-sockets.ts'

/** The attacker has many identities: one that has flooded is shut out for a while. */
const ROGUE = '/agents/rogue'
const GOOD = '/agents/invoice-bot'
const FLEET = '/agents/fleet'
const CALL_MS = 60_000
const PAUSE_MS = 150
/** A heap that cannot hide a leak: what is not let go of ends the process. */
const NODE_OPTIONS = ['--max-old-space-size=128', '--max-semi-space-size=4']

interface KeyPair {
  readonly certificateFile: string
  readonly privateKeyFile: string
}

/** A broker in a process of its own with both ports open, a good client, and the means of an attacker who is registered. */
export class AttackStage {
  readonly stage: Stage
  readonly broker: BrokerProcess
  readonly addresses: BrokerAddresses
  readonly #good: KeyPair
  #rogue: KeyPair
  #rogues = 0
  readonly #opened = new Set<{ destroy(): void }>()

  private constructor(parts: {
    stage: Stage
    broker: BrokerProcess
    addresses: BrokerAddresses
    good: KeyPair
    rogue: KeyPair
  }) {
    this.stage = parts.stage
    this.broker = parts.broker
    this.addresses = parts.addresses
    this.#good = parts.good
    this.#rogue = parts.rogue
  }

  static async open(): Promise<AttackStage> {
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    const stage = await setStage({
      folder,
      config: {
        listen: { bearer: '127.0.0.1:0' },
        grants: { settleTime: '0s' },
        server: { maxConnections: 100, maxCallTime: '5s' },
      },
    })
    const [first] = STAGE_REGISTRATIONS.agents
    const likeFirst = (name: string, path: string) => ({ ...first, name, match: `spiffe://practice.example${path}/*` })
    const agents = [...STAGE_REGISTRATIONS.agents, likeFirst('rogue', ROGUE), likeFirst('fleet', FLEET)]
    writeFileSync(join(folder, 'agents.yaml'), stringify({ agents }))
    const broker = new BrokerProcess({ configFile: stage.configFile, nodeOptions: NODE_OPTIONS })
    const addresses = await broker.ready()
    const svids = { good: await stage.issueSvid(GOOD), rogue: await stage.issueSvid(`${ROGUE}/0`) }
    return new AttackStage({ stage, broker, addresses, ...svids })
  }

  /** What both agents ask for. */
  get task(): Task {
    return {
      purpose: 'to tidy the archive',
      roleArn: `arn:aws:iam::${this.stage.cloud.accountId}:role/${STAGE_ROLE}`,
      access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
      ttlSeconds: 600,
    }
  }

  /** One piece of work of a good client. @returns how long it took, in milliseconds. @throws what its calls threw */
  async work(client: StintClient): Promise<number> {
    const beganMs = performance.now()
    const settings = { deadlineMs: CALL_MS }
    const { grant, lease } = await client.requestGrant(this.task, `good-${randomIds.next('evt', new Date())}`, settings)
    if (!lease) throw new Error(`no lease came with grant ${grant.id}`)
    await client.completeGrant(grant.id, 'done', settings)
    return performance.now() - beganMs
  }

  /**
   * Runs an attack while a good client works beside it, over an old connection and over new ones.
   *
   * @returns how many pieces of work it completed, at least one that began after the attack was at its height.
   * @throws what the good client's calls threw
   */
  async beside(attack: () => Promise<void>): Promise<number> {
    const old = this.goodClient()
    let attacking = true
    let completed = 0
    const work = async (client: StintClient) => {
      await this.work(client)
      completed += 1
    }
    const working = (async () => {
      while (attacking) {
        await work(old)
        await this.#withNew(work)
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      }
    })()
    try {
      await Promise.race([attack(), working.then(() => new Promise<never>(() => undefined))])
      await work(old)
      await this.#withNew(work)
    } finally {
      attacking = false
      await working.finally(() => old.close())
    }
    return completed
  }

  /** The attacker goes on under another identity, from another address. */
  async changeRogue(): Promise<void> {
    this.#rogues += 1
    this.#rogue = await this.stage.issueSvid(`${ROGUE}/${this.#rogues}`)
  }

  goodClient(): StintClient {
    return this.#clientOf(this.#good)
  }

  /** Clients of as many other good agents, each with an allowance of its own. */
  async fleet(size: number): Promise<readonly StintClient[]> {
    const pairs = Array.from({ length: size }, (_, index) => this.stage.issueSvid(`${FLEET}/${index}`))
    return (await Promise.all(pairs)).map((pair) => this.#clientOf(pair))
  }

  /** A TCP connection that says nothing by itself. */
  tcp(at: 'agents' | 'bearer'): Socket {
    return this.#keep(connectTcp({ host: '127.0.0.1', port: this.#port(at), localAddress: this.#rogueAddress() }))
  }

  /** A TLS connection of the registered attacker on the agents' port, or of nobody on the bearer port. */
  async tls(at: 'agents' | 'bearer'): Promise<TLSSocket> {
    const socket = this.#keep(connectTls(this.#tlsOptions(at)))
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    return socket
  }

  /** An HTTP/2 session over such a connection. */
  async http2(at: 'agents' | 'bearer'): Promise<ClientHttp2Session> {
    const socket = await this.tls(at)
    const session = connectHttp2('https://localhost', { createConnection: () => socket })
    session.on('error', () => undefined)
    return session
  }

  /** Closes what the attacker holds open. */
  letGo(): void {
    for (const opened of this.#opened) opened.destroy()
    this.#opened.clear()
  }

  /** Resident memory of the broker, MiB. */
  memoryMiB(): number {
    const status = readFileSync(`/proc/${this.broker.pid}/status`, 'utf8')
    return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024)
  }

  /** Sockets that the broker has open. */
  sockets(): number {
    return socketsOf(this.broker.pid)
  }

  /** The record and every lease, from a copy of the ledger as it lies on the disk now. */
  async ledger(): Promise<{ events: readonly AuditEvent[]; leases: readonly (Lease & { subject: string })[] }> {
    const copy = join(mkdtempSync(join(this.stage.folder, 'copy-')), 'ledger.db')
    for (const end of ['', '-wal']) {
      const from = join(this.stage.folder, `ledger.db${end}`)
      if (existsSync(from)) cpSync(from, `${copy}${end}`)
    }
    const ledger = await openSqliteLedger({ file: copy, clock: systemClock, ids: randomIds })
    try {
      const leases: (Lease & { subject: string })[] = []
      for (let cursor: string | undefined, more = true; more; ) {
        const page = await ledger.listGrants({}, { limit: 200, ...(cursor && { cursor }) })
        for (const { id, subject } of page.items) {
          leases.push(...(await ledger.listLeases(id)).map((lease) => ({ ...lease, subject })))
        }
        cursor = page.nextCursor
        more = cursor !== undefined
      }
      return { events: await recordOf(ledger), leases }
    } finally {
      await ledger.close()
    }
  }

  /** How many were refused, by `CODE:reason`, from the record. */
  async refusals(): Promise<Record<string, number>> {
    const counted: Record<string, number> = {}
    const { events } = await this.ledger()
    for (const { type, data } of events) {
      if (type !== 'identity.refused') continue
      const { code, reason, byReason } = data as { code?: string; reason?: string; byReason?: Record<string, number> }
      const found = byReason ?? { [`${code}:${reason}`]: 1 }
      for (const [key, count] of Object.entries(found)) counted[key] = (counted[key] ?? 0) + count
    }
    return counted
  }

  async close(): Promise<void> {
    this.letGo()
    this.broker.signal('SIGKILL')
    await this.broker.exited
    await this.stage.close()
    rmSync(this.stage.folder, { recursive: true, force: true })
  }

  #clientOf(pair: KeyPair): StintClient {
    const svid = { ...pair, bundleFile: this.stage.rootsFile }
    return new StintClient({ address: this.addresses.agents, serverId: this.stage.brokerId, svid })
  }

  async #withNew(work: (client: StintClient) => Promise<void>): Promise<void> {
    const client = this.goodClient()
    try {
      await work(client)
    } finally {
      client.close()
    }
  }

  #tlsOptions(at: 'agents' | 'bearer') {
    const { certificateFile, privateKeyFile } = this.#rogue
    return {
      host: '127.0.0.1',
      port: this.#port(at),
      localAddress: this.#rogueAddress(),
      ALPNProtocols: ['h2'],
      // The attacker does not care who it attacks.
      rejectUnauthorized: false,
      ...(at === 'agents' && { cert: readFileSync(certificateFile), key: readFileSync(privateKeyFile) }),
    }
  }

  #rogueAddress(): string {
    return `127.0.0.${10 + this.#rogues}`
  }

  #port(at: 'agents' | 'bearer'): number {
    return Number(this.addresses[at]?.split(':').at(-1))
  }

  #keep<T extends Socket>(socket: T): T {
    this.#opened.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#opened.delete(socket))
    return socket
  }
}
