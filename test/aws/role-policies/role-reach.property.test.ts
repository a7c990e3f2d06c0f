import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matches } from '../../../src/aws/glob.ts'
import { parsePolicyDocument } from '../../../src/aws/role-policies/policy-document.ts'
import { createRoleReach, type PairReach } from '../../../src/aws/role-policies/role-reach.ts'
import { evaluate } from '../../../src/practice/policies/evaluate.ts'
import { parsePolicy } from '../../../src/practice/policies/policy-document.ts'
import { evaluateIam } from '../../support/iam-evaluator.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/data'
const READ_AT = new Date('2026-11-21T12:00:00Z')
const SUBJECT = 'spiffe://example.org/bot'

/** Every object and bucket of a small world. */
const NAMES = texts('ab/', 4).map((text) => `arn:aws:s3:::${text}`)
const OBJECTS = NAMES.filter((arn) => /:::[^/]+\/.+$/.test(arn))
const BUCKETS = NAMES.filter((arn) => !arn.includes('/'))
const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  's3:GetObject': OBJECTS,
  's3:PutObject': OBJECTS,
  's3:ListBucket': BUCKETS,
  's3:ListAllMyBuckets': ['*'],
}

const FIXED = {
  'aws:PrincipalArn': ROLE,
  'aws:PrincipalAccount': '123456789012',
  'aws:PrincipalType': 'AssumedRole',
  'aws:SecureTransport': 'true',
  'aws:SourceIdentity': '01JDZZZZZZZZZZZZZZZZZZZZZZ',
  'aws:userid': 'AROAEXAMPLE:01JDZZZZZZZZZZZZZZZZZZZZZZ.1.abcdefghijkl',
  'aws:TokenIssueTime': '2026-11-21T12:05:00Z',
  'aws:CurrentTime': '2026-11-21T12:06:00Z',
  'aws:PrincipalTag/stint:agent': SUBJECT,
}
const CONTEXTS = [undefined, 'dev', 'prod'].flatMap((env) =>
  ['eu-west-1', 'us-east-1'].map((region) => ({
    ...FIXED,
    'aws:RequestedRegion': region,
    ...(env && { 'aws:ResourceTag/env': env }),
  })),
)

const resourcePattern = fc
  .array(fc.constantFrom('a', 'b', '/', '*', '?'), { minLength: 1, maxLength: 4 })
  .map((chars) => `arn:aws:s3:::${chars.join('')}`)
const resources = fc.oneof(
  { weight: 3, arbitrary: fc.array(resourcePattern, { minLength: 1, maxLength: 3 }) },
  fc.constant('*'),
)
const actions = fc.constantFrom<string | string[]>(
  '*',
  '*',
  's3:*',
  's3:*',
  's3:GetObject',
  's3:getobject',
  's3:Get*',
  ['s3:ListBucket', 's3:PutObject'],
  's3:List*',
  'ec2:*',
)
const condition = fc.constantFrom<object | undefined>(
  undefined,
  undefined,
  undefined,
  { StringEquals: { 'aws:ResourceTag/env': 'dev' } },
  { StringEquals: { 'AWS:ResourceTag/env': ['dev', 'prod'] } },
  { StringNotEquals: { 'aws:ResourceTag/env': 'prod' } },
  { StringLikeIfExists: { 'aws:ResourceTag/env': 'd*' } },
  { Null: { 'aws:ResourceTag/env': 'true' } },
  { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } },
  { StringEquals: { 'aws:SourceIdentity': ['01JDAAAAAAAAAAAAAAAAAAAAAA'] } },
  { StringLike: { 'aws:userid': ['*:01JDAAAAAAAAAAAAAAAAAAAAAA.*'] } },
  { DateLessThan: { 'aws:TokenIssueTime': '2026-11-21T11:00:00Z' } },
  { Null: { 'aws:SourceIdentity': 'true' } },
  { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/stint/*' } },
  { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/admin' } },
  { Bool: { 'aws:SecureTransport': 'false' } },
  { DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z' } },
  { StringEquals: { 'aws:PrincipalTag/stint:agent': SUBJECT } },
  { StringEquals: { 'aws:ResourceTag/env': 'dev' }, StringNotEquals: { 'aws:RequestedRegion': 'us-east-1' } },
)
const statement = fc
  .record({
    effect: fc.constantFrom('Allow', 'Allow', 'Allow', 'Allow', 'Deny'),
    notAction: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    notResource: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
    actions,
    resources,
    condition,
  })
  .map(({ effect, notAction, notResource, actions, resources, condition }) => ({
    Effect: effect,
    [notAction ? 'NotAction' : 'Action']: actions,
    [notResource ? 'NotResource' : 'Resource']: resources,
    ...(condition && { Condition: condition }),
  }))
const document = fc
  .array(statement, { minLength: 1, maxLength: 4 })
  .map((Statement) => ({ Version: '2012-10-17', Statement }))
const question = fc.record({
  action: fc.constantFrom(...Object.keys(RESOURCES)),
  resource: fc.oneof({ weight: 3, arbitrary: resourcePattern }, fc.constant('*')),
  env: fc.constantFrom(undefined, undefined, ['dev'], ['dev', 'prod']),
})

test('yes means every resource in every request, no means none, and yes-if names every part that is allowed', () => {
  const seen = { yes: 0, no: 0, 'yes-if': 0, needless: 0 }
  fc.assert(
    fc.property(
      fc.array(document, { minLength: 1, maxLength: 2 }),
      fc.option(document),
      question,
      (identity, boundary, asked) => {
        const { action, resource, env } = asked
        const meant = (RESOURCES[action] ?? []).filter((arn) => arn === '*' || matches(resource, arn))
        if (meant.length === 0) return
        const contexts = CONTEXTS.filter((context) => !env || hasEnv(context, env))
        const layers = [identity, ...(boundary ? [[boundary]] : [])].map((layer) =>
          layer.map((one) => JSON.stringify(one)),
        )
        const isAllowed = (arn: string, context: Record<string, string>) =>
          layers.every((layer) => evaluateIam(layer, { action, resource: arn, context }) === 'allow')
        const truths = meant.flatMap((arn) => contexts.map((context) => ({ arn, allowed: isAllowed(arn, context) })))
        const reach = judge(identity, boundary ?? undefined, asked)
        seen[reach.verdict] += 1
        const shown = JSON.stringify({ identity, boundary, asked, reach })
        if (reach.verdict === 'yes')
          expect(
            truths.every(({ allowed }) => allowed),
            shown,
          ).toBe(true)
        if (reach.verdict === 'no')
          expect(
            truths.some(({ allowed }) => allowed),
            shown,
          ).toBe(false)
        if (reach.verdict !== 'yes-if') return
        if (truths.every(({ allowed }) => allowed === truths[0]?.allowed)) seen.needless += 1
        for (const { arn } of truths.filter(({ allowed }) => allowed)) {
          if (reach.within && !reach.more)
            expect(
              reach.within.some((one) => matches(one, arn)),
              `${arn} ${shown}`,
            ).toBe(true)
          expect(reach.except?.some((one) => matches(one, arn)) ?? false, `${arn} ${shown}`).toBe(false)
        }
      },
    ),
    { numRuns: 3_000 },
  )
  expect(seen.yes).toBeGreaterThan(50)
  expect(seen.no).toBeGreaterThan(300)
  expect(seen['yes-if']).toBeGreaterThan(150)
  expect(seen.needless).toBeLessThan(seen['yes-if'] / 3)
})

test('the practice cloud agrees', () => {
  fc.assert(
    fc.property(
      fc.array(document, { minLength: 1, maxLength: 2 }),
      fc.option(document),
      question,
      (identity, boundary, asked) => {
        const { action, resource, env } = asked
        const reach = judge(identity, boundary ?? undefined, asked)
        if (reach.verdict === 'yes-if') return
        const parse = (one: object) => parsePolicy(JSON.stringify(one), 'permissions')
        const layers = { identity: identity.map(parse), ...(boundary && { boundary: [parse(boundary)] }) }
        for (const arn of RESOURCES[action] ?? []) {
          if (arn !== '*' && !matches(resource, arn)) continue
          for (const context of CONTEXTS.filter((one) => !env || hasEnv(one, env))) {
            const facts = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]))
            const { allowed } = evaluate(layers, { action, resource: arn, context: facts })
            expect(allowed, JSON.stringify({ identity, boundary, asked, reach, arn, context })).toBe(
              reach.verdict === 'yes',
            )
          }
        }
      },
    ),
    { numRuns: 1_000 },
  )
})

function hasEnv(context: Readonly<Record<string, string>>, env: readonly string[]): boolean {
  return env.includes(context['aws:ResourceTag/env'] ?? '')
}

function judge(
  identity: readonly object[],
  boundary: object | undefined,
  { action, resource, env }: { action: string; resource: string; env: readonly string[] | undefined },
): PairReach {
  const reach = createRoleReach({
    documents: {
      roleArn: ROLE,
      identity: identity.map((one, at) => ({ name: `policy-${at}`, document: parsePolicyDocument(one, 'identity') })),
      ...(boundary && { boundary: { name: 'boundary', document: parsePolicyDocument(boundary, 'identity') } }),
      unreadIdentity: [],
      readAt: READ_AT,
    },
  })
  const conditions = env && [{ key: 'aws:ResourceTag/env', operator: 'StringEquals' as const, values: env }]
  return reach.judge({ action, resource, ...(conditions && { conditions }) }, SUBJECT)
}

function texts(alphabet: string, length: number): string[] {
  const shorter = length === 1 ? [''] : texts(alphabet, length - 1)
  const longest = shorter.filter((text) => text.length === length - 1)
  return [...shorter, ...longest.flatMap((text) => [...alphabet].map((char) => text + char))].filter(
    (text, at, all) => text !== '' || (length > 1 && all.indexOf(text) === at),
  )
}
