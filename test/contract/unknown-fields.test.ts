import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from '@grpc/proto-loader'
import { afterAll, expect, test } from 'vitest'
import { brokerService, droppedFields } from '../../src/contract/broker.ts'
import { taskFromWire } from '../../src/grpc/messages.ts'

const PROTO = fileURLToPath(new URL('../../proto', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'stint-proto-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The contract as a later version may have it. */
function laterContract(): PackageDefinition {
  const text = readFileSync(join(PROTO, 'stint/v1/broker.proto'), 'utf8')
  const later = text
    .replace('message Condition {', 'message Condition {\n  bool unless = 9;')
    .replace('message Change {', 'message Change {\n  bool atomic = 15;')
    .replace('message Access {', 'message Access {\n  repeated Condition never = 200;')
    .replace('message Task {', 'message Task {\n  fixed64 until = 12;\n  float most = 13;')
    .replace('message RequestGrantRequest {', 'message RequestGrantRequest {\n  string parent = 7;')
  const file = join(folder, 'stint/v1/broker.proto')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, later)
  return loadSync('stint/v1/broker.proto', { includeDirs: [folder] })
}

const later = laterContract()['stint.v1.RequestGrantRequest'] as unknown as MessageTypeDefinition<object, object>
const CONDITION = { key: 's3:prefix', operator: 'StringEquals', values: ['invoices/'] }
const ACCESS = { actions: ['s3:ListBucket'], resources: ['arn:aws:s3:::a'], conditions: [CONDITION] }
const TASK = { purpose: 'to read the invoices', roleArn: 'arn:aws:iam::123456789012:role/a', ttlSeconds: 600 }

for (const { name, change, expected } of [
  { name: 'nothing that is not known', change: {}, expected: [] },
  {
    name: 'a condition of the second entry that says the opposite',
    change: {
      task: { ...TASK, access: [ACCESS, { ...ACCESS, conditions: [CONDITION, { ...CONDITION, unless: true }] }] },
    },
    expected: [{ path: 'task.access[1].conditions[1]', number: 9 }],
  },
  {
    name: 'another kind of condition',
    change: { task: { ...TASK, access: [{ ...ACCESS, never: [CONDITION, CONDITION] }] } },
    expected: [{ path: 'task.access[0]', number: 200 }],
  },
  {
    name: 'limits of the task, as numbers of a fixed length',
    change: { task: { ...TASK, access: [ACCESS], until: 5, most: 1.5 } },
    expected: [
      { path: 'task', number: 12 },
      { path: 'task', number: 13 },
    ],
  },
  {
    name: 'a part of a change, whose counts are a map',
    change: {
      task: { ...TASK, access: [ACCESS], change: { kind: 'terraform_plan', counts: { delete: 1 }, atomic: true } },
    },
    expected: [{ path: 'task.change', number: 15 }],
  },
  { name: 'a field of the request', change: { parent: 'grt_1' }, expected: [{ path: '', number: 7 }] },
]) {
  test(`a request of a later client: ${name}`, () => {
    const message = { task: { ...TASK, access: [ACCESS] }, idempotencyKey: 'a-key-of-mine', ...change }
    const request = brokerService.RequestGrant.requestDeserialize(Buffer.from(later.serialize(message)))
    const found = droppedFields(request).toSorted((a, b) => a.number - b.number)
    expect(found).toEqual(expected)
    const refusal = expected.length > 0 ? { code: 'REQUEST_INVALID' } : undefined
    if (refusal) expect(() => taskFromWire(request)).toThrow(expect.objectContaining(refusal))
    else expect(taskFromWire(request)).toMatchObject({ access: [ACCESS] })
  })
}

test('bytes that are cut off anywhere are never a task with less in it', () => {
  const whole = later.serialize({ task: { ...TASK, access: [{ ...ACCESS, never: [CONDITION] }] }, idempotencyKey: 'k' })
  for (let length = 1; length < whole.length; length++) {
    let request: object | undefined
    try {
      request = brokerService.RequestGrant.requestDeserialize(Buffer.from(whole.subarray(0, length)))
    } catch {
      continue
    }
    // Whatever decodes has either no task at all or says what was dropped.
    if ((request as { task: unknown }).task) expect(droppedFields(request)).not.toEqual([])
  }
})
