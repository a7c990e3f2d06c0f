import { expect, test } from 'vitest'
import { parseLabels } from '../../../src/plan/labels/labels.ts'
import { checkAgainst } from '../../../src/policy/check-policies.ts'
import { formatProblem } from '../../../src/policy/policy-directory.ts'

const problemsOf = (pattern: string) => {
  const set = parseLabels({ labels: [{ label: 'env:prod', resources: [pattern], marks: ['production'] }] })
  return checkAgainst([], { labels: { set, file: 'labels.yaml' } }).map(formatProblem)
}

// ARNs as AWS's Service Authorization Reference has them, with what people get wrong.
for (const { pattern, says } of [
  { pattern: 'arn:aws:dynamdb:*:111111111111:*', says: 'no ARN of a service dynamdb; did you mean dynamodb?' },
  { pattern: 'arn:aws:dynamodb:*:*:tabel/orders', says: 'ARNs of dynamodb are arn:$' + '{Partition}:dynamodb:' },
  { pattern: 'arn:aws:dynamodb:eu-west-1::table/orders', says: ':table/$' + '{TableName}' },
  { pattern: 'arn:aws:s3:eu-west-1:111111111111:shop-*', says: 'arn:$' + '{Partition}:s3:::$' + '{BucketName}' },
  { pattern: 'arn:aws:iam:eu-west-1:111111111111:*', says: ':iam::$' + '{Account}:' },
])
  test(`the pattern ${pattern} of a label is reported: no resource can match it`, () => {
    const [problem, ...others] = problemsOf(pattern)
    const start = `labels.yaml:1:1: warning: The label env:prod has the pattern ${pattern}, which no resource can match: `
    expect(problem?.slice(0, start.length)).toBe(start)
    expect(problem).toContain(says)
    expect(others).toEqual([])
  })

test('a misspelt service of a tag is reported', () => {
  const tags = [{ key: 'env', values: ['dev'], services: ['ec2', 'lamda'] }]
  const set = parseLabels({ labels: [{ label: 'env:dev', tags }] })
  const [problem = '', ...others] = checkAgainst([], { labels: { set, file: 'labels.yaml' } }).map(formatProblem)
  expect(problem).toContain(
    'The label env:dev has the tag env in a service lamda, which has no actions; did you mean lambda?',
  )
  expect(others).toEqual([])
})

for (const pattern of [
  '*',
  'arn:aws:*:*:111111111111:*',
  'arn:aws:s3:::shop-*',
  'arn:aws:s3:::shop/orders/2026/*',
  'arn:aws:dynamodb:*:*:table/orders',
  'arn:aws:ec2:eu-west-1::snapshot/*',
  'arn:aws-us-gov:rds:us-gov-west-1:111111111111:db:shop',
  'arn:aws:execute-api:eu-west-?:111111111111:*', // the actions of API Gateway have another prefix
])
  test(`the pattern ${pattern} of a label is fine`, () => expect(problemsOf(pattern)).toEqual([]))
