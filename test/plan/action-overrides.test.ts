import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseActionOverrides } from '../../src/plan/action-overrides.ts'
import { planHash } from '../../src/plan/assemble-plan.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { loadActionOverrides } from '../../src/start/rules/load-action-overrides.ts'

const REASON = 'dev machines are stopped every night; starting them is one call'
const row = (action: string, risk: string, reason = REASON) => ({ action, class: risk, reason })
const parse = (...overrides: unknown[]) => parseActionOverrides({ overrides })

describe('an override', () => {
  test('may lower destructive to write, one action at a time', () => {
    const [override] = parse(row('EC2:stopinstances', 'write')).values()
    expect(override).toEqual({
      action: 'ec2:StopInstances',
      class: 'write',
      ownClass: 'destructive',
      isLowered: true,
      reason: REASON,
    })
  })

  test('may raise anything', () => {
    expect(parse(row('s3:GetObject', 'escalation')).get('s3:GetObject')).toMatchObject({ isLowered: false })
  })

  test('with a wildcard raises what is below and leaves the rest alone', () => {
    const found = parse(row('sqs:*', 'destructive'))
    expect(found.get('sqs:SendMessage')?.class).toBe('destructive')
    expect(found.has('sqs:AddPermission')).toBe(false) // permissions
    expect(found.has('sqs:DeleteQueue')).toBe(false) // destructive already
  })

  test('that changes nothing is accepted, since a later table may make it so', () => {
    expect(parse(row('s3:PutObject', 'write')).size).toBe(0)
  })
})

describe('a bad override is refused:', () => {
  for (const { name, input, path, message } of [
    {
      name: 'lowering permissions',
      input: [row('s3:PutBucketPolicy', 'write')],
      path: 'overrides.0.class',
      message: /which is permissions/,
    },
    {
      name: 'lowering escalation',
      input: [row('iam:PassRole', 'permissions')],
      path: 'overrides.0.class',
      message: /which is escalation/,
    },
    {
      name: 'lowering what hides traces',
      input: [row('guardduty:UpdateDetector', 'write')],
      path: 'overrides.0.class',
      message: /flag audit/,
    },
    {
      name: 'lowering destructive below write',
      input: [row('ec2:StopInstances', 'read')],
      path: 'overrides.0.class',
      message: /only to write/,
    },
    {
      name: 'lowering write',
      input: [row('s3:PutObject', 'read')],
      path: 'overrides.0.class',
      message: /only destructive/,
    },
    {
      name: 'lowering by a wildcard',
      input: [row('ec2:Stop*', 'write')],
      path: 'overrides.0.class',
      message: /a wildcard cannot lower/,
    },
    {
      name: 'an unknown action',
      input: [row('ec2:StopInstance', 'write')],
      path: 'overrides.0.action',
      message: /did you mean ec2:StopInstances/,
    },
    {
      name: 'an unknown class',
      input: [row('ec2:StopInstances', 'harmless')],
      path: 'overrides.0.class',
      message: /must be one of list, read/,
    },
    {
      name: 'no reason',
      input: [row('ec2:StopInstances', 'write', '         ')],
      path: 'overrides.0.reason',
      message: /must say why/,
    },
    {
      name: 'one action twice',
      input: [row('ec2:StopInstances', 'write'), row('ec2:*', 'permissions')],
      path: 'overrides.1.action',
      message: /overrides\.0 names already/,
    },
  ])
    test(name, () => {
      expect(() => parse(...input)).toThrow(
        expect.objectContaining({
          code: 'ACTION_OVERRIDES_INVALID',
          details: expect.objectContaining({
            problems: expect.arrayContaining([{ path, message: expect.stringMatching(message) }]),
          }),
        }),
      )
    })
})

describe('a file of overrides', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-overrides-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'actions.yaml')

  test('is refused with every problem, each with line and column', async () => {
    writeFileSync(
      file,
      `overrides:
  - { action: ec2:StopInstances, class: write, reason: '${REASON}' }
  - { action: iam:PassRole, class: write, reason: '${REASON}' }
  - action: s3:Nothing
    class: write
    reason: '${REASON}'
  - { action: s3:GetObject, class: harmless }
`,
    )
    await expect(loadActionOverrides(file)).rejects.toMatchObject({
      code: 'ACTION_OVERRIDES_INVALID',
      details: {
        explanation: expect.stringMatching(
          /actions\.yaml:3:\d+: .*escalation.*; \S*actions\.yaml:4:\d+: .*s3:Nothing.*; \S*actions\.yaml:7:\d+: .*must be one of.*; .*reason/,
        ),
      },
    })
  })

  test('that is not there says so', async () => {
    await expect(loadActionOverrides(join(folder, 'none.yaml'))).rejects.toMatchObject({
      code: 'ACTION_OVERRIDES_INVALID',
    })
  })
})

describe('a plan', () => {
  const ROLE = 'arn:aws:iam::123456789012:role/stint/ops'
  const planWith = (...overrides: unknown[]) =>
    createPlanner({
      labels: NO_LABELS,
      roles: new Map([[ROLE, {}]]),
      limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
      overrides: parse(...overrides),
    }).plan('spiffe://example.org/ops', {
      purpose: 'Stop the dev instances',
      roleArn: ROLE,
      ttlSeconds: 600,
      access: [
        { actions: ['ec2:StopInstances'], resources: ['arn:aws:ec2:eu-west-1:123456789012:instance/i-1'] },
        { actions: ['ec2:DescribeInstances'], resources: ['*'] },
      ],
    })

  test('has the lowered class, says so, and is another plan', () => {
    const usual = planWith()
    const lowered = planWith(row('ec2:StopInstances', 'write'))
    expect(usual.classes).toEqual(['list', 'destructive'])
    expect(lowered.classes).toEqual(['list', 'write'])
    expect(lowered.blastRadius.byClass).toEqual({ list: 1, write: 1 })
    expect(usual.warnings).toBeUndefined()
    expect(lowered.warnings).toEqual([
      {
        kind: 'class_lowered',
        explanation: expect.stringMatching(/^ec2:StopInstances counts as write instead of destructive.*every night/),
      },
    ])
    expect(lowered.hash).not.toBe(usual.hash)
    expect(planHash(lowered)).toBe(lowered.hash)
  })

  test('changes its hash with the reason for a lowering', () => {
    const other = 'another reason for the very same class'
    expect(planWith(row('ec2:StopInstances', 'write', other)).hash).not.toBe(
      planWith(row('ec2:StopInstances', 'write')).hash,
    )
  })

  test('has the raised class without a warning, also on *', () => {
    const raised = planWith(row('ec2:StopInstances', 'escalation'))
    expect(raised.classes).toEqual(['list', 'escalation'])
    expect(raised.warnings).toBeUndefined()
    expect(planWith(row('ec2:DescribeInstances', 'write')).classes).toContain('write')
  })
})
