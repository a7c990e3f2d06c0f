import { describe, expect, test } from 'vitest'
import { parseResourcePattern } from '../../src/aws/arn.ts'
import { findLabels } from '../../src/plan/labels/find-labels.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'

const set = parseLabels({
  labels: [
    { label: 'env:prod', resources: ['arn:aws:s3:::prod-*'] },
    { label: 'bucket', resources: ['arn:aws:s3:::prod-data'] },
    { label: 'objects', resources: ['arn:aws:s3:::prod-data/*'] },
    { label: 'both', resources: ['arn:aws:s3:::prod-data', 'arn:aws:s3:::prod-data/*'] },
  ],
})

describe('accounts', () => {
  const label = (more: object) => ({ labels: [{ label: 'a', ...more }] })
  test('stand for {account} in the resources, each in turn', () => {
    const accounts = ['111111111111', '000000000002', '111111111111']
    const resources = ['arn:aws:ec2:*:{account}:*', 'arn:aws:s3:::logs-{account}-*', 'arn:aws:s3:::plain']
    expect(parseLabels(label({ accounts, resources })).labels[0]?.patterns.map(({ text }) => text)).toEqual([
      'arn:aws:ec2:*:111111111111:*',
      'arn:aws:ec2:*:000000000002:*',
      'arn:aws:s3:::logs-111111111111-*',
      'arn:aws:s3:::logs-000000000002-*',
      'arn:aws:s3:::plain',
    ])
  })
  const many = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(12, '0'))
  for (const { name, more, says } of [
    {
      name: 'a placeholder without accounts',
      more: { resources: ['arn:aws:ec2:*:{account}:*'] },
      says: /labels\.0\.resources\.0: has \{account\}: list the accounts that it stands for/,
    },
    {
      name: 'accounts without a placeholder',
      more: { accounts: ['111111111111'], resources: ['arn:aws:ec2:*:*:*'] },
      says: /labels\.0\.accounts: stand for \{account\} in resources, and none has it/,
    },
    {
      name: 'a number, which YAML reads without its leading zeros',
      more: { accounts: [111111111111], resources: ['arn:aws:ec2:*:{account}:*'] },
      says: /labels\.0\.accounts\.0: must be an account id of 12 digits in quotes/,
    },
    {
      name: 'a pattern that is none, said once for all accounts',
      more: { accounts: ['111111111111', '222222222222'], resources: ['arn:aws:ec2::{account}'] },
      says: /labels\.0\.resources\.0: "arn:aws:ec2::111111111111" is not a valid resource/,
    },
    {
      name: 'more patterns than can be compared',
      more: { accounts: many, resources: Array.from({ length: 21 }, (_, i) => `arn:aws:s3:::b${i}-{account}`) },
      says: /labels: must have at most 20000 patterns in all \(got 21000\)/,
    },
  ])
    test(`${name} is refused`, () => {
      expect(() => parseLabels(label(more))).toThrow(
        expect.objectContaining({ code: 'LABELS_INVALID', message: expect.stringMatching(says) }),
      )
    })
})

describe('marks', () => {
  const label = (marks: unknown) => ({ labels: [{ label: 'a', resources: ['arn:aws:s3:::a'], marks }] })
  test('are kept sorted, each once', () => {
    expect(parseLabels(label(['stateful', 'production', 'stateful'])).labels[0]?.marks).toEqual([
      'production',
      'stateful',
    ])
  })
  for (const { name, marks, says } of [
    {
      name: 'production and nonproduction',
      marks: ['production', 'nonproduction'],
      says: /labels\.0\.marks: must not have both/,
    },
    { name: 'a misspelt mark', marks: ['prod'], says: /must be one of production, nonproduction, stateful, public/ },
    { name: 'one text', marks: 'production', says: /labels\.0\.marks/ },
  ])
    test(`${name} are refused`, () => {
      expect(() => parseLabels(label(marks))).toThrow(
        expect.objectContaining({ code: 'LABELS_INVALID', message: expect.stringMatching(says) }),
      )
    })
})

describe('labels', () => {
  for (const { resource, within, touches } of [
    {
      resource: 'arn:aws:s3:::prod-data',
      within: ['both', 'bucket', 'env:prod'],
      touches: ['both', 'bucket', 'env:prod'],
    },
    {
      resource: 'arn:aws:s3:::prod-data/k',
      within: ['both', 'env:prod', 'objects'],
      touches: ['both', 'bucket', 'env:prod', 'objects'],
    },
    { resource: 'arn:aws:s3:::prod-data*', within: ['env:prod'], touches: ['both', 'bucket', 'env:prod', 'objects'] },
    { resource: 'arn:aws:s3:::prod*', within: [], touches: ['both', 'bucket', 'env:prod', 'objects'] },
    { resource: 'arn:aws:s3:::test-*', within: [], touches: [] },
    { resource: 'arn:aws:s3:::*-data', within: [], touches: ['both', 'bucket', 'env:prod', 'objects'] }, // prod-data/x-data
    { resource: '*', within: [], touches: ['both', 'bucket', 'env:prod', 'objects'] },
  ])
    test(`of ${resource}`, () => expect(findLabels(set, parseResourcePattern(resource))).toEqual({ within, touches }))

  // What AWS lets one reach by an ARN of its own: DynamoDB, Lambda and S3 in the Service Authorization Reference.
  const exact = parseLabels({
    labels: [
      { label: 'bucket', resources: ['arn:aws:s3:::orders'] },
      { label: 'function', resources: ['arn:aws:lambda:eu-west-1:123456789012:function:pay'] },
      { label: 'table', resources: ['arn:aws:dynamodb:eu-west-1:123456789012:table/orders'] },
    ],
  })
  for (const { name, resource, touches } of [
    {
      name: 'an index touches the label of its table',
      resource: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/by-day',
      touches: ['table'],
    },
    {
      name: 'a version touches the label of its function',
      resource: 'arn:aws:lambda:eu-west-1:123456789012:function:pay:$LATEST',
      touches: ['function'],
    },
    { name: 'an object touches the label of its bucket', resource: 'arn:aws:s3:::orders/k', touches: ['bucket'] },
    {
      name: 'an access point touches the labels of all buckets',
      resource: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/any/object/*',
      touches: ['bucket'],
    },
    {
      name: 'a multi-region access point too',
      resource: 'arn:aws:s3::123456789012:accesspoint/any.mrap/object/k',
      touches: ['bucket'],
    },
    {
      name: 'an access point of a function too',
      resource: 'arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/any',
      touches: ['bucket'],
    },
    {
      name: 'a table of a longer name does not',
      resource: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders-old',
      touches: [],
    },
  ])
    test(name, () => expect(findLabels(exact, parseResourcePattern(resource))).toEqual({ within: [], touches }))

  test('a union of patterns does not make within', () => {
    const halves = parseLabels({ labels: [{ label: 'l', resources: ['arn:aws:s3:::a', 'arn:aws:s3:::a?*'] }] })
    expect(findLabels(halves, parseResourcePattern('arn:aws:s3:::a*'))).toEqual({ within: [], touches: ['l'] })
  })

  test('all that is wrong is told at once', () => {
    const labels = [
      { label: 'a', resources: ['prod-*', 's3'] },
      { label: 'a', resources: ['*'] },
    ]
    expect(() => parseLabels({ labels })).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({
          problems: ['labels.0.resources.0', 'labels.0.resources.1', 'labels.1.label'].map((path) =>
            expect.objectContaining({ path }),
          ),
        }),
      }),
    )
  })

  for (const { name, input, path } of [
    { name: 'nothing', input: undefined, path: 'labels' },
    { name: 'a list', input: [], path: 'labels' },
    { name: 'an unknown key', input: { labels: [], label: 1 }, path: 'labels' },
    {
      name: 'an empty list of resources',
      input: { labels: [{ label: 'a', resources: [] }] },
      path: 'labels.0.resources',
    },
    { name: 'a blank name', input: { labels: [{ label: ' ', resources: ['*'] }] }, path: 'labels.0.label' },
    { name: 'no ARN', input: { labels: [{ label: 'a', resources: ['*', 'prod-*'] }] }, path: 'labels.0.resources.1' },
    {
      name: 'one name twice',
      input: {
        labels: [
          { label: 'a', resources: ['*'] },
          { label: 'a', resources: ['*'] },
        ],
      },
      path: 'labels.1.label',
    },
  ])
    test(`are refused: ${name}`, () => {
      expect(() => parseLabels(input)).toThrow(
        expect.objectContaining({
          code: 'LABELS_INVALID',
          details: expect.objectContaining({ problems: [expect.objectContaining({ path })] }),
        }),
      )
    })
})
