import { describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const planner = createPlanner({
  labels: NO_LABELS,
  roles: new Map([[ROLE, {}]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
})
const pairsOf = (action: string, resource: string) =>
  planner.plan('spiffe://example.org/a', {
    purpose: 'Work on it',
    roleArn: ROLE,
    access: [{ actions: [action], resources: [resource] }],
    ttlSeconds: 600,
  }).pairs

// As the Service Authorization Reference and the services' guides write them.
const HERE = 'eu-west-1:123456789012'
describe('resources that go with an action', () => {
  for (const { action, resource } of [
    { action: 'apigateway:POST', resource: 'arn:aws:apigateway:eu-west-1::/apis/a1b2c3/routes' },
    { action: 'apigateway:PATCH', resource: 'arn:aws:apigateway:eu-west-1::/apis/a1b2c3' },
    { action: 'budgets:ViewBudget', resource: 'arn:aws:budgets::123456789012:budget/team/app' },
    { action: 'codebuild:BatchGetBuilds', resource: `arn:aws:codebuild:${HERE}:build/app:1` },
    { action: 'elasticloadbalancing:AddTags', resource: `arn:aws:elasticloadbalancing:${HERE}:targetgroup/app/1` },
    {
      action: 'elasticloadbalancing:AddTags',
      resource: `arn:aws:elasticloadbalancing:${HERE}:listener-rule/app/a/1/2/3`,
    },
    {
      action: 'elasticloadbalancing:DeleteLoadBalancer',
      resource: `arn:aws:elasticloadbalancing:${HERE}:loadbalancer/app/a/1`,
    },
    { action: 'greengrass:TagResource', resource: `arn:aws:greengrass:${HERE}:components:hello` },
    {
      action: 'ssm:GetParameter',
      resource: 'arn:aws:ssm:eu-west-1::parameter/aws/service/ami-amazon-linux-latest/al2023',
    },
    { action: 'ssm:SendCommand', resource: 'arn:aws:ssm:eu-west-1::document/AWS-RunShellScript' },
    { action: 'states:DescribeStateMachine', resource: `arn:aws:states:${HERE}:stateMachine:pay:1` },
  ])
    test(`${action} with ${resource}`, () => expect(pairsOf(action, resource)).toMatchObject([{ action, resource }]))
})

describe('resources that do not', () => {
  for (const { action, resource } of [
    { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket' },
    { action: 'kms:Decrypt', resource: `arn:aws:kms:${HERE}:alias/app` },
    { action: 'apigateway:PUT', resource: `arn:aws:apigateway:eu-west-1::/usageplans` },
    { action: 'ec2:DescribeInstances', resource: `arn:aws:ec2:${HERE}:instance/i-1` },
  ])
    test(`${action} with ${resource}`, () => {
      let code = ''
      try {
        pairsOf(action, resource)
      } catch (error) {
        ;({ code } = error as StintError)
      }
      expect(code).toBe('ACTION_RESOURCE_MISMATCH')
    })
})
