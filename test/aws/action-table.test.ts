import { describe, expect, test } from 'vitest'
import { actionsOfService, knownServices, type TableAction } from '../../src/aws/action-table.ts'
import { findAction } from '../../src/aws/classify.ts'

const typesOf = ({ resourceTypes }: TableAction): string[] => resourceTypes.map(({ name }) => name.toLowerCase())
const templatesOf = ({ resourceTypes }: TableAction): string[] => resourceTypes.map(({ template }) => template)

describe('whether an action needs a resource', () => {
  for (const { action, needs, source } of [
    { action: 'dynamodb:Scan', needs: true, source: 'Service Authorization Reference: table*' },
    { action: 'sqs:ReceiveMessage', needs: true, source: 'Service Authorization Reference: queue*' },
    { action: 'iam:GetRole', needs: true, source: 'Service Authorization Reference: role*' },
    { action: 'kms:GetKeyPolicy', needs: true, source: 'Service Authorization Reference: key*' },
    { action: 's3:GetObject', needs: true, source: 'correction: an object or one behind an access point' },
    { action: 's3:ListBucket', needs: true, source: 'correction: a bucket or an access point' },
    { action: 'es:ESHttpGet', needs: true, source: 'correction: reads documents' },
    { action: 'ec2:DescribeInstances', needs: false, source: 'Service Authorization Reference: no type' },
    { action: 'ce:GetCostAndUsage', needs: false, source: 'Service Authorization Reference: billingview, unmarked' },
    { action: 'rds:DescribeDBInstances', needs: false, source: 'Service Authorization Reference: db, unmarked' },
    { action: 'ec2:DescribeVpcAttribute', needs: false, source: 'correction: configuration' },
    { action: 'cloudwatch:GetMetricData', needs: false, source: 'Service Authorization Reference: unmarked' },
    { action: 'wisdom:GetContent', needs: true, source: 'both sources: KnowledgeBase*, Content*' },
  ])
    test(`${action}: ${needs} (${source})`, () => expect(findAction(action).needsResource).toBe(needs))

  test('the marks of AWS are kept for most actions that have types', () => {
    const all = knownServices().flatMap((service) => [...(actionsOfService(service)?.values() ?? [])])
    const needing = all.filter(({ needsResource }) => needsResource)
    expect(needing.length).toBeGreaterThan(12_000)
    for (const { action, resourceTypes } of needing) expect(resourceTypes.length, action).toBeGreaterThan(0)
  })
})

describe('resource types', () => {
  for (const { action, type, source } of [
    { action: 'apigateway:POST', type: 'apis', source: 'API Gateway V2 page' },
    { action: 'apigateway:PATCH', type: 'route', source: 'API Gateway V2 page' },
    { action: 'elasticloadbalancing:AddTags', type: 'targetgroup', source: 'ELB V2 page' },
    { action: 'elasticloadbalancing:AddTags', type: 'listener-rule/app', source: 'ELB V2 page' },
    { action: 'elasticloadbalancing:DeleteLoadBalancer', type: 'loadbalancer/app/', source: 'ELB V2 page' },
    { action: 'elasticloadbalancing:DeleteLoadBalancer', type: 'loadbalancer', source: 'classic ELB page' },
    { action: 'greengrass:TagResource', type: 'coredevice', source: 'IoT Greengrass V2 page' },
    { action: 'workspaces:StopWorkspacesPool', type: 'workspacespoolid', source: 'second source only' },
    { action: 'codebuild:BatchGetBuilds', type: 'build', source: 'no row of CodeBuild names builds' },
    {
      action: 'states:DescribeStateMachine',
      type: 'statemachineversion',
      source: 'no row of Step Functions names versions',
    },
    { action: 'ecs:TagResource', type: 'capacity-provider', source: 'tags of anything' },
  ])
    test(`${action} takes ${type} (${source})`, () => expect(typesOf(findAction(action))).toContain(type))

  test("AWS's own documents and parameters have no account", () => {
    const templates = [...templatesOf(findAction('ssm:SendCommand')), ...templatesOf(findAction('ssm:GetParameter'))]
    expect(templates.filter((text) => text.includes('::'))).toEqual(
      expect.arrayContaining([
        expect.stringContaining('::document/'),
        expect.stringContaining('::parameter/aws/service/'),
      ]),
    )
  })

  test('an action that takes nothing narrower than * stays so', () => {
    for (const action of ['sts:GetCallerIdentity', 'codebuild:ListBuilds', 'ec2:DescribeInstances'])
      expect(findAction(action).resourceTypes, action).toEqual([])
  })
})
