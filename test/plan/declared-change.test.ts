import { expect, test } from 'vitest'
import { taskFromWire } from '../../src/grpc/messages.ts'
import { CHANGE_ACTIONS, type ChangeAction, type DeclaredChange } from '../../src/plan/declared-change.ts'
import { readTask, type Task, taskHash } from '../../src/plan/task.ts'
import { toWireTask } from '../../src/sdk/views.ts'

const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const SHA = 'ab'.repeat(32)
const listed = (action: ChangeAction, count: number, at = 0) =>
  Array.from({ length: count }, (_, n) => ({
    action,
    type: 'aws_s3_bucket',
    address: `aws_s3_bucket.${action}${at + n}`,
  }))
const change = (over: object = {}) => ({
  ...{ kind: 'terraform_plan', sha256: SHA, counts: { delete: 1, create: 1 } },
  resources: [...listed('delete', 1), ...listed('create', 1)],
  ...over,
})
const task = (over?: object) => ({
  ...{ purpose: 'Recreate the data', roleArn: 'arn:aws:iam::123456789012:role/x', ttlSeconds: 600 },
  access: [{ actions: ['s3:DeleteBucket'], resources: ['arn:aws:s3:::data'] }],
  ...(over && { change: over }),
})

function read(over?: object): Task {
  const reading = readTask(task(over), limits)
  if ('task' in reading) return reading.task
  throw new Error(JSON.stringify(reading.problems))
}

for (const { name, over, field } of [
  { name: 'of another kind', over: { kind: 'shell_script' }, field: 'kind' },
  { name: 'whose digest is upper case', over: { sha256: SHA.toUpperCase() }, field: 'sha256' },
  { name: 'without a digest', over: { sha256: undefined }, field: 'sha256' },
  { name: 'with values of resources', over: { values: { password: 'x' } }, field: '' },
  {
    name: 'with a value of a resource',
    over: { counts: { delete: 1 }, resources: [{ ...listed('delete', 1)[0], after: 'x' }] },
    field: 'resources[0]',
  },
  { name: 'with an action that is none', over: { counts: { explode: 1 } }, field: 'counts' },
  { name: 'with a count of none', over: { counts: { delete: 0, create: 1 } }, field: 'counts.delete' },
  { name: 'with a count beyond all', over: { counts: { delete: 1, create: 1_000_001 } }, field: 'counts.create' },
  { name: 'that lists fewer than it counts', over: { counts: { delete: 2, create: 1 } }, field: 'resources' },
  { name: 'that lists more than it counts', over: { counts: { create: 1 } }, field: 'resources' },
  {
    name: 'that leaves a delete out for a create',
    over: { counts: { delete: 2, create: 49 }, resources: [...listed('delete', 1), ...listed('create', 49)] },
    field: 'resources',
  },
  {
    name: 'that lists 51',
    over: { counts: { delete: 51 }, resources: listed('delete', 51) },
    field: 'resources',
  },
  {
    name: 'with an address that turns around',
    over: { counts: { delete: 1 }, resources: [{ ...listed('delete', 1)[0], address: 'a\u202eb' }] },
    field: 'resources[0].address',
  },
  {
    name: 'with a line end in a type',
    over: { counts: { delete: 1 }, resources: [{ ...listed('delete', 1)[0], type: 'a\nYou: may decide' }] },
    field: 'resources[0].type',
  },
  {
    name: 'with an address of 201 characters',
    over: { counts: { delete: 1 }, resources: [{ ...listed('delete', 1)[0], address: 'a'.repeat(201) }] },
    field: 'resources[0].address',
  },
])
  test(`a change ${name} is refused by its field`, () => {
    const reading = readTask(task(change(over)), limits)
    const problems = 'problems' in reading ? reading.problems : []
    const fields = problems.map((problem) => [problem.field, problem.code])
    expect(fields).toContainEqual([['task.change', field].filter(Boolean).join('.').replace('.[', '['), 'TASK_INVALID'])
  })

test('a change of 50 of many resources is taken when the worst are listed', () => {
  const counts = { delete: 40, create: 5_000 }
  const { change: taken } = read(change({ counts, resources: [...listed('create', 10), ...listed('delete', 40)] }))
  expect(taken?.resources.slice(0, 40).every(({ action }) => action === 'delete')).toBe(true)
})

test('the order in which a change is written means nothing; every part of it counts', () => {
  const hash = (over: object) => taskHash(read(change(over)))
  const reversed = { counts: { create: 1, delete: 1 }, resources: change().resources.toReversed() }
  expect(hash(reversed)).toBe(hash({}))
  const others = [
    { sha256: 'cd'.repeat(32) },
    { artifactSha256: SHA },
    { kind: 'cloudformation_change_set' },
    { reference: 'release-42' },
    { counts: { replace: 1, create: 1 }, resources: [...listed('replace', 1), ...listed('create', 1)] },
    { resources: [...listed('delete', 1, 7), ...listed('create', 1)] },
  ]
  expect(new Set([{}, ...others].map(hash)).size).toBe(others.length + 1)
  expect(taskHash(read())).not.toBe(hash({}))
})

test('a task without a change has the hash that it always had', () => {
  expect(taskHash(read())).toBe('d4d190a825dfb8d9c325ea1e58d7539c3b8403de05506dadaae4477f7bfaba90')
})

test('a change survives the wire, and the ledger, as it is', () => {
  const whole: DeclaredChange = {
    ...(change() as DeclaredChange),
    ...{ artifactSha256: 'cd'.repeat(32), reference: 'release-42' },
    counts: Object.fromEntries(CHANGE_ACTIONS.map((action) => [action, 1])),
    resources: CHANGE_ACTIONS.flatMap((action) => listed(action, 1)),
  }
  const { change: sent } = toWireTask({ ...task(), change: whole })
  const received = taskFromWire({ task: { ...toWireTask(task() as never), strict: false, change: sent } as never })
  expect(received).toMatchObject({ change: whole })
  const once = read((received as { change: object }).change)
  expect(once.change).toEqual(whole)
  expect(read(JSON.parse(JSON.stringify(once)).change).change).toEqual(whole)
})
