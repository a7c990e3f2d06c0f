import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { parseActionOverrides } from '../../src/plan/action-overrides.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { compilePolicySet } from '../../src/policy/policy-set.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_LABELS, STAGE_POLICIES, STAGE_REGISTRATIONS } from '../../src/practice/stage/stage-rules.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'
import { answersOrRefuses, FUZZ_TIMEOUT_MS, fuzz, mutatedText } from './fuzz.ts'

const YAML_PIECES = [
  ': ',
  '- ',
  '\n',
  '&a ',
  '*a',
  '<<: *a',
  '!!js/function ',
  '[',
  '{',
  '"',
  '|',
  '%YAML 9.9\n',
  '---\n',
  '\t',
  '~',
  '0x1',
  '__proto__: ',
  '2026-99-99',
]
const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const OVERRIDES = {
  overrides: [{ action: 'ec2:StopInstances', class: 'write', reason: 'dev machines are stopped every night' }],
}

describe('damaged files and declarations', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-test-')) })
  })
  afterAll(async () => {
    await stage.close()
    rmSync(stage.folder, { recursive: true, force: true })
  })

  test(
    'a config file: loaded, or refused with the list of its problems',
    async () => {
      const file = join(stage.folder, 'fuzzed.yaml')
      const pieces = [...YAML_PIECES, 'host:99999', '-1s', '9'.repeat(400), 'http://', 'x: y\n']
      await fuzz('config loader', mutatedText(readFileSync(stage.configFile, 'utf8'), pieces), async (text) => {
        writeFileSync(file, text)
        await answersOrRefuses(() => loadConfig({ file, env: {} }))
      })
    },
    FUZZ_TIMEOUT_MS,
  )

  test(
    'a registry: read, or refused',
    async () => {
      await fuzz(
        'registry',
        mutatedText(stringify(STAGE_REGISTRATIONS), [...YAML_PIECES, 'spiffe://', '*', '/..']),
        async (text) => {
          await answersOrRefuses(() => parseRegistry(text))
        },
      )
    },
    FUZZ_TIMEOUT_MS,
  )

  test(
    'labels: read, or refused',
    async () => {
      const text = mutatedText(JSON.stringify(STAGE_LABELS), [
        '"',
        '[',
        '{',
        ',',
        'null',
        '*',
        ':',
        '""',
        '1',
        'arn:aws:s3:::',
      ])
      await fuzz('labels', fc.oneof(text.map(parsedOr), fc.anything()), async (value) => {
        await answersOrRefuses(() => parseLabels(value))
      })
    },
    FUZZ_TIMEOUT_MS,
  )
  test(
    'overrides of action classes: read, or refused',
    async () => {
      const text = mutatedText(JSON.stringify(OVERRIDES), [
        '"',
        '[',
        '{',
        ',',
        'null',
        '*',
        ':',
        '""',
        '1',
        'arn:aws:s3:::',
      ])
      await fuzz('overrides', fc.oneof(text.map(parsedOr), fc.anything()), async (value) => {
        await answersOrRefuses(() => parseActionOverrides(value))
      })
    },
    FUZZ_TIMEOUT_MS,
  )

  test(
    'policies: compiled, or refused with their problems',
    async () => {
      const pieces = [
        'permit',
        'forbid',
        '(',
        ')',
        '{',
        '}',
        ';',
        '"',
        '\\',
        '@id("x")',
        '@approval("',
        'unless',
        'context.',
        '//',
        '\u0000',
        '?principal',
        'like "*"',
      ]
      await fuzz('policy files', mutatedText(STAGE_POLICIES, pieces), async (text) => {
        const { set, problems } = compilePolicySet([{ name: 'practice.cedar', text }])
        expect(set !== undefined || problems.some(({ severity }) => severity === 'error')).toBe(true)
      })
    },
    FUZZ_TIMEOUT_MS,
  )

  test(
    'a task: planned no wider than it says, or refused',
    async () => {
      const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
      const planner = createPlanner({ labels: parseLabels(STAGE_LABELS), roles: new Map([[ROLE, {}]]), limits })
      const action = fc.oneof(
        fc.constantFrom(
          's3:GetObject',
          's3:*',
          '*',
          's3:Get?bject',
          'S3:getobject',
          'iam:PassRole',
          'sts:AssumeRole',
          ' s3:GetObject',
          's3:',
          ':',
          'ec2:Describe*',
        ),
        fc.string({ maxLength: 12 }),
      )
      const resource = fc.oneof(
        fc.constantFrom(
          'arn:aws:s3:::a/*',
          'arn:aws:s3:::*',
          '*',
          `arn:aws:s3:::a/$${''}{aws:username}`,
          'arn:*',
          'arn:aws:s3:::\u0000',
          'arn:aws:iam::*:role/*',
        ),
        fc.string({ maxLength: 30 }),
      )
      const list = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 4 })
      const condition = fc.record(
        {
          key: fc.oneof(
            fc.constantFrom(
              's3:prefix',
              'aws:ResourceTag/env',
              'AWS:TagKeys',
              'aws:RequestedRegion',
              'aws:ResourceTag/',
            ),
            fc.string({ maxLength: 20 }),
          ),
          operator: fc.oneof(fc.constantFrom('StringEquals', 'StringLike', 'Null', ''), fc.string({ maxLength: 12 })),
          values: list(fc.oneof(fc.constantFrom('dev', 'in/*', '*', '"}]}'), fc.string({ maxLength: 12 }))),
        },
        { requiredKeys: ['key', 'values'] },
      )
      const entry = fc.record(
        { actions: list(action), resources: list(resource), conditions: list(condition) },
        { requiredKeys: ['actions', 'resources'] },
      )
      const good = fc.record(
        {
          purpose: fc.oneof(fc.constant('A fuzzed declaration'), fc.string()),
          roleArn: fc.constant(ROLE),
          access: list(entry),
          ttlSeconds: fc.oneof(fc.constant(600), fc.double()),
          reference: fc.string({ maxLength: 140 }),
        },
        { requiredKeys: ['access', 'roleArn'] },
      )
      await fuzz(
        'task declarations',
        fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: fc.anything() }),
        async (task) => {
          const plan = await answersOrRefuses(() => planner.plan('spiffe://example.org/a', task))
          if (!plan) return
          const elsewhere = { action: 's3:GetObject', resource: 'arn:aws:s3:::somewhere-else/key' }
          const named = plan.task.access.some(({ resources }) =>
            resources.some((text) => text === '*' || text.startsWith('arn:*') || text.startsWith('arn:aws:s3:::*')),
          )
          if (!named) expect(evaluateIam([plan.sessionPolicy], elsewhere)).not.toBe('allow')
        },
      )
    },
    FUZZ_TIMEOUT_MS,
  )
})

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
