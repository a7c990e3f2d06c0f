import { describe, expect, test } from 'vitest'
import { parsePolicyDocument } from '../../../src/aws/role-policies/policy-document.ts'
import {
  createRoleReach,
  type ReachQuestion,
  type RoleReachOptions,
} from '../../../src/aws/role-policies/role-reach.ts'
import { boundaryDocument } from '../../../src/credentials/aws-sts/deny/deny-document.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/data'
const READ_AT = new Date('2026-11-21T12:00:00Z')
const BOUNDARY = 'arn:aws:iam::123456789012:policy/stint-boundary'

const policy = (Statement: object | object[], Version = '2012-10-17') => ({ Version, Statement })
const allow = (Action: string | string[], Resource: string | string[] = '*', more = {}) => ({
  ...{ Effect: 'Allow', Action, Resource },
  ...more,
})
const deny = (Action: string | string[], Resource: string | string[] = '*', more = {}) => ({
  ...{ Effect: 'Deny', Action, Resource },
  ...more,
})

function role(
  identity: object[],
  more: Partial<RoleReachOptions['documents']> = {},
  others: Partial<RoleReachOptions> = {},
) {
  return createRoleReach({
    documents: {
      roleArn: ROLE,
      identity: identity.map((one, at) => ({ name: `policy-${at}`, document: parsePolicyDocument(one, 'identity') })),
      unreadIdentity: [],
      readAt: READ_AT,
      ...more,
    },
    ...others,
  })
}
const get = (resource: string, more: Partial<ReachQuestion> = {}): ReachQuestion => ({
  action: 's3:GetObject',
  resource,
  ...more,
})

describe('a role that may read one prefix', () => {
  const reach = role([policy(allow('s3:Get*', 'arn:aws:s3:::data/2026/*'))])
  // IAM User Guide, "Policy evaluation logic": what no statement allows is denied.
  for (const [resource, wanted] of [
    ['arn:aws:s3:::data/2026/11/*', { verdict: 'yes' }],
    ['arn:aws:s3:::data/*', { verdict: 'yes-if', within: ['arn:aws:s3:::data/2026/*'] }],
    [
      'arn:aws:s3:::data/*/one',
      { verdict: 'yes-if', within: ['arn:aws:s3:::data/2026/*/one', 'arn:aws:s3:::data/2026/one'] },
    ],
    ['*', { verdict: 'yes-if', within: ['arn:aws:s3:::data/2026/*'] }],
    ['arn:aws:s3:::data/2025/*', { verdict: 'no', reason: 'not_allowed' }],
  ] as const)
    test(`${resource} comes to ${wanted.verdict}`, () => expect(reach.judge(get(resource))).toEqual(wanted))
})

test('a Deny wins over an Allow, and one that covers a part is named', () => {
  const reach = role([policy([allow('s3:*'), deny('s3:*', 'arn:aws:s3:::data/secret/*', { Sid: 'Secret' })])])
  expect(reach.judge(get('arn:aws:s3:::data/secret/one'))).toEqual({
    verdict: 'no',
    reason: 'denied',
    statement: 'policy-0 Secret',
  })
  expect(reach.judge(get('arn:aws:s3:::data/*'))).toEqual({ verdict: 'yes-if', except: ['arn:aws:s3:::data/secret/*'] })
  expect(reach.judge(get('arn:aws:s3:::other/*'))).toEqual({ verdict: 'yes' })
})

test('a Deny of everything but some resources leaves those', () => {
  const guard = { Effect: 'Deny', Action: '*', NotResource: 'arn:aws:s3:::data/*' }
  const reach = role([policy([allow('s3:*'), guard])])
  expect(reach.judge(get('arn:aws:s3:::data/x'))).toEqual({ verdict: 'yes' })
  expect(reach.judge(get('arn:aws:s3:::other/x'))).toMatchObject({ verdict: 'no', reason: 'denied' })
  expect(reach.judge(get('*'))).toEqual({ verdict: 'yes-if', within: ['arn:aws:s3:::data/*'] })
  // A call without a resource is none of those either.
  expect(reach.judge({ action: 's3:ListAllMyBuckets', resource: '*' })).toMatchObject({ verdict: 'no' })
})

test('a condition of an Allow or a Deny decides, and is named', () => {
  const region = { Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } } }
  expect(role([policy(allow('s3:*', '*', { ...region, Sid: 'Region' }))]).judge(get('arn:aws:s3:::data/x'))).toEqual({
    verdict: 'yes-if',
    conditions: [
      {
        effect: 'Allow',
        key: 'aws:RequestedRegion',
        text: 'aws:RequestedRegion StringEquals eu-west-1',
        statement: 'policy-0 Region',
      },
    ],
  })
  const denying = role([policy([allow('s3:*'), deny('s3:*', '*', region)])])
  expect(denying.judge(get('arn:aws:s3:::data/x'))).toMatchObject({
    verdict: 'yes-if',
    conditions: [{ effect: 'Deny', key: 'aws:RequestedRegion' }],
  })
})

test('conditions that the pair has itself are made use of', () => {
  const reach = role([
    policy(
      allow('ec2:StopInstances', '*', { Condition: { StringEquals: { 'aws:ResourceTag/env': ['dev', 'test'] } } }),
    ),
  ])
  const stop = (values: string[]) =>
    reach.judge({
      action: 'ec2:StopInstances',
      resource: 'arn:aws:ec2:eu-west-1:123456789012:instance/*',
      conditions: [{ key: 'aws:ResourceTag/env', operator: 'StringEquals', values }],
    }).verdict
  expect(stop(['dev'])).toBe('yes')
  expect(stop(['dev', 'test'])).toBe('yes')
  expect(stop(['dev', 'prod'])).toBe('yes-if')
  expect(stop(['prod'])).toBe('no')
})

test('the permissions boundary caps what the policies allow', () => {
  const boundary = { name: 'cap', document: parsePolicyDocument(policy(allow('s3:Get*')), 'identity') }
  const reach = role([policy(allow('*'))], { boundary })
  expect(reach.judge(get('arn:aws:s3:::data/x'))).toEqual({ verdict: 'yes' })
  const put = { action: 's3:PutObject', resource: 'arn:aws:s3:::data/x' }
  expect(reach.judge(put)).toEqual({ verdict: 'no', reason: 'boundary' })
})

describe("Stint's own deny list", () => {
  const listed = {
    grants: ['grt_01JDAAAAAAAAAAAAAAAAAAAAAA'],
    agents: [{ agent: 'spiffe://example.org/bot', before: new Date('2026-11-21T12:00:01Z') }],
    watermark: new Date('2026-11-21T12:00:02Z'),
  }
  const withList = (list: Parameters<typeof boundaryDocument>[0]) =>
    role([policy(allow('s3:*'))], {
      boundary: { name: BOUNDARY, document: parsePolicyDocument(boundaryDocument(list), 'identity') },
    })
  test('does not touch a session that is yet to be minted', () => {
    expect(withList(listed).judge(get('arn:aws:s3:::data/x'))).toEqual({ verdict: 'yes' })
  })
  test('does not change the digest, which plans carry', () => {
    expect(withList(listed).digest).toBe(withList({ grants: [] }).digest)
    expect(role([policy(allow('s3:Get*'))]).digest).not.toBe(role([policy(allow('s3:*'))]).digest)
  })
  test('counts as read where its text is not there', () => {
    const reach = role(
      [policy(allow('s3:*'))],
      { unreadBoundary: BOUNDARY },
      { isOwnPolicy: (arn) => arn === BOUNDARY },
    )
    expect(reach.judge(get('arn:aws:s3:::data/x'))).toEqual({ verdict: 'yes' })
    expect(reach.unread).toEqual([])
  })
})

test('a policy that was not read makes a yes of the others doubtful, and a no', () => {
  const unread = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const reach = role([policy(allow('s3:*', 'arn:aws:s3:::data/*'))], { unreadIdentity: [unread] })
  expect(reach.judge(get('arn:aws:s3:::data/x'))).toEqual({ verdict: 'yes-if', unread: [unread] })
  expect(reach.judge(get('arn:aws:s3:::other/x'))).toEqual({ verdict: 'yes-if', unread: [unread] })
  expect(reach.unread).toEqual([unread])
  const capped = role([policy(allow('s3:*'))], { unreadBoundary: BOUNDARY })
  expect(capped.judge(get('arn:aws:s3:::data/x'))).toEqual({ verdict: 'yes-if', unread: [BOUNDARY] })
})

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are variables of IAM
test('variables are filled with what the session carries; others stand for any text', () => {
  const own = role([policy(allow('s3:*', 'arn:aws:s3:::homes/${aws:PrincipalTag/stint:agent}/*'))])
  const home = get('arn:aws:s3:::homes/bot/x')
  expect(own.judge(home, 'bot')).toEqual({ verdict: 'yes' })
  expect(own.judge(home, 'other')).toMatchObject({ verdict: 'no' })
  expect(own.judge(home)).toMatchObject({ verdict: 'yes-if' })
  const team = role([policy(allow('s3:*', 'arn:aws:s3:::homes/${aws:PrincipalTag/team}/*'))])
  expect(team.judge(home)).toMatchObject({ verdict: 'yes-if' })
  // IAM User Guide, "Version": without 2012-10-17 a variable is plain text.
  const old = role([policy(allow('s3:*', 'arn:aws:s3:::homes/${aws:PrincipalTag/team}/*'), '2008-10-17')])
  expect(old.judge(home)).toMatchObject({ verdict: 'no' })
})

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above

describe('resource policies that are known', () => {
  const bucket = (statement: object, more = {}) => ({
    resourcePolicies: [
      { resourceArn: 'arn:aws:s3:::shared', document: parsePolicyDocument(policy(statement), 'resource'), ...more },
    ],
  })
  const asked = get('arn:aws:s3:::shared/x')
  // IAM User Guide, "Policy evaluation logic": within an account, the policy of a resource that names the role grants by itself.
  test('grant to the role that they name, in its own account', () => {
    const named = { ...allow('s3:GetObject', 'arn:aws:s3:::shared/*'), Principal: { AWS: ROLE } }
    expect(role([], {}, bucket(named)).judge(asked)).toEqual({ verdict: 'yes' })
    const account = { ...named, Principal: { AWS: 'arn:aws:iam::123456789012:root' } }
    expect(role([], {}, bucket(account)).judge(asked)).toMatchObject({ verdict: 'no' })
  })
  test('deny whom they name', () => {
    const closed = { ...deny('s3:*', '*'), Principal: '*' }
    const reach = role([policy(allow('s3:*'))], {}, bucket(closed))
    expect(reach.judge(asked)).toMatchObject({ verdict: 'no', reason: 'denied' })
    expect(reach.judge(get('arn:aws:s3:::other/x'))).toEqual({ verdict: 'yes' })
    const open = { ...deny('s3:*', '*'), NotPrincipal: { AWS: ROLE } }
    expect(role([policy(allow('s3:*'))], {}, bucket(open)).judge(asked)).toEqual({ verdict: 'yes' })
  })
  test('of another account must allow too', () => {
    const foreign = { accountId: '222222222222' }
    const closed = role([policy(allow('s3:*'))], {}, bucket({ ...allow('s3:PutObject'), Principal: '*' }, foreign))
    expect(closed.judge(asked)).toMatchObject({ verdict: 'yes-if', unread: ['policy of arn:aws:s3:::shared'] })
    const open = role(
      [policy(allow('s3:*'))],
      {},
      bucket({ ...allow('s3:GetObject'), Principal: { AWS: ROLE } }, foreign),
    )
    expect(open.judge(asked)).toEqual({ verdict: 'yes' })
  })
  test('that are not known are named where the resource is of another account', () => {
    const queue = { action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:222222222222:q' }
    expect(role([policy(allow('sqs:*'))]).judge(queue)).toEqual({
      verdict: 'yes-if',
      unread: ['resource policies of account 222222222222'],
    })
  })
})

describe('a policy that IAM would not take is refused', () => {
  for (const [name, document, wanted] of [
    ['no JSON', '{', /is not JSON/],
    ['another version', policy([], '2020-01-01'), /version 2020-01-01/],
    ['an element that is not known', policy({ ...allow('s3:*'), Resources: '*' }), /unknown element Resources/],
    ['both Action and NotAction', policy({ ...allow('s3:*'), NotAction: 'ec2:*' }), /both Action and NotAction/],
    ['no resource', policy({ Effect: 'Allow', Action: '*' }), /neither Resource nor NotResource/],
    ['another effect', policy({ ...allow('s3:*'), Effect: 'allow' }), /Effect allow/],
    ['a principal in an identity policy', policy({ ...allow('s3:*'), Principal: '*' }), /names a Principal/],
  ] as const)
    test(name, () => {
      const read = () => parsePolicyDocument(document, 'identity')
      expect(read).toThrow(expect.objectContaining({ code: 'ROLE_POLICIES_INVALID' }))
      expect(read).toThrow(expect.objectContaining({ details: { explanation: expect.stringMatching(wanted) } }))
    })
  test('while one statement, one text, numbers and URL encoding are taken', () => {
    const one = {
      Statement: {
        Effect: 'Allow',
        Action: 'S3:getobject',
        Resource: '*',
        Condition: { NumericEquals: { 's3:max-keys': 5 } },
      },
    }
    expect(parsePolicyDocument(encodeURIComponent(JSON.stringify(one)), 'identity')).toMatchObject({
      hasVariables: false,
      statements: [{ action: { patterns: ['S3:getobject'] }, conditions: [{ values: ['5'] }] }],
    })
  })
})
