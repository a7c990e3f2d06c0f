import { describe, expect, test } from 'vitest'
import { knownServices, type TableAction } from '../../src/aws/action-table.ts'
import { findAction } from '../../src/aws/classify.ts'
import { modelFacts } from '../../src/aws/judging/action-model.ts'
import { judgeAction } from '../../src/aws/judging/judge-action.ts'
import model from '../../src/aws/judging/model/model.generated.json' with { type: 'json' }
import { SERVICE_RULES } from '../../src/aws/judging/service-rules.ts'

describe('an action that AWS may add tomorrow', () => {
  for (const { action, level, expected } of [
    { action: 'iam:InventRight', level: 'write', expected: 'permissions []' },
    { action: 'sso:ForgetEverything', level: 'write', expected: 'permissions []' },
    { action: 'organizations:DeleteEverything', level: 'write', expected: 'permissions []' },
    { action: 'kms:InventKey', level: 'write', expected: 'permissions []' },
    { action: 'kms:DeleteEverything', level: 'write', expected: 'destructive []' },
    { action: 'secretsmanager:GetSecretNumber', level: 'read', expected: 'read [secret]' },
    { action: 'sts:GetNewToken', level: 'read', expected: 'read [secret]' },
    { action: 'iam:TagSomething', level: 'tag', expected: 'tag []' },
    { action: 'guardduty:UpdateSomething', level: 'write', expected: 'destructive [audit]' },
    { action: 'guardduty:DeleteSomething', level: 'write', expected: 'destructive [audit]' },
    { action: 'wafv2:UpdateSomethingSet', level: 'write', expected: 'permissions [audit]' },
    { action: 'wafv2:CreateSomethingSet', level: 'write', expected: 'write []' },
    { action: 's3:InventObject', level: 'write', expected: 'write []' },
    { action: 'kinesis:CreateSomething', level: 'tag', expected: 'write []' },
    { action: 'codestar:DeleteSomething', level: 'read', expected: 'destructive []' },
    { action: 's3:PutSomethingTagging', level: 'tag', expected: 'tag []' },
    { action: 's3:GetSomething', level: 'read', expected: 'read []' },
  ] as const)
    test(`${action} starts as ${expected}`, () => {
      const found = judgeAction(madeUp(action, level))
      expect(`${found.class} [${found.flags.join(' ')}]`).toBe(expected)
    })
})

// API References of EC2, Auto Scaling, Elastic Beanstalk and Systems Manager: the answers hold user data, environment
// properties, or commands and their output.
for (const action of [
  'autoscaling:DescribeLaunchConfigurations',
  'ec2:DescribeLaunchTemplateVersions',
  'ec2:DescribeSpotInstanceRequests',
  'elasticbeanstalk:DescribeConfigurationSettings',
  'ssm:GetCommandInvocation',
])
  test(`${action} may return a secret`, () => expect(judgeAction(findAction(action)).flags).toContain('secret'))

describe('reasons', () => {
  test('say which rule decided, in the order of judging', () => {
    const { class: risk, reasons } = judgeAction(findAction('codepipeline:GetThirdPartyJobDetails'))
    expect(risk).toBe('escalation')
    expect(reasons.map(({ source }) => source)).toEqual(['aws', 'model'])
    expect(reasons[1]?.reason).toContain('jobDetails.data.artifactCredentials')
  })

  test('of a correction say what AWS says', () => {
    const [first] = judgeAction(findAction('sqs:DeleteMessage')).reasons
    expect(first).toMatchObject({ source: 'overlay', class: 'write' })
  })

  test('a reviewed action of a risky service keeps the level of AWS', () => {
    expect(judgeAction(findAction('kms:Encrypt')).class).toBe('write')
    expect(judgeAction(findAction('secretsmanager:DescribeSecret')).flags).toEqual([])
  })
})

describe("AWS's models", () => {
  // Members of botocore 1.44.8's output and input shapes.
  for (const { action, kind, path } of [
    { action: 'sts:AssumeRole', kind: 'credentials', path: 'Credentials.SessionToken' },
    { action: 'datazone:GetConnection', kind: 'credentials', path: 'connectionCredentials.sessionToken' },
    { action: 'cognito-idp:ListUserPoolClientSecrets', kind: 'secret', path: 'ClientSecrets.ClientSecretValue' },
    { action: 'lambda:GetFunction', kind: 'environment', path: 'Configuration.Environment.Variables.*' },
    { action: 'lambda:CreateFunction', kind: 'role', path: 'Role' },
    { action: 'rds:ModifyDBInstance', kind: 'public', path: 'PubliclyAccessible' },
  ])
    test(`${action} has ${kind} at ${path}`, () => {
      const [service = '', name = ''] = action.split(':')
      expect(modelFacts(service, name)).toContainEqual({ kind, path })
    })

  for (const { action, why } of [
    { action: 'rds:DescribeDBInstances', why: 'the pending master password is masked' },
    { action: 'fsx:DescribeFileSystems', why: 'the administrator password is always redacted' },
    { action: 'elasticloadbalancing:DescribeListeners', why: 'the client secret is never returned' },
    { action: 'kms:GenerateDataKeyPairWithoutPlaintext', why: 'the private key stays encrypted' },
    { action: 'ebs:ListSnapshotBlocks', why: 'a block token works only with rights of its own' },
    { action: 'ecs:DescribeTasks', why: 'overrides only' },
  ])
    test(`${action} hands out no secret: ${why}`, () => {
      const [service = '', name = ''] = action.split(':')
      expect(modelFacts(service, name).filter(({ kind }) => kind !== 'role')).toEqual([])
    })

  test('name actions of the table only', () => {
    for (const [service, facts] of Object.entries(model.services)) {
      for (const fact of facts) expect(() => findAction(`${service}:${fact.split(' ')[0]}`), fact).not.toThrow()
    }
  })
})

test('the rules for services name services of the table', () => {
  for (const { services } of SERVICE_RULES) for (const service of services) expect(knownServices()).toContain(service)
})

function madeUp(action: string, level: TableAction['level']): TableAction {
  const service = action.split(':')[0] ?? ''
  return { action, service, level, resourceTypes: [], needsResource: false, keys: '', typeKeys: [] }
}
