import { describe, expect, test } from 'vitest'
import { ACTION_TABLE_VERSION } from '../../src/aws/classify.ts'
import { StintError } from '../../src/core/errors.ts'
import { planHash } from '../../src/plan/assemble-plan.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import type { RoleSettings } from '../../src/plan/role-settings.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const OPEN_ROLE = 'arn:aws:iam::123456789012:role/stint/agent-open'
const SUBJECT = 'spiffe://example.org/ci/deploy'
const labels = parseLabels({
  labels: [
    { label: 'env:prod', resources: ['arn:aws:s3:::prod-*', 'arn:aws:dynamodb:*:123456789012:table/prod-*'] },
    { label: 'data:invoices', resources: ['arn:aws:s3:::prod-invoices', 'arn:aws:s3:::prod-invoices/*'] },
  ],
})
const roles = new Map<string, RoleSettings>([
  [ROLE, {}],
  [OPEN_ROLE, { allowWildcard: ['cloudwatch:Put*', 's3:GetObject'] }],
])
const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const planner = createPlanner({ labels, roles, limits })

function task(actions: string[], resources: string[], more: Record<string, unknown> = {}): Record<string, unknown> {
  return { purpose: 'Read the invoices', roleArn: ROLE, access: [{ actions, resources }], ttlSeconds: 600, ...more }
}
const pairsOf = (actions: string[], resources: string[], more = {}): string[] =>
  planner.plan(SUBJECT, task(actions, resources, more)).pairs.map(({ action, resource }) => `${action} ${resource}`)

test('a plan says what a task comes to', () => {
  const plan = planner.plan(
    SUBJECT,
    task(['s3:getobject', 's3:ListBucket'], ['arn:aws:s3:::prod-invoices', 'arn:aws:s3:::prod-invoices/2026/*']),
  )
  expect(plan).toMatchObject({
    subject: SUBJECT,
    pairs: [
      {
        action: 's3:GetObject',
        resource: 'arn:aws:s3:::prod-invoices/2026/*',
        class: 'read',
        flags: [],
        within: ['data:invoices', 'env:prod'],
        touches: ['data:invoices', 'env:prod'],
      },
      { action: 's3:ListBucket', resource: 'arn:aws:s3:::prod-invoices', class: 'list' },
    ],
    classes: ['list', 'read'],
    flags: [],
    blastRadius: {
      actions: 2,
      resourcePatterns: 2,
      byClass: { list: 1, read: 1 },
      byLabel: { 'data:invoices': 2, 'env:prod': 2 },
      outlives: [],
    },
    actionTableVersion: ACTION_TABLE_VERSION,
  })
  expect(plan.blastRadius.unknown).toEqual(
    expect.arrayContaining(['role policies', 'service control policies', 'resource policies']),
  )
  expect(JSON.parse(plan.sessionPolicy).Statement).toHaveLength(2)
})

describe('pairs', () => {
  test('are thinned to what an action can take', () => {
    expect(pairsOf(['s3:ListBucket', 's3:GetObject'], ['arn:aws:s3:::data', 'arn:aws:s3:::data/*'])).toEqual([
      's3:GetObject arn:aws:s3:::data/*',
      's3:ListBucket arn:aws:s3:::data',
    ])
    expect(
      pairsOf(
        ['dynamodb:Query', 'dynamodb:PutItem'],
        ['arn:aws:dynamodb:eu-west-1:123456789012:table/t', 'arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i'],
      ),
    ).toEqual([
      'dynamodb:PutItem arn:aws:dynamodb:eu-west-1:123456789012:table/t',
      'dynamodb:Query arn:aws:dynamodb:eu-west-1:123456789012:table/t',
      'dynamodb:Query arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i',
    ])
  })

  test('read a star as IAM does: across slashes', () => {
    const { pairs } = planner.plan(SUBJECT, task(['s3:GetObject', 's3:ListBucket'], ['arn:aws:s3:::prod-inv*']))
    expect(pairs.map(({ action }) => action)).toEqual(['s3:GetObject', 's3:ListBucket'])
    for (const { within, touches } of pairs) {
      expect(within).toEqual(['env:prod']) // also stands for prod-inventory/key
      expect(touches).toEqual(['data:invoices', 'env:prod'])
    }
  })

  test('star goes with listing actions that take nothing narrower', () => {
    expect(pairsOf(['s3:ListAllMyBuckets'], ['*'])).toEqual(['s3:ListAllMyBuckets *'])
    const [pair] = planner.plan(SUBJECT, task(['s3:ListAllMyBuckets'], ['*'])).pairs
    expect(pair).toMatchObject({ within: [], touches: ['data:invoices', 'env:prod'] })
    expect(pairsOf(['s3:ListAllMyBuckets', 's3:GetObject'], ['*', 'arn:aws:s3:::data/*'])).toEqual([
      's3:GetObject arn:aws:s3:::data/*',
      's3:ListAllMyBuckets *',
    ])
  })

  test('members of an action wildcard that find no partner drop out', () => {
    const actions = new Set(pairsOf(['s3:Get*'], ['arn:aws:s3:::data/*']).map((pair) => pair.split(' ')[0]))
    expect(actions).toContain('s3:GetObject')
    expect(actions).not.toContain('s3:GetBucketPolicy')
    expect(pairsOf(['s3:List*'], ['*'])).not.toContain('s3:ListBucket *')
  })

  test('the operator can let a role use star', () => {
    expect(pairsOf(['cloudwatch:PutMetricData'], ['*'], { roleArn: OPEN_ROLE })).toEqual(['cloudwatch:PutMetricData *'])
    expect(pairsOf(['s3:GetObject'], ['arn:aws:s3:::*'], { roleArn: OPEN_ROLE })).toEqual([
      's3:GetObject arn:aws:s3:::*',
    ])
  })
})

describe('refusals', () => {
  for (const { name, code, input } of [
    { name: 'an unknown action', code: 'ACTION_UNKNOWN', input: task(['s3:GetObjekt'], ['arn:aws:s3:::data/*']) },
    { name: 'a star for all actions', code: 'ACTION_UNKNOWN', input: task(['*'], ['*']) },
    {
      name: 'an action that takes none of the resources',
      code: 'ACTION_RESOURCE_MISMATCH',
      input: task(['s3:ListBucket'], ['arn:aws:s3:::data/*']),
    },
    {
      name: 'a resource of another service',
      code: 'ACTION_RESOURCE_MISMATCH',
      input: task(['s3:GetObject'], ['arn:aws:sqs:eu-west-1:123456789012:q']),
    },
    {
      name: 'a resource left over',
      code: 'ACTION_RESOURCE_MISMATCH',
      input: task(['s3:GetObject'], ['arn:aws:s3:::data/*', 'arn:aws:sqs:eu-west-1:123456789012:q']),
    },
    {
      name: 'an action that takes star only, with a resource',
      code: 'ACTION_RESOURCE_MISMATCH',
      input: task(['s3:ListAllMyBuckets'], ['arn:aws:s3:::data']),
    },
    { name: 'star where narrower is possible', code: 'RESOURCE_TOO_WIDE', input: task(['s3:GetObject'], ['*']) },
    {
      name: 'all members of a type, spelled as ARN',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['s3:GetObject'], ['arn:aws:s3:::*']),
    },
    { name: 'the same with two stars', code: 'RESOURCE_TOO_WIDE', input: task(['s3:GetObject'], ['arn:aws:s3:::*/*']) },
    {
      name: 'all accounts',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['dynamodb:GetItem'], ['arn:aws:dynamodb:*:*:table/*']),
    },
    // All that the role has lies in its own account: an account spelled out narrows nothing.
    {
      name: 'all of the own account',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['dynamodb:GetItem'], ['arn:aws:dynamodb:*:123456789012:table/*']),
    },
    {
      name: 'all of the own account, of a service without regions',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['iam:PassRole'], ['arn:aws:iam::123456789012:role/*']),
    },
    // S3 bucket naming rules: names have 3 to 63 characters.
    {
      name: 'a pattern that every bucket name matches',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['s3:GetObject'], ['arn:aws:s3:::???*']),
    },
    {
      name: 'a pattern that every region matches',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['dynamodb:GetItem'], ['arn:aws:dynamodb:??-*-?:123456789012:table/*']),
    },
    {
      name: 'a write that takes star only',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['cloudwatch:PutMetricData'], ['*']),
    },
    {
      name: 'star on a whole service with nothing to list',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['s3:PutObject*'], ['*']),
    },
    { name: 'star left over', code: 'RESOURCE_TOO_WIDE', input: task(['s3:GetObject'], ['*', 'arn:aws:s3:::data/*']) },
    {
      name: 'leave of another role',
      code: 'RESOURCE_TOO_WIDE',
      input: task(['s3:PutObject'], ['arn:aws:s3:::*'], { roleArn: OPEN_ROLE }),
    },
    {
      name: 'a resource of another partition',
      code: 'RESOURCE_INVALID',
      input: task(['s3:GetObject'], ['arn:aws-cn:s3:::data/*']),
    },
    {
      name: 'a policy variable',
      code: 'RESOURCE_INVALID',
      input: task(['s3:GetObject'], ['arn:aws:s3:::data/$' + '{aws:username}']),
    },
    {
      name: 'a role that is not configured',
      code: 'ROLE_UNKNOWN',
      input: task(['s3:GetObject'], ['arn:aws:s3:::data/*'], { roleArn: 'arn:aws:iam::123456789012:role/admin' }),
    },
    {
      name: 'a name of Object',
      code: 'ROLE_UNKNOWN',
      input: task(['s3:GetObject'], ['arn:aws:s3:::data/*'], { roleArn: 'constructor' }),
    },
    {
      name: 'more pairs than allowed',
      code: 'TASK_INVALID',
      input: task(
        ['ec2:*'],
        Array.from({ length: 100 }, (_, i) => `arn:aws:ec2:eu-west-1:123456789012:*/x${i}`),
      ),
    },
    {
      name: 'a policy that is too long',
      code: 'SESSION_POLICY_TOO_LARGE',
      input: task(
        ['s3:GetObject'],
        Array.from({ length: 60 }, (_, i) => `arn:aws:s3:::data-bucket-${i}/reports/*`),
      ),
    },
    {
      name: 'hopelessly much text',
      code: 'SESSION_POLICY_TOO_LARGE',
      input: task(
        ['s3:GetObject'],
        Array.from({ length: 10 }, (_, i) => `arn:aws:s3:::data/${i}${'?a'.repeat(900)}`),
      ),
    },
  ])
    test(`${name}: ${code}`, () => {
      expect(() => planner.plan(SUBJECT, input)).toThrow(
        expect.objectContaining({
          code,
          details: expect.objectContaining({ explanation: expect.stringMatching(/[.?]$/) }),
        }),
      )
    })

  test('a policy that is too long comes with the numbers', () => {
    const resources = Array.from({ length: 60 }, (_, i) => `arn:aws:s3:::data-bucket-${i}/reports/*`)
    expect(() => planner.plan(SUBJECT, task(['s3:GetObject'], resources))).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({
          limit: 2_048,
          characters: expect.any(Number),
        }),
      }),
    )
  })

  test("a hostile task of a message's size ends", () => {
    const hostile = (i: number): string => `arn:aws:s3:::d${i}${'*a?'.repeat(20)}`
    const many = parseLabels({
      labels: Array.from({ length: 50 }, (_, i) => ({
        label: `l${i}`,
        resources: [`arn:aws:s3:::${'*b'.repeat(20)}${i}`],
      })),
    })
    const busy = createPlanner({ labels: many, roles, limits })
    expect(() =>
      busy.plan(
        SUBJECT,
        task(
          ['s3:*'],
          Array.from({ length: 100 }, (_, i) => hostile(i)),
        ),
      ),
    ).toThrow(expect.objectContaining({ name: 'StintError' }))
  })
})

describe('all that is wrong with a task', () => {
  const refusal = (input: Record<string, unknown>) => {
    try {
      planner.plan(SUBJECT, input)
    } catch (error) {
      const { code, details } = error as StintError
      const errors = (details.errors ?? []) as unknown as { field: string; code: string }[]
      return { code, details, errors: errors.map((each) => `${each.field} ${each.code}`) }
    }
    throw new Error('nothing was refused')
  }

  test('is told at once, by where it stands in the task as written', () => {
    const input = {
      purpose: '',
      roleArn: ROLE,
      access: [
        { actions: ['s3:PutObject', 's3:GetObjekt', 's3:GetObject'], resources: ['arn:aws:s3:::data/*', 'nonsense'] },
        {
          actions: ['sqs:SendMessage', 's3:GetObject'],
          resources: ['arn:aws:s3:::data/*', 'arn:aws:sns:eu-west-1:123456789012:t'],
        },
        { actions: ['s3:GetObject'], resources: ['*'] },
      ],
      ttlSeconds: 5,
    }
    const { code, details, errors } = refusal(input)
    expect(code).toBe('TASK_INVALID')
    expect(errors).toEqual([
      'task.purpose PURPOSE_MISSING',
      'task.ttlSeconds TTL_OUT_OF_RANGE',
      'task.access[0].actions[1] ACTION_UNKNOWN',
      'task.access[0].resources[1] RESOURCE_INVALID',
      'task.access[1].actions[0] ACTION_RESOURCE_MISMATCH',
      'task.access[1].resources[1] ACTION_RESOURCE_MISMATCH',
      'task.access[2].actions[0] RESOURCE_TOO_WIDE',
    ])
    expect(details.explanation).toMatch(
      /task\.access\[0\]\.actions\[1\] is refused: "s3:GetObjekt" is not an AWS action/,
    )
  })

  test('is told in the order in which it was written', () => {
    const actions = Array.from({ length: 11 }, (_, i) => `s3:GetObjekt${String.fromCharCode(122 - i)}`)
    const { errors } = refusal(task(actions, ['arn:aws:s3:::data/*']))
    expect(errors).toEqual(actions.map((_, i) => `task.access[0].actions[${i}] ACTION_UNKNOWN`))
  })

  // What people write, beside the form of the ARN in AWS's Service Authorization Reference.
  for (const { action, resource, says } of [
    {
      action: 'ec2:DeleteSnapshot', // a snapshot's ARN has no account
      resource: 'arn:aws:ec2:eu-west-1:123456789012:snapshot/snap-1',
      says: 'did you mean arn:aws:ec2:eu-west-1::snapshot/snap-1?',
    },
    {
      action: 'iam:GetRole', // IAM's have no region
      resource: 'arn:aws:iam:eu-west-1:123456789012:role/x',
      says: 'did you mean arn:aws:iam::123456789012:role/x?',
    },
    {
      action: 's3:GetObject', // a bucket's have neither
      resource: 'arn:aws:s3:eu-west-1:123456789012:data/x',
      says: 'did you mean arn:aws:s3:::data/x?',
    },
    { action: 's3:GetObject', resource: 'arn:aws:s3:::data', says: 'did you mean arn:aws:s3:::data/*?' },
    { action: 's3:ListBucket', resource: 'arn:aws:s3:::data/in/*', says: 'did you mean arn:aws:s3:::data?' },
    {
      action: 'ec2:DescribeInstances',
      resource: 'arn:aws:ec2:eu-west-1:123456789012:instance/*',
      says: 'it applies to "*" only: give it an entry of its own with the resource "*".',
    },
    { action: 'sns:Publish', resource: 'arn:aws:s3:::data', says: '$' + '{TopicName}.' }, // nothing is near
  ])
    test(`${action} on ${resource} says what would be right`, () => {
      const { explanation } = refusal(task([action], [resource])).details
      expect(explanation?.slice(-says.length)).toBe(says)
    })

  for (const { roleArn, says } of [
    {
      roleArn: 'admin',
      says: 'must be the ARN of a role, such as arn:aws:iam::123456789012:role/stint/reports (got admin).',
    },
    {
      roleArn: 'arn:aws:iam::123456789012:role/admin',
      says: 'must be a role that the operator has configured (got arn:aws:iam::123456789012:role/admin).',
    },
  ])
    test(`the role ${roleArn} is told with what it should be`, () => {
      const { explanation } = refusal(task(['s3:GetObject'], ['arn:aws:s3:::data/*'], { roleArn })).details
      expect(explanation).toBe(`task.roleArn ${says}`)
    })

  test('does not stop at a role that nobody knows: spelling is judged without it', () => {
    const { errors } = refusal(task(['s3:GetObjekt'], ['*'], { roleArn: 'arn:aws:iam::123456789012:role/admin' }))
    expect(errors).toEqual(['task.roleArn ROLE_UNKNOWN', 'task.access[0].actions[0] ACTION_UNKNOWN'])
  })

  test('one mistake keeps its code and its facts', () => {
    const { code, details } = refusal(task(['s3:GetObjekt'], ['arn:aws:s3:::data/*']))
    expect([code, details.action]).toEqual(['ACTION_UNKNOWN', 's3:GetObjekt'])
  })

  test('a policy that is too long is told beside the rest', () => {
    const resources = Array.from({ length: 60 }, (_, i) => `arn:aws:s3:::data-bucket-${i}/reports/*`)
    const { errors } = refusal(task(['s3:GetObject'], resources, { ttlSeconds: 1 }))
    expect(errors).toEqual(['task.ttlSeconds TTL_OUT_OF_RANGE', 'task.access SESSION_POLICY_TOO_LARGE'])
  })
})

test('the warnings of a role are on each plan of it and in its hash', () => {
  const warnings = [{ kind: 'cannot_revoke', explanation: 'Nothing revokes them.' }] as const
  const warning = createPlanner({ labels, roles: new Map([[ROLE, { warnings }]]), limits })
  const input = task(['s3:GetObject'], ['arn:aws:s3:::data/*'])
  const plan = warning.plan(SUBJECT, input)
  expect(plan.warnings).toEqual(warnings)
  expect(planHash(plan)).toBe(plan.hash)
  const without = planner.plan(SUBJECT, input)
  expect(without).not.toHaveProperty('warnings')
  expect(without.hash).not.toBe(plan.hash)
})

test('actions that the session policy has as a wildcard are told on the plan, with what could become of them', () => {
  const short = planner.plan(SUBJECT, task(['ec2:DescribeInstances', 'ec2:DescribeVpcs'], ['*']))
  expect(short.warnings ?? []).toEqual([])
  const open = createPlanner({ labels, roles: new Map([[ROLE, { allowWildcard: true }]]), limits })
  const long = open.plan(SUBJECT, task(['ec2:Describe*'], ['*']))
  expect(long.sessionPolicy).toContain('"ec2:Describe*"')
  expect(long.warnings).toEqual([
    {
      kind: 'actions_shortened',
      explanation: expect.stringContaining(`ec2:Describe* for ${long.blastRadius.actions} actions`),
    },
  ])
  expect(planHash({ ...long, warnings: [] })).not.toBe(long.hash)
})

test('the marks of touched labels are on the plan and in its hash', () => {
  const withMarks = (marks: string[]) =>
    createPlanner({
      labels: parseLabels({
        labels: [
          { label: 'env:prod', resources: ['arn:aws:s3:::data'], marks },
          { label: 'env:other', resources: ['arn:aws:s3:::other'], marks: ['public'] },
        ],
      }),
      ...{ roles, limits },
    }).plan(SUBJECT, task(['s3:PutObject'], ['arn:aws:s3:::data/*']))
  const plan = withMarks(['production', 'stateful'])
  expect(plan.labelMarks).toEqual({ 'env:prod': ['production', 'stateful'] })
  expect(planHash(plan)).toBe(plan.hash)
  const unmarked = withMarks([])
  expect(unmarked).not.toHaveProperty('labelMarks')
  expect(unmarked.hash).not.toBe(plan.hash)
})

describe('the plan hash', () => {
  const input = task(['s3:GetObject', 's3:PutObject'], ['arn:aws:s3:::data/a', 'arn:aws:s3:::data/b'])
  const { hash } = planner.plan(SUBJECT, input)
  const variant = (more: Record<string, unknown>): string => planner.plan(SUBJECT, { ...input, ...more }).hash

  test('covers all fields and is the same however the task is written', () => {
    expect(planHash(planner.plan(SUBJECT, input))).toBe(hash)
    expect(createPlanner({ labels, roles, limits }).plan(SUBJECT, structuredClone(input)).hash).toBe(hash)
    expect(
      variant({
        access: [
          {
            resources: ['arn:aws:s3:::data/b', 'arn:aws:s3:::data/a', 'arn:aws:s3:::data/a'],
            actions: ['s3:PutObject', 's3:GetObject'],
          },
        ],
      }),
    ).toBe(hash)
  })
  test('changes with whatever a person would approve', () => {
    expect(variant({ purpose: 'Write the invoices' })).not.toBe(hash)
    expect(variant({ ttlSeconds: 601 })).not.toBe(hash)
    expect(variant({ roleArn: OPEN_ROLE })).not.toBe(hash)
    expect(variant({ reference: 'run-1' })).not.toBe(hash)
    expect(planner.plan('spiffe://example.org/other', input).hash).not.toBe(hash)
    expect(
      createPlanner({
        labels: parseLabels({ labels: [{ label: 'x', resources: ['arn:aws:s3:::data/*'] }] }),
        roles,
        limits,
      }).plan(SUBJECT, input).hash,
    ).not.toBe(hash)
  })
})

test('plans are frozen to the bottom, and remembered up to a number', () => {
  const small = createPlanner({ labels, roles, limits: { ...limits, rememberedPlans: 2 } })
  const of = (key: string) => small.plan(SUBJECT, task(['s3:GetObject'], [`arn:aws:s3:::data/${key}`]))
  const a = of('a')
  expect(
    Object.isFrozen(a) &&
      Object.isFrozen(a.pairs[0]) &&
      Object.isFrozen(a.task.access[0]?.actions) &&
      Object.isFrozen(a.blastRadius.byClass),
  ).toBe(true)
  expect(of('a')).toBe(a)
  of('b')
  of('a')
  of('c')
  expect(of('a')).toBe(a)
  expect(of('b').hash).toBe(of('b').hash)
  of('c')
  expect(of('a')).not.toBe(a)
  expect(of('a')).toEqual(a)
})

test('the plan of a task is the same object however the task is written, and another one for another subject', () => {
  const [one, other] = ['arn:aws:s3:::data/one', 'arn:aws:s3:::data/other']
  const given = task(['s3:GetObject'], [one, other])
  const turned = Object.fromEntries(Object.entries(task(['s3:GetObject'], [other, one, other])).reverse())
  const plan = planner.plan(SUBJECT, given)
  for (const written of [given, structuredClone(given), turned, turned, given])
    expect(planner.plan(SUBJECT, written)).toBe(plan)
  for (const _ of ['first', 'again'])
    expect(planner.plan(`${SUBJECT}-2`, given)).toMatchObject({ subject: `${SUBJECT}-2` })
  for (const _ of ['first', 'again'])
    expect(() => planner.plan(SUBJECT, { ...given, ttlSeconds: Number.NaN })).toThrow(StintError)
})

test('what outlives a revocation is named with its reason', () => {
  const { blastRadius, flags } = planner.plan(
    SUBJECT,
    task(['secretsmanager:GetSecretValue'], ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-*']),
  )
  expect(flags).toEqual(['outlives', 'secret'])
  expect(blastRadius.outlives).toEqual([
    { action: 'secretsmanager:GetSecretValue', reason: expect.stringContaining('secret') },
  ])
})
