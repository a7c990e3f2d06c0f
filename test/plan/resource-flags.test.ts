import { expect, test } from 'vitest'
import { findAction } from '../../src/aws/classify.ts'
import { RESOURCE_FLAGS } from '../../src/aws/judging/resource-flags.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const planner = createPlanner({
  labels: NO_LABELS,
  roles: new Map([[ROLE, { allowWildcard: true }]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
})

function flags(action: string, resource: string) {
  const access = [{ actions: [action], resources: [resource] }]
  const plan = planner.plan('spiffe://example.org/a', {
    purpose: 'Look around',
    roleArn: ROLE,
    access,
    ttlSeconds: 600,
  })
  expect(plan.blastRadius.flags).toEqual(plan.flags)
  return plan.flags
}

// Amazon API Gateway API Reference, "GetApiKeys": `includeValues` returns the keys.
for (const { action, resource, secret } of [
  { action: 'apigateway:GET', resource: 'arn:aws:apigateway:eu-west-1::/apikeys', secret: true },
  { action: 'apigateway:GET', resource: 'arn:aws:apigateway:eu-west-1::/apikeys/ab12cd', secret: true },
  { action: 'apigateway:GET', resource: 'arn:aws:apigateway:*::/*', secret: true },
  { action: 'apigateway:GET', resource: 'arn:aws:apigateway:eu-west-1::/a*', secret: true },
  { action: 'apigateway:GET', resource: '*', secret: true },
  { action: 'apigateway:GET', resource: 'arn:aws:apigateway:eu-west-1::/usageplans/x/keys/y', secret: true },
  { action: 'apigateway:POST', resource: 'arn:aws:apigateway:eu-west-1::/apikeys', secret: true },
  { action: 'apigateway:GET', resource: 'arn:aws:apigateway:eu-west-1::/restapis', secret: false },
  { action: 'apigateway:GET', resource: 'arn:aws:apigateway:eu-west-1::/apis/*', secret: false },
  { action: 'apigateway:DELETE', resource: 'arn:aws:apigateway:eu-west-1::/apikeys/ab12cd', secret: false },
])
  test(`${action} on ${resource} ${secret ? 'returns' : 'does not return'} API keys`, () => {
    expect(flags(action, resource).includes('secret')).toBe(secret)
  })

test('every action with flags on some resources is in the table', () => {
  for (const { actions } of RESOURCE_FLAGS) for (const action of actions) expect(findAction(action).action).toBe(action)
})
