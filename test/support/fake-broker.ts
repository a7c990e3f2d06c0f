import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { brokerService } from '../../src/contract/broker.ts'
import { toGrpcStatus } from '../../src/contract/error-status.ts'
import type { Grant } from '../../src/contract/gen/stint/v1/Grant.ts'
import type { Lease } from '../../src/contract/gen/stint/v1/Lease.ts'
import type { WatchGrantResponse } from '../../src/contract/gen/stint/v1/WatchGrantResponse.ts'
import { toTimestamp } from '../../src/contract/timestamp.ts'
import type { Clock } from '../../src/core/clock.ts'
import { writeFileWhole } from '../../src/core/files/write-file-whole.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../src/practice/stage/pki.ts'
import type { SvidFiles } from '../../src/sdk/identity/svid-source.ts'

/** Answers one unary call; what it throws leaves as a gRPC status. */
export type Script = (
  request: Record<string, unknown>,
  metadata: Metadata,
  /** SPIFFE ID of the caller's certificate. */
  peer: string,
) => Record<string, unknown>

/** Methods that a test may script; the default is a broker that grants everything. */
export type UnaryMethod =
  | 'PlanTask'
  | 'RequestGrant'
  | 'RenewLease'
  | 'CompleteGrant'
  | 'GetGrant'
  | 'ListGrants'
  | 'ReportActivity'

export const GRANT_ID = 'grt_01K00000000000000000000000'
const AGENT_ID = 'spiffe://example.org/agent'
const BROKER_ID = 'spiffe://example.org/stint'

/** A broker over the real contract and real mTLS whose answers a test writes; it can be stopped and started on its port. */
export class FakeBroker {
  readonly trustDomain: PracticeTrustDomain
  readonly directory: string
  readonly calls: { method: string; request: Record<string, unknown>; metadata: Metadata }[] = []
  readonly scripts: Partial<Record<UnaryMethod, Script>> = {}
  /** The grant as the defaults answer it; `publish` changes it. */
  grant: Grant
  leaseMs = 300_000
  serverId = BROKER_ID
  port = 0
  readonly #clock: Clock
  readonly #watchers = new Set<ServerWritableStream<unknown, WatchGrantResponse>>()
  #server: Server | undefined
  #onWatch: (() => void)[] = []

  private constructor(trustDomain: PracticeTrustDomain, directory: string, clock: Clock) {
    this.trustDomain = trustDomain
    this.directory = directory
    this.#clock = clock
    this.grant = {
      id: GRANT_ID,
      state: 'GRANT_STATE_ACTIVE',
      subject: AGENT_ID,
      roleArn: 'arn:aws:iam::123456789012:role/agent-data',
      purpose: 'read the invoices',
      planHash: 'ab'.repeat(32),
      requestedAt: toTimestamp(clock.now()),
      deadline: toTimestamp(new Date(clock.now().getTime() + 3_600_000)),
      leaseCount: 0,
    }
  }

  /** A started broker, with an SVID of `AGENT_ID` in `svid` for its client. */
  static async start(clock: Clock): Promise<FakeBroker> {
    const trustDomain = await createTrustDomain('example.org')
    const directory = await mkdtemp(join(tmpdir(), 'stint-test-'))
    const broker = new FakeBroker(trustDomain, directory, clock)
    await broker.writeSvid()
    await broker.up()
    return broker
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get svid(): SvidFiles & { certificateFile: string; privateKeyFile: string } {
    return {
      certificateFile: join(this.directory, 'svid.pem'),
      privateKeyFile: join(this.directory, 'svid.key'),
      bundleFile: join(this.directory, 'bundle.pem'),
    }
  }

  /** Settings of a CLI or SDK process in environment variables. */
  get env(): Record<string, string> {
    return {
      STINT_ADDRESS: this.address,
      STINT_SERVER_ID: BROKER_ID,
      STINT_SVID_CERT: this.svid.certificateFile,
      STINT_SVID_KEY: this.svid.privateKeyFile,
      STINT_BUNDLE: this.svid.bundleFile,
    }
  }

  /** A fresh SVID in the files, as a rotation leaves it. */
  async writeSvid(spiffeId = AGENT_ID): Promise<void> {
    const svid = await this.trustDomain.issueX509Svid({ path: new URL(spiffeId).pathname })
    await writeFileWhole(this.svid.certificateFile, svid.certPem)
    await writeFileWhole(this.svid.privateKeyFile, svid.keyPem)
    await writeFileWhole(this.svid.bundleFile, this.trustDomain.rootCertPem)
  }

  async up(): Promise<void> {
    const svid = await this.trustDomain.issueX509Svid({ path: new URL(this.serverId).pathname })
    const server = new Server()
    const unary =
      (method: UnaryMethod) =>
      (call: ServerUnaryCall<Record<string, unknown>, object>, done: sendUnaryData<object>) => {
        const { request, metadata } = call
        this.calls.push({ method, request, metadata })
        try {
          done(null, (this.scripts[method] ?? this.#defaults[method])(request, metadata, peerOf(call)))
        } catch (error) {
          done(toGrpcStatus(error))
        }
      }
    server.addService(brokerService, {
      PlanTask: unary('PlanTask'),
      RequestGrant: unary('RequestGrant'),
      RenewLease: unary('RenewLease'),
      CompleteGrant: unary('CompleteGrant'),
      GetGrant: unary('GetGrant'),
      ListGrants: unary('ListGrants'),
      ReportActivity: unary('ReportActivity'),
      WatchGrant: (call: ServerWritableStream<unknown, WatchGrantResponse>) => this.#watch(call),
    })
    const credentials = ServerCredentials.createSsl(
      Buffer.from(this.trustDomain.rootCertPem),
      [{ private_key: Buffer.from(svid.keyPem), cert_chain: Buffer.from(svid.certPem) }],
      true,
    )
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.port}`, credentials, (error, port) => (error ? reject(error) : resolve(port)))
    })
    this.#server = server
  }

  /** Cuts every connection, as a crash does. */
  down(): void {
    this.#server?.forceShutdown()
    this.#server = undefined
    this.#watchers.clear()
  }

  async stop(): Promise<void> {
    this.down()
    await rm(this.directory, { recursive: true, force: true })
  }

  /** Changes the grant and tells the watchers. */
  publish(change: Partial<Grant>): void {
    this.grant = { ...this.grant, ...change }
    for (const watcher of this.#watchers) watcher.write({ grant: this.grant })
  }

  /** Resolves with the next WatchGrant. */
  watched(): Promise<void> {
    return new Promise((resolve) => this.#onWatch.push(resolve))
  }

  countOf(method: string): number {
    return this.calls.filter((call) => call.method === method).length
  }

  /** The next lease of the grant, valid from now for `leaseMs`. */
  nextLease(): Lease {
    const number = (this.grant.leaseCount ?? 0) + 1
    this.grant = { ...this.grant, leaseCount: number }
    const notAfter = this.#clock.now().getTime() + this.leaseMs
    return {
      id: `lse_${String(number).padStart(26, '0')}`,
      number,
      notAfter: toTimestamp(new Date(notAfter)),
      usableUntil: toTimestamp(new Date(notAfter - 30_000)),
      aws: {
        accessKeyId: `ASIAEXAMPLE${number}`,
        secretAccessKey: `secret-${number}`,
        sessionToken: `token-${number}`,
      },
    }
  }

  readonly #defaults: Record<UnaryMethod, Script> = {
    PlanTask: ({ task }) => ({
      plan: {
        hash: 'ab'.repeat(32),
        task,
        pairs: [],
        sessionPolicy: '{}',
        sessionPolicyCharacters: 2,
        blastRadius: {},
      },
      decision: { outcome: 'permit', determiningPolicies: ['p'], policySetHash: 'cd'.repeat(32) },
    }),
    RequestGrant: () => this.#answer(),
    RenewLease: () => this.#answer(),
    CompleteGrant: () => {
      if (this.grant.state === 'GRANT_STATE_AWAITING_APPROVAL') this.publish({ state: 'GRANT_STATE_WITHDRAWN' })
      else this.publish({ state: 'GRANT_STATE_ENDED', reason: 'completed' })
      return { grant: this.grant }
    },
    GetGrant: () => ({ grant: this.grant }),
    ListGrants: () => ({ grants: [this.grant], nextPageToken: '' }),
    ReportActivity: () => ({}),
  }

  #answer(): Record<string, unknown> {
    const lease = this.grant.state === 'GRANT_STATE_ACTIVE' ? this.nextLease() : null
    return { grant: this.grant, lease }
  }

  #watch(call: ServerWritableStream<unknown, WatchGrantResponse>): void {
    this.calls.push({ method: 'WatchGrant', request: call.request as Record<string, unknown>, metadata: call.metadata })
    this.#watchers.add(call)
    call.on('cancelled', () => this.#watchers.delete(call))
    call.sendMetadata(new Metadata())
    call.write({ grant: this.grant })
    for (const resolve of this.#onWatch.splice(0)) resolve()
  }
}

function peerOf(call: ServerUnaryCall<Record<string, unknown>, object>): string {
  const subjectAltName = call.getAuthContext().sslPeerCertificate?.subjectaltname ?? ''
  return subjectAltName.replace(/^URI:/, '')
}
