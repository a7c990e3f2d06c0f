import { describe, expect, test } from 'vitest'
import { parseResourcePattern, parseRoleArn, resourceContains, resourceIntersects } from '../../src/aws/arn.ts'
import { PARTITIONS } from '../../src/aws/partitions.ts'

describe('resource patterns', () => {
  for (const { name, input } of [
    { name: 'no ARN', input: 'my-bucket' },
    { name: 'an empty text', input: '' },
    { name: 'five parts', input: 'arn:aws:s3:::' },
    { name: 'too few parts', input: 'arn:aws:s3' },
    { name: 'a wildcard partition', input: 'arn:*:s3:::data' },
    { name: 'an unknown partition', input: 'arn:aws-moon:s3:::data' },
    { name: 'a region without its dash', input: 'arn:aws:sqs:eu-west1:123456789012:q' },
    { name: 'a zone in place of a region', input: 'arn:aws:ec2:eu-west-1a:123456789012:instance/i-1' },
    { name: 'an account id of 11 digits', input: 'arn:aws:sqs:eu-west-1:12345678901:q' },
    { name: 'a wildcard service', input: 'arn:aws:s*:::data' },
    { name: 'an upper-case service', input: 'arn:aws:S3:::data' },
    { name: 'an empty service', input: 'arn:aws::::data' },
    { name: 'two stars', input: '**' },
    { name: 'a policy variable', input: 'arn:aws:s3:::data/$' + '{aws:username}/*' }, // IAM User Guide, policy variables
    { name: 'an escaped star', input: 'arn:aws:s3:::data/$' + '{*}' },
    { name: 'a character beyond Latin-1', input: 'arn:aws:s3:::data/\u4e2d' }, // STS AssumeRole, Policy: U+0020 to U+00FF
    { name: '33 stars', input: `arn:aws:s3:::${'*a'.repeat(33)}` },
    { name: 'a line break', input: 'arn:aws:s3:::data\n' },
    { name: 'a C1 control character', input: 'arn:aws:s3:::data\u0085' },
    { name: 'more than 2,048 characters', input: `arn:aws:s3:::${'a'.repeat(2_048)}` },
  ])
    test(`are refused: ${name}`, () => {
      expect(() => parseResourcePattern(input)).toThrow(expect.objectContaining({ code: 'RESOURCE_INVALID' }))
    })

  for (const input of [
    '*',
    'arn:aws:s3:::data/*',
    'arn:aws-cn:sqs:cn-north-1:123456789012:q',
    'arn:aws-eusc:s3:::data/*', // AWS European Sovereign Cloud
    'arn:aws-iso-b:s3:::data/*',
    'arn:aws:ec2:*:*:instance/*',
    'arn:aws:ec2:eu-*:1234*:instance/*',
    'arn:aws-us-gov:sqs:us-gov-west-1:123456789012:q',
    'arn:aws-eusc:sqs:eusc-de-east-1:123456789012:q',
    'arn:aws-iso-b:sqs:us-isob-east-1:123456789012:q',
    'arn:aws:ssm:eu-west-1::document/AWS-RunShellScript',
    'arn:aws:iam::aws:policy/ReadOnlyAccess',
    'arn:aws:logs:eu-west-1:123456789012:log-group:x:*',
  ])
    test(`are taken: ${input}`, () => expect(parseResourcePattern(input).text).toBe(input))

  test('containment asks both readings of a wildcard and a colon', () => {
    // IAM User Guide, "Paths and wildcards in ARNs": only the last part's wildcard goes beyond colons.
    const label = parseResourcePattern('arn:aws:sns:*:123456789012:*')
    expect(resourceContains(label, parseResourcePattern('arn:aws:sns:eu-west-1:123456789012:topic'))).toBe(true)
    expect(resourceContains(label, parseResourcePattern('arn:aws:sns:eu-west-1:999999999999:x:123456789012:y'))).toBe(
      false,
    )
    expect(resourceIntersects(label, parseResourcePattern('arn:aws:sns:*:*:topic'))).toBe(true)
    expect(resourceContains(label, parseResourcePattern('*'))).toBe(false)
    expect(resourceContains(parseResourcePattern('*'), label)).toBe(true)
  })
})

describe('role ARNs', () => {
  test('are taken apart', () => {
    expect(parseRoleArn('arn:aws:iam::123456789012:role/stint/agent-data')).toMatchObject({
      partition: 'aws',
      accountId: '123456789012',
      path: '/stint/',
      name: 'agent-data',
    })
    for (const partition of PARTITIONS)
      expect(parseRoleArn(`arn:${partition}:iam::123456789012:role/x`)).toMatchObject({
        partition,
        path: '/',
        name: 'x',
      })
    // Ceph radosgw: roles of the default tenant have no account
    expect(parseRoleArn('arn:aws:iam:::role/stint/x')).toMatchObject({ accountId: '', path: '/stint/', name: 'x' })
  })
  for (const input of [
    '',
    '*',
    'arn:aws:iam::123456789012:role/*',
    'arn:aws:iam::123456789012:role/a*/b',
    'arn:aws:iam::12345678901:role/x', // twelve digits
    'arn:aws-moon:iam::123456789012:role/x',
    'arn:aws:iam::123456789012:user/x',
    'arn:aws:sts::123456789012:assumed-role/x/y',
    'arn:aws:iam::123456789012:role/',
    'arn:aws:iam::123456789012:role/x\n',
    `arn:aws:iam::123456789012:role/${'n'.repeat(65)}`, // CreateRole: RoleName, 64
    `arn:aws:iam::123456789012:role/${'p/'.repeat(256)}x`, // CreateRole: Path, 512
  ])
    test(`are refused: ${input.slice(0, 60)}`, () => expect(parseRoleArn(input)).toBeUndefined())
})
