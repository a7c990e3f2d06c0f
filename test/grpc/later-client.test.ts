import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, type ServiceError } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { BrokerServiceClient, brokerService } from '../../src/contract/broker.ts'
import { fromServiceError } from '../../src/contract/error-status.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { type Broker, startBroker } from '../../src/start/main.ts'

let stage: Stage
let broker: Broker
let client: InstanceType<typeof BrokerServiceClient>

beforeAll(async () => {
  stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-test-')) })
  broker = await startBroker(loadConfig({ file: stage.configFile, env: {} }), {
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    version: 'test',
  })
  const { certificateFile, privateKeyFile } = await stage.issueSvid('/agents/invoice-bot')
  const [roots, key, chain] = [stage.rootsFile, privateKeyFile, certificateFile].map((file) => readFileSync(file))
  client = new BrokerServiceClient(broker.addresses.agents, credentials.createSsl(roots, key, chain))
})
afterAll(async () => {
  client.close()
  await broker.stop()
  await stage.close()
  rmSync(stage.folder, { recursive: true, force: true })
})

/** A task to which the client adds bytes of a field that this version does not have. */
function send(method: 'PlanTask' | 'RequestGrant', more: Buffer): Promise<ServiceError | undefined> {
  const task = {
    purpose: 'to read the invoices',
    roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
    access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
    ttlSeconds: 600,
  }
  const { path, requestSerialize } = brokerService[method]
  const bytes = Buffer.concat([requestSerialize({ task, idempotencyKey: crypto.randomUUID() }), more])
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 60_000 }
    client.makeUnaryRequest(
      path,
      (given: Buffer) => given,
      (answer) => answer,
      bytes,
      options,
      (error) => resolve(error ?? undefined),
    )
  })
}

// Field 15 of the request, a text; protocol buffers let a decoder pass over it.
const UNKNOWN = Buffer.from([0x7a, 2, 0x68, 0x69])

test('a task is granted as long as every part of it is understood', async () => {
  expect(await send('RequestGrant', Buffer.alloc(0))).toBeUndefined()
})

for (const method of ['PlanTask', 'RequestGrant'] as const) {
  test(`${method} of a later client is refused when a part of it would be dropped`, async () => {
    const error = fromServiceError((await send(method, UNKNOWN)) as ServiceError)
    expect(error.code).toBe('REQUEST_INVALID')
    expect(error.details.explanation).toContain('field 15')
  })
}
