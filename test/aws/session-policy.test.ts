import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseResourcePattern } from '../../src/aws/arn.ts'
import { expandActions } from '../../src/aws/classify.ts'
import { type AllowedPair, compileSessionPolicy, withLeaseEnd } from '../../src/aws/session-policy.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'

const pair = (action: string, resource: string): AllowedPair => ({ action, resource: parseResourcePattern(resource) })
const cross = (actions: readonly string[], resources: readonly string[]): AllowedPair[] =>
  actions.flatMap((action) => resources.map((resource) => pair(action, resource)))
const statementsOf = (json: string): unknown[] => (JSON.parse(json) as { Statement: unknown[] }).Statement
const fits = (pairs: readonly AllowedPair[]): boolean => {
  try {
    return compileSessionPolicy(pairs).characters <= 2_048
  } catch {
    return false
  }
}
const END = new Date('2026-11-21T12:00:00.900Z')

describe('the session policy', () => {
  test('merges what is alike and spells single items alone', () => {
    const { json } = compileSessionPolicy([
      ...cross(['s3:PutObject', 's3:GetObject'], ['arn:aws:s3:::b/*', 'arn:aws:s3:::a/*']),
      pair('s3:ListBucket', 'arn:aws:s3:::a'),
    ])
    expect(JSON.parse(json)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['s3:GetObject', 's3:PutObject'],
          Resource: ['arn:aws:s3:::a/*', 'arn:aws:s3:::b/*'],
        },
        { Effect: 'Allow', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::a' },
      ],
    })
    expect(json).not.toMatch(/\s/)
  })

  test('leaves out what another resource of the same action covers, and only then', () => {
    const { json } = compileSessionPolicy([
      ...cross(
        ['s3:GetObject'],
        ['arn:aws:s3:::a/x/*', 'arn:aws:s3:::a/*', 'arn:aws:s3:::a/*?', 'arn:aws:s3:::a/?*', 'arn:aws:s3:::b/k'],
      ),
      pair('s3:PutObject', 'arn:aws:s3:::a/x/*'),
    ])
    expect(statementsOf(json)).toEqual([
      { Effect: 'Allow', Action: 's3:GetObject', Resource: ['arn:aws:s3:::a/*', 'arn:aws:s3:::b/k'] },
      { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::a/x/*' },
    ])
  })

  test('two spellings of one pattern leave one of them', () => {
    const { json } = compileSessionPolicy(cross(['s3:GetObject'], ['arn:aws:s3:::a/*?', 'arn:aws:s3:::a/?*']))
    expect(statementsOf(json)).toHaveLength(1)
    expect(JSON.parse(json).Statement[0].Resource).toEqual(expect.any(String))
  })

  test('has the same text whatever the order', () => {
    const pairs = cross(
      ['s3:GetObject', 's3:PutObject', 's3:GetObjectTagging'],
      ['arn:aws:s3:::a/*', 'arn:aws:s3:::b/*'],
    )
    const { json } = compileSessionPolicy(pairs)
    fc.assert(
      fc.property(fc.shuffledSubarray(pairs, { minLength: pairs.length }), (some) => {
        expect(compileSessionPolicy([...some, ...some]).json).toBe(json)
      }),
    )
  })

  test('counts the characters of the policy that a lease gets', () => {
    const { json, characters } = compileSessionPolicy([pair('s3:GetObject', 'arn:aws:s3:::a/"quoted"\\*')])
    expect(withLeaseEnd(json, END)).toHaveLength(characters)
  })

  test('is never empty', () => {
    expect(() => compileSessionPolicy([])).toThrow(expect.objectContaining({ code: 'TASK_INVALID' }))
  })

  test('keeps actions spelled while they fit, then shortens to the same set', () => {
    const reads = expandActions('s3:GetObject*')
    const few = compileSessionPolicy(cross(reads, ['arn:aws:s3:::a/*']))
    expect(few.json).not.toContain('GetObject*')
    const bucketActions = expandActions('ec2:Describe*')
    const many = compileSessionPolicy(cross(bucketActions, ['*']))
    expect(many.characters).toBeLessThanOrEqual(2_048)
    expect(many.json).toContain('ec2:Describe*')
    expect(few.wildcards).toEqual([])
    expect(many.wildcards).toEqual([expect.objectContaining({ pattern: 'ec2:Describe*', actions: bucketActions })])
    const [allow] = statementsOf(many.json) as { Action: string | string[] }[]
    const patterns = [allow?.Action ?? []].flat()
    expect(new Set(patterns.flatMap((pattern) => expandActions(pattern)))).toEqual(new Set(bucketActions))
  })

  test('merges statements of different services only where it would not fit otherwise', () => {
    const buckets = (count: number) => [
      ...cross(
        ['s3:GetObject', 's3:PutObject'],
        Array.from({ length: count }, (_, n) => `arn:aws:s3:::bucket-${n}/*`),
      ),
      pair('sqs:SendMessage', 'arn:aws:sqs:eu-west-1:123456789012:jobs'),
      pair('sns:Publish', 'arn:aws:sns:eu-west-1:123456789012:news'),
    ]
    expect(statementsOf(compileSessionPolicy(buckets(5)).json)).toHaveLength(3)
    const fitting = Array.from({ length: 80 }, (_, n) => n + 1).filter((count) => fits(buckets(count)))
    const { json, wildcards } = compileSessionPolicy(buckets(fitting.length))
    expect(statementsOf(json)).toHaveLength(1)
    expect(wildcards).toEqual([])
  })

  test('that does not fit is refused with the numbers', () => {
    const resources = Array.from({ length: 80 }, (_, i) => `arn:aws:s3:::bucket-number-${i}/*`)
    expect(() =>
      compileSessionPolicy([...cross(['s3:GetObject'], resources), pair('s3:ListBucket', 'arn:aws:s3:::x')]),
    ).toThrow(
      expect.objectContaining({
        code: 'SESSION_POLICY_TOO_LARGE',
        details: expect.objectContaining({
          limit: 2_048, // STS API Reference, AssumeRole, Policy
          characters: expect.any(Number),
          statements: 3,
        }),
      }),
    )
  })

  test('fits at exactly 2,048 characters and not at 2,049', () => {
    const at = (length: number): AllowedPair[] => [pair('s3:GetObject', `arn:aws:s3:::${'k'.repeat(length)}`)]
    const room = 2_048 - compileSessionPolicy(at(1)).characters
    expect(compileSessionPolicy(at(1 + room)).characters).toBe(2_048)
    expect(() => compileSessionPolicy(at(2 + room))).toThrow(
      expect.objectContaining({ code: 'SESSION_POLICY_TOO_LARGE' }),
    )
  })
})

describe('the end of a lease', () => {
  const { json } = compileSessionPolicy([pair('s3:GetObject', 'arn:aws:s3:::a/*')])
  const at = (policy: string, time: string): string =>
    evaluateIam([policy], {
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::a/k',
      context: { 'aws:CurrentTime': time },
    })

  test('is a Deny of everything, cut to the second before', () => {
    expect(statementsOf(withLeaseEnd(json, END)).at(-1)).toEqual({
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { DateGreaterThanEquals: { 'aws:CurrentTime': '2026-11-21T12:00:00Z' } },
    })
  })

  test('nothing is allowed from the whole second of notAfter on, whenever it is', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true }),
        fc.integer({ min: 0, max: 1e10 }),
        (end, late) => {
          const policy = withLeaseEnd(json, end)
          expect(at(policy, new Date(end.getTime() + late).toISOString())).toBe('explicit_deny')
          expect(at(policy, new Date(Math.floor(end.getTime() / 1000) * 1000 - 1).toISOString())).toBe('allow')
        },
      ),
    )
  })

  for (const { name, policy, end } of [
    { name: 'no instant', policy: json, end: new Date(Number.NaN) },
    { name: 'an instant beyond the year 9999', policy: json, end: new Date(8.64e15) },
    { name: 'no policy', policy: '', end: END },
    { name: 'an empty policy', policy: '{"Version":"2012-10-17","Statement":[]}', end: END },
  ])
    test(`is refused for ${name}`, () =>
      expect(() => withLeaseEnd(policy, end)).toThrow(expect.objectContaining({ code: 'INTERNAL' })))
})
