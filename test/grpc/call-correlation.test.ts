import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AdminSchema } from '../../src/admin-client/admin-calls.ts'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { loadConfig } from '../../src/config/load.ts'
import { BrokerServiceClient } from '../../src/contract/broker.ts'
import { fromServiceError } from '../../src/contract/error-status.ts'
import type { RequestGrantRequest } from '../../src/contract/gen/stint/v1/RequestGrantRequest.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { type Broker, startBroker } from '../../src/start/main.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

let stage: Stage
let broker: Broker
let client: InstanceType<typeof BrokerServiceClient>
const lines: Record<string, unknown>[] = []

beforeAll(async () => {
  stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-test-')) })
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  broker = await startBroker(loadConfig({ file: stage.configFile, env: {} }), {
    clock: systemClock,
    logger: createLogger({ level: 'debug', destination }),
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

function metadata(entries: Record<string, string | string[]>): Metadata {
  const made = new Metadata()
  for (const [name, values] of Object.entries(entries)) for (const value of [values].flat()) made.add(name, value)
  return made
}

interface Answered {
  readonly header: Metadata | undefined
  readonly error: ServiceError | undefined
  readonly status: StatusObject | undefined
}

/** One RequestGrant; of an answer with an error the trailers come as its metadata. */
function request(
  entries: Record<string, string | string[]>,
  change: Partial<RequestGrantRequest> = {},
): Promise<Answered> {
  const message = {
    idempotencyKey: crypto.randomUUID(),
    task: {
      purpose: 'to read the invoices',
      roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
      access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
      ttlSeconds: 600,
    },
    ...change,
  }
  return new Promise((resolve) => {
    let header: Metadata | undefined
    const call = client.requestGrant(message, metadata(entries), { deadline: Date.now() + 60_000 }, (error) => {
      call.once('status', (status) => resolve({ header, error: error ?? undefined, status }))
      if (error) resolve({ header, error, status: undefined })
    })
    call.once('metadata', (received) => {
      header = received
    })
  })
}

async function admin(): Promise<AdminClient> {
  return AdminClient.from({ adminUrl: broker.addresses.admin, adminTokenFile: stage.tokenFiles.vera }, { env: {} })
}

async function recorded(): Promise<readonly AdminSchema<'AuditEvent'>[]> {
  const { items } = await (await admin()).get('/v1/audit/events', { query: { limit: 1000 } })
  return items
}

describe('a call that is served', () => {
  test('has the ids of its caller on its answer and on each of its events, and the record is whole', async () => {
    const { header, error } = await request({ 'x-request-id': 'agent-call.1', traceparent: TRACEPARENT })
    expect(error).toBeUndefined()
    expect(header?.get('x-request-id')).toEqual(['agent-call.1'])
    const events = (await recorded()).filter(({ requestId }) => requestId === 'agent-call.1')
    expect(events.map(({ type, traceId }) => [type, traceId])).toEqual([
      ['grant.requested', TRACE],
      ['grant.active', TRACE],
      ['lease.intended', TRACE],
      ['lease.issued', TRACE],
    ])
    expect((await verifyAuditFile(join(stage.folder, 'ledger.db'))).problem).toBeUndefined()
  })

  test('without ids gets one of ours, and no trace', async () => {
    const { header } = await request({})
    const [requestId] = header?.get('x-request-id') ?? []
    expect(requestId).toMatch(UUID)
    const events = (await recorded()).filter((event) => event.requestId === requestId)
    expect(events).toHaveLength(4)
    expect(events.every(({ traceId }) => traceId === undefined)).toBe(true)
  })

  test('beside another keeps its own ids, though their writes share commits', async () => {
    const sent = Array.from({ length: 8 }, (_, n) => `beside-${n}`)
    await Promise.all(sent.map((id) => request({ 'x-request-id': id })))
    const events = await recorded()
    for (const id of sent) {
      const own = events.filter(({ requestId }) => requestId === id)
      expect(own.map(({ type }) => type)).toEqual(['grant.requested', 'grant.active', 'lease.intended', 'lease.issued'])
      expect(new Set(own.map(({ grantId }) => grantId)).size).toBe(1)
    }
  })
})

describe('a call that is refused', () => {
  test('has its ids on the error, its trailers, the log line and the event', async () => {
    const sent = { 'x-request-id': 'agent-call.2', traceparent: TRACEPARENT }
    const { error } = await request(sent, { task: undefined as never })
    expect(error?.metadata.get('x-request-id')).toEqual(['agent-call.2'])
    expect(fromServiceError(error as ServiceError).details).toMatchObject({
      requestId: 'agent-call.2',
      traceId: TRACE,
    })
    const ids = { requestId: 'agent-call.2', traceId: TRACE }
    expect(
      lines.find(({ msg, requestId }) => msg === 'a call was refused' && requestId === ids.requestId),
    ).toMatchObject(ids)
    const events = (await recorded()).filter(({ requestId }) => requestId === ids.requestId)
    expect(events).toMatchObject([{ type: 'grant.refused', ...ids }])
  })

  test('at the door has them too', async () => {
    const { error } = await request({ 'x-request-id': 'agent-call.3', filler: 'x'.repeat(9_000) })
    expect(error?.metadata.get('x-request-id')).toEqual(['agent-call.3'])
    expect(fromServiceError(error as ServiceError)).toMatchObject({
      code: 'REQUEST_INVALID',
      details: { check: 'metadata', requestId: 'agent-call.3' },
    })
    await expect
      .poll(async () => (await recorded()).filter(({ requestId }) => requestId === 'agent-call.3'))
      .toMatchObject([{ type: 'identity.refused' }])
  })

  test('by AWS names the request of AWS apart from the call', async () => {
    const mend = stage.cloud.setFault({ service: 'sts', action: 'AssumeRole', kind: 'access_denied' })
    const { error } = await request({ 'x-request-id': 'agent-call.4' })
    mend()
    const { details } = fromServiceError(error as ServiceError)
    expect(details).toMatchObject({ requestId: 'agent-call.4', awsRequestId: expect.stringMatching(UUID) })
    expect(lines.find(({ msg }) => msg === 'a mint failed')).toMatchObject({
      requestId: 'agent-call.4',
      providerRequestId: details.awsRequestId,
    })
    const [event] = (await recorded()).filter(({ type }) => type === 'lease.not_minted')
    expect(event).toMatchObject({ requestId: 'agent-call.4', data: { providerRequestId: details.awsRequestId } })
  })
})

for (const { name, sent } of [
  { name: 'that is long', sent: `hostile${'x'.repeat(200)}` },
  { name: 'with markup', sent: 'hostile<script>' },
  { name: 'that comes twice', sent: ['hostile1', 'hostile2'] },
  { name: 'that looks like two', sent: 'hostile1,hostile2' },
  { name: 'with a space', sent: 'hostile request_id=agent-call.1' },
]) {
  test(`a request id ${name} is replaced, and appears nowhere`, async () => {
    const { error } = await request({ 'x-request-id': sent, traceparent: 'hostile' }, { task: undefined as never })
    const [requestId] = error?.metadata.get('x-request-id') ?? []
    expect(requestId).toMatch(UUID)
    expect((await recorded()).filter((event) => event.requestId === requestId)).toHaveLength(1)
    expect(JSON.stringify([lines, await recorded(), fromServiceError(error as ServiceError).details])).not.toContain(
      'hostile',
    )
  })
}

test('an id that is replaced still counts towards the size of the metadata', async () => {
  const { error } = await request({ 'x-request-id': 'x'.repeat(9_000) })
  expect(error && fromServiceError(error)).toMatchObject({ code: 'REQUEST_INVALID', details: { check: 'metadata' } })
})
