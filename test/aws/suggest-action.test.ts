import { describe, expect, test } from 'vitest'
import { expandActions, findAction } from '../../src/aws/classify.ts'
import { API_CALLS } from '../../src/aws/judging/suggest-action.ts'

describe('an unknown action', () => {
  for (const [written, end] of [
    ['s3:HeadObject', 'the API call of this name needs s3:GetObject.'],
    ['lambda:Invoke', 'the API call of this name needs lambda:InvokeFunction.'],
    ['dynamodb:TransactGetItems', 'the API call of this name needs dynamodb:GetItem.'],
    ['S3:getobjekt', 'did you mean s3:GetObject?'],
    ['ec2:StopInstance', 'did you mean ec2:StopInstances?'],
    ['elbv2:DescribeListeners', 'did you mean elasticloadbalancing:DescribeListeners?'],
    ['sfn:Nothing', 'did you mean the service states?'],
    ['dynamo:GetItem', 'did you mean dynamodb:GetItem?'],
  ] as const)
    test(`${written}: ${end}`, () => {
      expect(() => expandActions(written)).toThrow(
        expect.objectContaining({
          code: 'ACTION_UNKNOWN',
          details: expect.objectContaining({
            explanation: expect.stringMatching(new RegExp(`; ${end}$`.replace('?', '[?]'))),
          }),
        }),
      )
    })

  for (const written of ['s3:Zz*', 'xyzzyqqq:a', 'iam:'])
    test(`${written} is like nothing`, () => {
      expect(() => expandActions(written)).toThrow(
        expect.objectContaining({
          details: expect.objectContaining({ explanation: expect.not.stringContaining('did you mean') }),
        }),
      )
    })

  test('no API call with an action of its own is in the list, and each action that the list names exists', () => {
    for (const [call, actions] of API_CALLS) {
      expect(() => findAction(call), call).toThrow()
      for (const action of actions) expect(findAction(action).action).toBe(action)
    }
  })
})
