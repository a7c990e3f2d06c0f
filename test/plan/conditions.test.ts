import { describe, expect, test } from 'vitest'
import { PROFILES } from '../../src/aws/store-profile.ts'
import { asStintError, type ErrorDetails, type StintError } from '../../src/core/errors.ts'
import { planHash } from '../../src/plan/assemble-plan.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { readTask, taskHash } from '../../src/plan/task.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-ops'
const SUBJECT = 'spiffe://example.org/ops'
const INSTANCES = 'arn:aws:ec2:eu-west-1:123456789012:instance/*'
const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const planner = createPlanner({ labels: NO_LABELS, roles: new Map([[ROLE, {}]]), limits })
const dev = { key: 'aws:ResourceTag/env', values: ['dev'] }
const isDev = { key: 'aws:ResourceTag/env', operator: 'StringEquals', values: ['dev'] }

interface Entry {
  readonly actions: string[]
  readonly resources: string[]
  readonly conditions?: unknown
}
const task = (...access: Entry[]) => ({ purpose: 'Stop what nobody uses', roleArn: ROLE, access, ttlSeconds: 600 })
const planOf = (...access: Entry[]) => planner.plan(SUBJECT, task(...access))
const stop = { actions: ['ec2:StopInstances'], resources: [INSTANCES] }

function refusal(...access: Entry[]): StintError {
  try {
    planOf(...access)
  } catch (error) {
    return asStintError(error)
  }
  throw new Error('nothing was refused')
}
const fieldsOf = ({ errors }: ErrorDetails) =>
  (errors as unknown as { field: string; code: string }[]).map(({ field, code }) => `${field} ${code}`)

test('a condition is on the task, the pairs, the session policy and the blast radius', () => {
  const plan = planOf({ ...stop, conditions: [dev] })
  expect(plan.task.access).toEqual([{ ...stop, conditions: [isDev] }])
  expect(plan.pairs).toEqual([
    expect.objectContaining({ action: 'ec2:StopInstances', resource: INSTANCES, conditions: [isDev] }),
  ])
  expect(JSON.parse(plan.sessionPolicy).Statement).toEqual([
    {
      Effect: 'Allow',
      Action: 'ec2:StopInstances',
      Resource: INSTANCES,
      Condition: { StringEquals: { 'aws:ResourceTag/env': 'dev' } },
    },
  ])
  expect(plan.blastRadius.byCondition).toEqual({ 'aws:ResourceTag/env StringEquals dev': 1 })
  expect(planHash(plan)).toBe(plan.hash)
})

test('another condition is another task and another plan; its order and spelling are not', () => {
  const region = { key: 'aws:RequestedRegion', values: ['eu-west-1', 'eu-central-1'] }
  const one = planOf({ ...stop, conditions: [dev, region] })
  const same = planOf({
    ...stop,
    conditions: [
      { ...region, values: ['eu-central-1', 'eu-west-1'] },
      { ...dev, key: 'AWS:ResourceTag/env', operator: '' },
    ],
  })
  expect(same.hash).toBe(one.hash)
  const others = [[dev], [region], [{ ...dev, values: ['test'] }, region], [{ ...dev, operator: 'StringLike' }, region]]
  const hashes = [one, planOf(stop), ...others.map((conditions) => planOf({ ...stop, conditions }))].map(
    ({ hash }) => hash,
  )
  expect(new Set(hashes).size).toBe(hashes.length)
  const taskOf = (conditions: unknown) => {
    const reading = readTask(task({ ...stop, conditions }), limits)
    return 'task' in reading ? taskHash(reading.task) : undefined
  }
  expect(taskOf([dev])).not.toBe(taskOf(undefined))
  expect(taskOf([])).toBe(taskOf(undefined))
})

test('statements with different conditions stay apart', () => {
  const start = { actions: ['ec2:StartInstances'], resources: [INSTANCES] }
  const { sessionPolicy } = planOf(
    { ...stop, conditions: [dev] },
    { ...start, conditions: [{ ...dev, values: ['test'] }] },
    start,
  )
  expect(JSON.parse(sessionPolicy).Statement).toEqual([
    { Effect: 'Allow', Action: 'ec2:StartInstances', Resource: INSTANCES },
    expect.objectContaining({
      Action: 'ec2:StopInstances',
      Condition: { StringEquals: { 'aws:ResourceTag/env': 'dev' } },
    }),
    expect.objectContaining({
      Action: 'ec2:StartInstances',
      Condition: { StringEquals: { 'aws:ResourceTag/env': 'test' } },
    }),
  ])
})

test('all of a kind that have a tag may be meant, where all of a kind may not', () => {
  for (const resource of ['*', 'arn:aws:ec2:*:123456789012:instance/*']) {
    const wide = { ...stop, resources: [resource] }
    expect(planOf({ ...wide, conditions: [dev] }).pairs).toHaveLength(1)
    expect(refusal(wide).code).toBe('RESOURCE_TOO_WIDE')
    // A pattern may stand for nearly every value.
    expect(refusal({ ...wide, conditions: [{ ...dev, operator: 'StringLike' }] }).code).toBe('RESOURCE_TOO_WIDE')
    expect(refusal({ ...wide, conditions: [{ key: 'aws:RequestedRegion', values: ['eu-west-1'] }] }).code).toBe(
      'RESOURCE_TOO_WIDE',
    )
  }
})

describe('an action that does not know the key', () => {
  test('is refused by its name and the key', () => {
    const { code, details } = refusal({
      actions: ['s3:ListBucket', 's3:GetObject'],
      resources: ['arn:aws:s3:::data', 'arn:aws:s3:::data/*'],
      conditions: [{ key: 's3:prefix', values: ['in/'] }],
    })
    expect(code).toBe('CONDITION_MISMATCH')
    expect(fieldsOf(details)).toEqual(['task.access[0].actions[1] CONDITION_MISMATCH'])
    expect(details).toMatchObject({ action: 's3:GetObject', conditionKey: 's3:prefix' })
    expect(details.explanation).toContain(
      's3:GetObject on "arn:aws:s3:::data/*" does not know the condition key s3:prefix',
    )
  })

  test('on one of its resources is refused by that resource', () => {
    const { code, details } = refusal({
      actions: ['ec2:RunInstances'],
      resources: [INSTANCES, 'arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1'],
      conditions: [{ key: 'ec2:InstanceType', values: ['t3.micro'] }],
    })
    expect([code, details.resource]).toEqual([
      'CONDITION_MISMATCH',
      'arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1',
    ])
  })

  test('drops out of a wildcard, unless all members do', () => {
    const conditions = [{ key: 'ec2:CreateAction', values: ['RunInstances'] }]
    const { pairs } = planOf({ actions: ['ec2:*Tags'], resources: [INSTANCES], conditions })
    expect(pairs.map(({ action }) => action)).toEqual(['ec2:CreateTags'])
    expect(refusal({ actions: ['ec2:Delete*'], resources: [INSTANCES], conditions }).code).toBe('CONDITION_MISMATCH')
  })
})

test('a store that does not fill in the key refuses it by name', () => {
  const roles = new Map([[ROLE, {}]])
  const access = [{ actions: ['s3:ListBucket'], resources: ['arn:aws:s3:::data'] }]
  for (const profile of [PROFILES.ceph, PROFILES.minio]) {
    const there = createPlanner({ labels: NO_LABELS, roles, limits, profile })
    const asked = (key: string, value: string) =>
      there.plan(SUBJECT, { ...task(), access: [{ ...access[0], conditions: [{ key, values: [value] }] }] })
    expect(asked('s3:prefix', 'in/').pairs).toHaveLength(1)
    expect(() => asked('aws:ResourceTag/env', 'dev')).toThrow(expect.objectContaining({ code: 'CONDITION_MISMATCH' }))
  }
})

test('mistakes in conditions are told by field, with all others', () => {
  const { code, details } = refusal(
    {
      ...stop,
      conditions: [
        { key: 'aws:SourceIp', values: ['10.0.0.1'] },
        { ...dev, values: ['d*'] },
      ],
    },
    { ...stop, conditions: [{ key: 7, values: ['a'], more: true }] },
    { ...stop, conditions: [{ key: 'aws:TagKeys', operator: 'Like\nthis', values: 'env' }] },
    { actions: ['s3:Nothing'], resources: ['*'], conditions: [{ ...dev, values: [] }] },
  )
  expect(code).toBe('TASK_INVALID')
  expect(fieldsOf(details)).toEqual([
    'task.access[1].conditions[0].key TASK_INVALID',
    'task.access[1].conditions[0] TASK_INVALID',
    'task.access[2].conditions[0].operator TASK_INVALID',
    'task.access[2].conditions[0].values TASK_INVALID',
    'task.access[0].conditions[0].key CONDITION_INVALID',
    'task.access[0].conditions[1].values[0] CONDITION_INVALID',
    'task.access[3].conditions[0].values CONDITION_INVALID',
    'task.access[3].actions[0] ACTION_UNKNOWN',
  ])
})

test('a mistake of one of two entries that differ in conditions alone is told by its own place', () => {
  const mistaken = { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::data/*'] }
  const { details } = refusal(mistaken, { ...mistaken, conditions: [{ key: 's3:prefix', values: ['in/'] }] })
  expect(fieldsOf(details)).toEqual(['task.access[1].actions[0] CONDITION_MISMATCH'])
})
