import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { startBroker } from '../../src/start/main.ts'
import { describeWithService } from '../third-party/service.ts'

const AGENT_PATH = '/agents/invoice-bot'
const SERVICES = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
  'stint.v1.BrokerService',
]
/** Symbols that a tool has to make sense of: a service, a method, messages, an enum, a map, an import. */
const SYMBOLS = [
  { symbol: 'stint.v1.BrokerService', has: 'rpc WatchGrant ( .stint.v1.WatchGrantRequest ) returns ( stream' },
  { symbol: 'stint.v1.BrokerService.RequestGrant', has: 'returns ( .stint.v1.RequestGrantResponse )' },
  { symbol: 'stint.v1.Task', has: 'string role_arn = 2' },
  { symbol: 'stint.v1.Task', has: '// The role to act through, as ARN.' },
  { symbol: 'stint.v1.Lease', has: 'oneof credentials {' },
  { symbol: 'stint.v1.Grant', has: '.google.protobuf.Timestamp requested_at = 9' },
  { symbol: 'stint.v1.GrantState', has: 'GRANT_STATE_ACTIVE = 5' },
  { symbol: 'stint.v1.BlastRadius', has: 'map<string, uint32> by_class = 3' },
  { symbol: 'google.protobuf.Timestamp', has: 'int64 seconds = 1' },
  { symbol: 'grpc.health.v1.Health', has: 'rpc Check' },
]

describeWithService(
  'grpcurl, by reflection alone',
  ['STINT_INTEROP_GRPCURL'],
  'test/interop/grpcurl.sh',
  (settings) => {
    const stack = new AsyncDisposableStack()
    let ways: Record<'mtls' | 'bearer', string[]>
    let addresses: Record<'mtls' | 'bearer', string>
    let task: object

    beforeAll(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'stint-grpcurl-'))
      stack.defer(() => rm(folder, { recursive: true, force: true }))
      const config = { listen: { bearer: '127.0.0.1:0' }, server: { reflection: true } }
      const stage = await setStage({ folder, config })
      stack.defer(() => stage.close())
      const options = { clock: systemClock, logger: createLogger({ level: 'fatal' }), version: 'test' }
      const broker = await startBroker(loadConfig({ file: stage.configFile, env: {} }), options)
      stack.defer(broker.stop)
      const svid = await stage.issueSvid(AGENT_PATH)
      const token = await stage.trustDomain.issueJwtSvid({ path: AGENT_PATH, audience: stage.brokerId })
      const trust = ['-cacert', stage.rootsFile]
      ways = {
        mtls: [...trust, '-cert', svid.certificateFile, '-key', svid.privateKeyFile],
        bearer: [...trust, '-H', `authorization: Bearer ${token}`],
      }
      addresses = { mtls: broker.addresses.agents, bearer: broker.addresses.bearer ?? '' }
      task = {
        purpose: 'Read the invoices of November',
        role_arn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
        access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
        ttl_seconds: 600,
      }
    })
    afterAll(() => stack.disposeAsync())

    const grpcurl = (way: 'mtls' | 'bearer', flags: string[], verb: string[]) =>
      new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
        const argv = ['-max-time', '20', ...flags, ...ways[way], addresses[way], ...verb]
        execFile(settings.STINT_INTEROP_GRPCURL, argv, { timeout: 30_000 }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
        )
      })

    for (const way of ['mtls', 'bearer'] as const) {
      test(`it lists every service of the ${way} port`, async () => {
        const { stdout, stderr } = await grpcurl(way, [], ['list'])
        expect([stdout.trim().split('\n'), stderr]).toEqual([SERVICES, ''])
      })

      test(`it plans, requests and completes over ${way}, with the fields that the .proto has`, async () => {
        const data = (message: object) => ['-d', JSON.stringify(message)]
        const plan = await grpcurl(way, data({ task }), ['stint.v1.BrokerService/PlanTask'])
        expect([plan.code, JSON.parse(plan.stdout).decision.outcome]).toEqual([0, 'permit'])
        const request = data({ task, idempotency_key: `grpcurl-${way}` })
        const granted = await grpcurl(way, request, ['stint.v1.BrokerService/RequestGrant'])
        const { grant, lease } = JSON.parse(granted.stdout)
        expect([grant.state, lease.aws.accessKeyId]).toEqual(['GRANT_STATE_ACTIVE', expect.stringMatching(/^ASIA/)])
        const done = await grpcurl(way, data({ grant_id: grant.id }), ['stint.v1.BrokerService/CompleteGrant'])
        expect(JSON.parse(done.stdout).grant.reason).toBe('completed')
      })

      test(`it is told all mistakes of a task over ${way}, by the fields that the .proto has`, async () => {
        const wrong = { ...task, ttl_seconds: 1, access: [{ actions: ['s3:GetObjekt'], resources: ['*'] }] }
        const argv = ['-d', JSON.stringify({ task: wrong })]
        const { code, stderr } = await grpcurl(way, argv, ['stint.v1.BrokerService/PlanTask'])
        expect(code).toBe(64 + 3) // grpcurl adds the status code, INVALID_ARGUMENT, to 64
        expect(stderr).toContain('task.ttl_seconds must be between')
        expect(stderr).toContain('task.access[0].actions[0] is refused: "s3:GetObjekt"')
      })
    }

    for (const { symbol, has } of SYMBOLS)
      test(`it describes ${symbol}: ${has}`, async () => {
        const { code, stdout } = await grpcurl('mtls', [], ['describe', symbol])
        expect([code, stdout.replaceAll(/\s+/g, ' ')]).toEqual([0, expect.stringContaining(has)])
      })

    test('it makes a template of every message of the contract', async () => {
      const { stdout } = await grpcurl('mtls', ['-msg-template'], ['describe', 'stint.v1.RequestGrantRequest'])
      // grpcurl leaves the members of a oneof out, such as roleArn.
      expect(stdout).toContain('"purpose": ""')
    })

    test('it is told of a symbol that is not there', async () => {
      const { code, stderr } = await grpcurl('mtls', [], ['describe', 'stint.v1.Nothing'])
      expect([code, stderr]).toEqual([1, expect.stringContaining('not found')])
    })
  },
)
