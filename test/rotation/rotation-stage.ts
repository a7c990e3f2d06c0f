import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ChannelCredentials, type ServiceError, status } from '@grpc/grpc-js'
import { BrokerServiceClient } from '../../src/contract/broker.ts'
import type { BrokerServiceClient as Stub } from '../../src/contract/gen/stint/v1/BrokerService.ts'
import { writeFileWhole } from '../../src/core/files/write-file-whole.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../src/practice/stage/pki.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/client.ts'
import type { Task } from '../../src/sdk/types.ts'
import { BrokerProcess } from '../support/broker-process.ts'

const BROKER = '/stint'
export const AGENT = '/agents/invoice-bot'

/** How a call on one fixed connection ended: the name of the gRPC status. */
export type Outcome = keyof typeof status

/** A broker in a process of its own whose identity, and that of its agent, live in files that change all the time. */
export class RotationStage {
  readonly stage: Stage
  readonly broker: BrokerProcess
  /** The root that signs now. */
  issuer: PracticeTrustDomain
  readonly next: PracticeTrustDomain
  /** How often the SVIDs were renewed. */
  rotations = 0
  readonly #address: string
  readonly #ttlMs: number
  #sequence = 1

  private constructor(parts: {
    stage: Stage
    broker: BrokerProcess
    address: string
    next: PracticeTrustDomain
    ttlMs: number
  }) {
    this.stage = parts.stage
    this.broker = parts.broker
    this.issuer = parts.stage.trustDomain
    this.next = parts.next
    this.#address = parts.address
    this.#ttlMs = parts.ttlMs
  }

  static async open({ ttlMs }: { ttlMs: number }): Promise<RotationStage> {
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    const stage = await setStage({
      folder,
      config: { grants: { settleTime: '0s', callsPerSecondPerAgent: 10_000, burstPerAgent: 10_000 } },
    })
    const broker = new BrokerProcess({ configFile: stage.configFile })
    const { agents: address } = await broker.ready()
    const rotation = new RotationStage({
      stage,
      broker,
      address,
      next: await createTrustDomain(stage.trustDomain.name),
      ttlMs,
    })
    await rotation.rotate()
    return rotation
  }

  get task(): Task {
    return {
      purpose: 'to tidy the archive',
      roleArn: `arn:aws:iam::${this.stage.cloud.accountId}:role/${STAGE_ROLE}`,
      access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
      ttlSeconds: 600,
    }
  }

  /** Gives the broker and the agent new SVIDs of the present root. */
  async rotate(): Promise<void> {
    for (const path of [BROKER, AGENT]) {
      const hosts = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
      const svid = await this.issuer.issueX509Svid({ path, ttlMs: this.#ttlMs, ...hosts })
      const { certificateFile, privateKeyFile } = this.filesOf(path)
      await writeFileWhole(privateKeyFile, svid.keyPem)
      await writeFileWhole(certificateFile, svid.certPem)
    }
    this.rotations += 1
  }

  /** Makes broker and agents trust these roots and no others. */
  async trust(...domains: readonly PracticeTrustDomain[]): Promise<void> {
    this.#sequence += 1
    const keys = domains.flatMap((domain) => (JSON.parse(domain.bundleJson()) as { keys: object[] }).keys)
    const bundle = { spiffe_sequence: this.#sequence, spiffe_refresh_hint: 300, keys }
    await writeFileWhole(this.stage.rootsFile, domains.map(({ rootCertPem }) => rootCertPem).join(''))
    await writeFileWhole(join(this.stage.folder, 'bundle.json'), JSON.stringify(bundle))
  }

  /** The agent as it should be: it follows its files. */
  agent(): StintClient {
    const svid = { ...this.filesOf(AGENT), bundleFile: this.stage.rootsFile }
    return new StintClient({ address: this.#address, serverId: this.stage.brokerId, svid })
  }

  /** An agent that keeps one SVID and, as long as it can, one connection. */
  async fixed(from: PracticeTrustDomain, ttlMs: number): Promise<FixedAgent> {
    const { certPem, keyPem, chain } = await from.issueX509Svid({ path: AGENT, ttlMs })
    const channel = ChannelCredentials.createSsl(null, Buffer.from(keyPem), Buffer.from(certPem), {
      rejectUnauthorized: false,
    })
    const stub = new BrokerServiceClient(`localhost:${this.#address.split(':').at(-1)}`, channel)
    return new FixedAgent(stub, Buffer.from(chain[0] ?? []))
  }

  filesOf(path: string): { certificateFile: string; privateKeyFile: string } {
    const base = join(this.stage.folder, 'svids', `${this.stage.trustDomain.name}${path.replaceAll('/', '_')}`)
    return { certificateFile: `${base}.pem`, privateKeyFile: `${base}.key` }
  }

  async close(): Promise<void> {
    this.broker.signal('SIGKILL')
    await this.broker.exited
    await this.stage.close()
    rmSync(this.stage.folder, { recursive: true, force: true })
  }
}

/** Calls over one connection, and says how each ended. */
export class FixedAgent {
  readonly leaf: Buffer
  readonly #stub: Stub

  constructor(stub: Stub, leaf: Buffer) {
    this.#stub = stub
    this.leaf = leaf
  }

  /** ListGrants, the cheapest call. */
  call(): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#stub.listGrants({ pageSize: 1 }, { deadline: Date.now() + 60_000 }, (error: ServiceError | null) =>
        resolve((status[error?.code ?? status.OK] ?? 'UNKNOWN') as Outcome),
      )
    })
  }

  close(): void {
    this.#stub.close()
  }
}
