import { describe, expect, test } from 'vitest'
import { parseResourcePattern } from '../../src/aws/arn.ts'
import { type NetworkBinding, networkDeny } from '../../src/aws/network-binding.ts'
import { compileSessionPolicy, withLeaseEnd } from '../../src/aws/session-policy.ts'
import { PROFILES } from '../../src/aws/store-profile.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'

const RESOURCE = 'arn:aws:s3:::data/one'
const END = new Date('2026-11-21T12:00:00Z')

function policyOf(binding: NetworkBinding) {
  const form = { ...PROFILES.aws.policy, denies: [networkDeny(binding)] }
  return compileSessionPolicy([{ action: 's3:GetObject', resource: parseResourcePattern(RESOURCE) }], form)
}

const both = { sourceIps: ['203.0.113.0/24', '198.51.100.7'], sourceVpcs: ['vpc-11111111'] }
const publicPath = (ip: string) => ({ 'aws:SourceIp': ip, 'aws:ViaAWSService': 'false' })
const endpointPath = (vpc: string) => ({ 'aws:SourceVpc': vpc, 'aws:ViaAWSService': 'false' })

describe('a session that is bound to networks', () => {
  // IAM User Guide, aws:SourceIp and aws:SourceVpc: a request over the internet carries the one, one through a VPC endpoint the other.
  for (const { name, binding = both, keys, allowed } of [
    { name: 'works from an address of a range', keys: publicPath('203.0.113.9'), allowed: true },
    { name: 'works from a single address', keys: publicPath('198.51.100.7'), allowed: true },
    { name: 'does not work from another address', keys: publicPath('203.0.114.9'), allowed: false },
    { name: 'works through an endpoint of a VPC', keys: endpointPath('vpc-11111111'), allowed: true },
    { name: 'does not work through another VPC', keys: endpointPath('vpc-22222222'), allowed: false },
    { name: 'does not work where nothing says whence', keys: { 'aws:ViaAWSService': 'false' }, allowed: false },
    {
      name: 'works for what a service does for the caller',
      keys: { 'aws:SourceIp': '192.0.2.1', 'aws:ViaAWSService': 'true' },
      allowed: true,
    },
    {
      name: 'bound to addresses alone, does not work through a VPC',
      binding: { ...both, sourceVpcs: [] },
      keys: endpointPath('vpc-11111111'),
      allowed: false,
    },
    {
      name: 'bound to addresses alone, works from one',
      binding: { ...both, sourceVpcs: [] },
      keys: publicPath('203.0.113.9'),
      allowed: true,
    },
    {
      name: 'bound to a VPC alone, does not work from outside',
      binding: { ...both, sourceIps: [] },
      keys: publicPath('203.0.113.9'),
      allowed: false,
    },
    {
      name: 'bound to a VPC alone, works through it',
      binding: { ...both, sourceIps: [] },
      keys: endpointPath('vpc-11111111'),
      allowed: true,
    },
  ])
    test(name, () => {
      const context = { 'aws:CurrentTime': '2026-11-21T11:59:59Z', ...keys }
      const policy = withLeaseEnd(policyOf(binding).json, END)
      const verdict = evaluateIam([policy], { action: 's3:GetObject', resource: RESOURCE, context })
      expect(verdict).toBe(allowed ? 'allow' : 'explicit_deny')
    })

  test('has its Deny counted', () => {
    const { json, characters } = policyOf(both)
    expect(withLeaseEnd(json, END)).toHaveLength(characters)
  })
})
