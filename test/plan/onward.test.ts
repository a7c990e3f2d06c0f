import { expect, test } from 'vitest'
import { onwardSteps } from '../../src/plan/reach/onward.ts'
import { pairOf } from '../policy/policy-fixtures.ts'

const ROLE = 'arn:aws:iam::123456789012:role/worker'
const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:pay'
const pass = (values?: string[]) =>
  pairOf({
    ...{ action: 'iam:PassRole', resource: ROLE, class: 'escalation' },
    ...(values && { conditions: [{ key: 'iam:PassedToService', operator: 'StringEquals', values }] }),
  })
const create = pairOf({ action: 'lambda:CreateFunction', resource: FUNCTION, class: 'write' })
const steps = (...pairs: Parameters<typeof onwardSteps>[0][number][]) => onwardSteps(pairs).map(({ step }) => step)

test('code that a plan changes runs with the role of the function', () => {
  expect(onwardSteps([pairOf({ action: 'lambda:UpdateFunctionCode', resource: FUNCTION })])).toEqual([
    {
      ...{ action: 'lambda:UpdateFunctionCode', resource: FUNCTION },
      step: "code of the agent runs with the function's execution role",
    },
  ])
  expect(steps(pairOf())).toEqual([])
})

test('a passed role acts only through an action of the plan that takes it, for a service that may have it', () => {
  expect(steps(pass(), create)).toEqual([expect.stringContaining('by lambda:CreateFunction')])
  expect(steps(pass(['lambda.amazonaws.com']), create)).toEqual([expect.stringContaining('by lambda:CreateFunction')])
  expect(steps(pass(['ec2.amazonaws.com']), create)).toEqual([
    expect.stringMatching(/service \(ec2\.amazonaws\.com\), but no action of this plan/),
  ])
  expect(steps(pass())).toEqual([expect.stringContaining('but no action of this plan')])
})
