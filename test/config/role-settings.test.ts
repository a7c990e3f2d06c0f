import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { filesOpenToOthers } from '../../src/config/files-open-to-others.ts'
import { loadConfig } from '../../src/config/load.ts'
import { StintError } from '../../src/core/errors.ts'

const PATTERN = 'arn:aws:iam::*:role/stint/*'
const CANARY = { roleArn: 'arn:aws:iam::{account}:role/stint/canary' }
const REVOKER = { roleArn: 'arn:aws:iam::{account}:role/stint/revoker' }
const BOUNDARY = { kind: 'boundary', policyArn: 'arn:aws:iam::{account}:policy/stint-boundary' }
const FURTHER = 'arn:aws:iam::{account}:policy/stint-deny-2'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function load(roles: readonly object[], aws: object = {}, more: object = {}) {
  const file = join(folder, 'stint.yaml')
  const config = {
    identity: {
      server: { certificateFile: 'server.pem', privateKeyFile: 'server.key' },
      domains: { 'example.org': { file: 'bundle.json' } },
    },
    registry: { file: 'agents.yaml' },
    policy: { directory: 'policies' },
    roles,
    aws: { region: 'eu-central-1', ...aws },
    ledger: { file: 'ledger.db' },
    ...more,
  }
  writeFileSync(file, stringify(config, { aliasDuplicateObjects: false }))
  return loadConfig({ file, env: {} })
}

function problemsOf(roles: readonly object[], aws?: object): { path: string; message: string }[] {
  try {
    load(roles, aws)
  } catch (error) {
    if (error instanceof StintError) return error.details.problems as unknown as { path: string; message: string }[]
    throw error
  }
  return []
}

describe('roles in several accounts', () => {
  test('load with templates of boundary, revoker and external id', () => {
    const { roles } = load([
      {
        arn: PATTERN,
        accounts: ['111111111111', '222222222222'],
        externalIdFile: 'external-ids/{account}',
        revocation: { ...BOUNDARY, revoker: { ...REVOKER, externalIdFile: 'revoker-ids/{account}' } },
      },
    ])
    expect(roles[0]?.externalIdFile).toBe(join(folder, 'external-ids/{account}'))
  })

  test('load when there are 2,000 accounts, and 2,000 roles each with an account of its own', () => {
    const accounts = Array.from({ length: 2_000 }, (_, n) => String(100_000_000_000 + n))
    const revocation = { ...BOUNDARY, revoker: REVOKER }
    const listed = accounts.map((account) => ({ arn: `arn:aws:iam::${account}:role/other/*`, revocation }))
    expect(load([{ arn: PATTERN, accounts, revocation }, ...listed]).roles).toHaveLength(2_001)
  })
})

test('rules that share a boundary share its further policies', () => {
  const revocation = { ...BOUNDARY, furtherPolicyArns: [FURTHER], revoker: REVOKER }
  const { roles } = load([
    { arn: PATTERN, accounts: ['111111111111', '222222222222'], revocation },
    { arn: 'arn:aws:iam::111111111111:role/other', revocation },
    { arn: 'arn:aws:iam::333333333333:role/other', revocation: { ...revocation, furtherPolicyArns: undefined } },
  ])
  expect(roles.map(({ revocation: r }) => r.kind !== 'none' && r.furtherPolicyArns?.length)).toEqual([1, 1, undefined])
})

test('the example for many accounts in the documentation loads', () => {
  const page = readFileSync(new URL('../../docs/aws/README.md', import.meta.url), 'utf8')
  const [, yaml = ''] = /```yaml\n(roles:\n[\s\S]*?)```/.exec(page) ?? []
  const { roles } = load((parse(yaml) as { roles: object[] }).roles)
  expect(roles.map(({ accounts }) => accounts)).toEqual([1, 2].map(() => ['111111111111', '222222222222']))
})

describe('what can never work is refused', () => {
  const one = 'arn:aws:iam::111111111111:role/stint/a'
  for (const { name, roles, aws, path, says } of [
    {
      name: 'a boundary in another account',
      roles: [{ arn: one, revocation: { kind: 'boundary', policyArn: 'arn:aws:iam::222222222222:policy/b' } }],
      path: 'roles.0.revocation.policyArn',
      says: 'names account 222222222222 and must be in the account of its role, 111111111111',
    },
    {
      name: 'one boundary for several accounts',
      roles: [
        {
          arn: PATTERN,
          accounts: ['111111111111', '222222222222'],
          revocation: { kind: 'boundary', policyArn: 'arn:aws:iam::111111111111:policy/b', revoker: REVOKER },
        },
      ],
      path: 'roles.0.revocation.policyArn',
      says: 'write {account}',
    },
    {
      name: 'one boundary with two writers',
      roles: [
        { arn: one, revocation: { ...BOUNDARY, revoker: REVOKER } },
        { arn: 'arn:aws:iam::111111111111:role/other', revocation: BOUNDARY },
      ],
      path: 'roles.1.revocation.revoker',
      says: 'one boundary has one writer',
    },
    {
      name: 'one boundary with two writers, one of which serves every account',
      roles: [
        { arn: PATTERN, revocation: { ...BOUNDARY, revoker: REVOKER } },
        {
          arn: 'arn:aws:iam::111111111111:role/other',
          revocation: { ...BOUNDARY, revoker: { roleArn: 'arn:aws:iam::111111111111:role/stint/writer' } },
        },
      ],
      path: 'roles.1.revocation.revoker',
      says: 'than that of roles.0',
    },
    {
      name: 'a boundary in another partition',
      roles: [{ arn: one, revocation: { kind: 'boundary', policyArn: 'arn:aws-cn:iam::{account}:policy/b' } }],
      path: 'roles.0.revocation.policyArn',
      says: 'another partition',
    },
    {
      name: 'a boundary that is no policy',
      roles: [{ arn: one, revocation: { kind: 'boundary', policyArn: 'arn:aws:iam::{account}:role/b' } }],
      path: 'roles.0.revocation.policyArn',
      says: 'customer-managed policy',
    },
    {
      name: 'a further policy of another account',
      roles: [{ arn: one, revocation: { ...BOUNDARY, furtherPolicyArns: ['arn:aws:iam::222222222222:policy/d'] } }],
      path: 'roles.0.revocation.furtherPolicyArns.0',
      says: 'names account 222222222222 and must be in the account of its role, 111111111111',
    },
    {
      name: 'a further policy of another partition',
      roles: [{ arn: one, revocation: { ...BOUNDARY, furtherPolicyArns: ['arn:aws-cn:iam::{account}:policy/d'] } }],
      path: 'roles.0.revocation.furtherPolicyArns.0',
      says: 'a further policy of another partition never works',
    },
    {
      name: 'a further policy that is no policy',
      roles: [{ arn: one, revocation: { ...BOUNDARY, furtherPolicyArns: ['stint-deny-2'] } }],
      path: 'roles.0.revocation.furtherPolicyArns.0',
      says: 'customer-managed policy',
    },
    {
      name: 'a further policy that is listed twice',
      roles: [{ arn: one, revocation: { ...BOUNDARY, furtherPolicyArns: [FURTHER, FURTHER] } }],
      path: 'roles.0.revocation.furtherPolicyArns.1',
      says: 'is listed twice',
    },
    {
      name: 'more further policies than AWS attaches to a role',
      roles: [
        {
          arn: one,
          revocation: { ...BOUNDARY, furtherPolicyArns: Array.from({ length: 21 }, (_, n) => `${FURTHER}-${n}`) },
        },
      ],
      path: 'roles.0.revocation.furtherPolicyArns',
      says: 'at most 20',
    },
    {
      name: 'a boundary as a further policy',
      roles: [{ arn: one, revocation: { ...BOUNDARY, furtherPolicyArns: [BOUNDARY.policyArn] } }],
      path: 'roles.0.revocation.furtherPolicyArns',
      says: 'is the boundary of roles.0',
    },
    {
      name: 'other further policies for the same boundary, by a pattern for all accounts',
      roles: [
        { arn: one, revocation: { ...BOUNDARY, furtherPolicyArns: [FURTHER] } },
        { arn: 'arn:aws:iam::*:role/other/*', revocation: { ...BOUNDARY, revoker: REVOKER } },
      ],
      path: 'roles.1.revocation.furtherPolicyArns',
      says: 'must be the same as that of roles.0',
    },
    {
      name: 'one further policy for two deny lists',
      roles: [
        { arn: one, revocation: { ...BOUNDARY, furtherPolicyArns: [FURTHER] } },
        {
          arn: 'arn:aws:iam::111111111111:role/b',
          revocation: { kind: 'inline', furtherPolicyArns: ['arn:aws:iam::111111111111:policy/stint-deny-2'] },
        },
      ],
      path: 'roles.1.revocation.furtherPolicyArns',
      says: 'holds another deny list (boundary:arn:aws:iam::111111111111:policy/stint-boundary, of roles.0',
    },
    {
      name: 'further policies for the inline lists of a pattern',
      roles: [
        {
          arn: 'arn:aws:iam::111111111111:role/stint/*',
          revocation: { kind: 'inline', furtherPolicyArns: [FURTHER] },
        },
      ],
      path: 'roles.0.revocation.furtherPolicyArns',
      says: 'list the roles by their ARNs',
    },
    {
      name: 'further policies beside a canary',
      roles: [{ arn: one, revocation: { ...BOUNDARY, canary: CANARY, furtherPolicyArns: [FURTHER] } }],
      path: 'roles.0.revocation.furtherPolicyArns',
      says: 'beside a canary',
    },
    {
      name: 'a revoker in another account',
      roles: [
        { arn: one, revocation: { ...BOUNDARY, revoker: { roleArn: 'arn:aws:iam::222222222222:role/revoker' } } },
      ],
      path: 'roles.0.revocation.revoker.roleArn',
      says: 'must be in the account of its role',
    },
    {
      name: 'a revoker that is no role',
      roles: [{ arn: one, revocation: { ...BOUNDARY, revoker: { roleArn: 'revoker' } } }],
      path: 'roles.0.revocation.revoker.roleArn',
      says: 'ARN of a role',
    },
    {
      name: 'a role that is a revoker',
      roles: [
        { arn: PATTERN, revocation: { ...BOUNDARY, revoker: REVOKER } },
        { arn: 'arn:aws:iam::111111111111:role/stint/revoker', revocation: { kind: 'none' } },
      ],
      path: 'roles.1.arn',
      says: 'is a revoker',
    },
    {
      name: 'a canary in another account',
      roles: [{ arn: one, revocation: { ...BOUNDARY, canary: { roleArn: 'arn:aws:iam::222222222222:role/canary' } } }],
      path: 'roles.0.revocation.canary.roleArn',
      says: 'names account 222222222222 and must be in the account of its role',
    },
    {
      name: 'a canary that is no role',
      roles: [{ arn: one, revocation: { ...BOUNDARY, canary: { roleArn: 'arn:aws:iam::{account}:policy/canary' } } }],
      path: 'roles.0.revocation.canary.roleArn',
      says: 'ARN of a role',
    },
    {
      name: 'a canary that is the revoker, which the deny list must not reach',
      roles: [{ arn: PATTERN, revocation: { ...BOUNDARY, revoker: REVOKER, canary: REVOKER } }],
      path: 'roles.0.revocation.canary.roleArn',
      says: 'is the revoker',
    },
    {
      name: 'one canary for two boundaries',
      roles: [
        { arn: one, revocation: { ...BOUNDARY, canary: CANARY } },
        {
          arn: 'arn:aws:iam::111111111111:role/stint/two',
          revocation: { ...BOUNDARY, policyArn: 'arn:aws:iam::{account}:policy/another', canary: CANARY },
        },
      ],
      path: 'roles.1.revocation.canary.roleArn',
      says: 'is the canary of another boundary too',
    },
    {
      name: 'a role that is a canary',
      roles: [
        { arn: one, revocation: { ...BOUNDARY, canary: CANARY } },
        { arn: 'arn:aws:iam::111111111111:role/stint/canary', revocation: { kind: 'none' } },
      ],
      path: 'roles.1.arn',
      says: 'is a revoker or a canary',
    },
    {
      name: 'deny lists in several accounts without a revoker',
      roles: [{ arn: PATTERN, revocation: BOUNDARY }],
      path: 'roles.0.revocation.revoker',
      says: 'in their own account only',
    },
    {
      name: 'an unknown placeholder',
      roles: [{ arn: one, externalIdFile: 'ids/{acount}', revocation: { kind: 'none' } }],
      path: 'roles.0.externalIdFile',
      says: 'has the unknown placeholder {acount}; the placeholders are {account} and {partition}',
    },
    {
      name: 'one external id for every account that an agent may name',
      roles: [{ arn: PATTERN, externalIdFile: 'external-id', revocation: { kind: 'none' } }],
      path: 'roles.0.externalIdFile',
      says: 'sent to an account of its own',
    },
    {
      name: 'an unknown placeholder in a boundary',
      roles: [{ arn: one, revocation: { kind: 'boundary', policyArn: 'arn:aws:iam::{id}:policy/b' } }],
      path: 'roles.0.revocation.policyArn',
      says: '{id}',
    },
    {
      name: 'a role of another partition than the region',
      roles: [{ arn: one, revocation: { kind: 'none' } }],
      aws: { region: 'cn-north-1' },
      path: 'roles.0.arn',
      says: 'must begin with arn:aws-cn:',
    },
    {
      name: 'accounts of a spelled account',
      roles: [{ arn: one, accounts: ['222222222222'], revocation: { kind: 'none' } }],
      path: 'roles.0.accounts',
      says: 'in the place of the account',
    },
    {
      name: 'an account that lost its leading zero',
      roles: [{ arn: PATTERN, accounts: [11111111111], revocation: { kind: 'none' } }],
      path: 'roles.0.accounts.0',
      says: 'in quotes',
    },
    {
      name: 'patterns that cross',
      roles: [PATTERN, 'arn:aws:iam::*:role/*/data'].map((arn) => ({ arn, revocation: { kind: 'none' } })),
      path: 'roles.1.arn',
      says: 'neither is narrower',
    },
    {
      name: 'a role that is listed under two paths',
      roles: ['a/x', 'b/X'].map((name) => ({
        arn: `arn:aws:iam::111111111111:role/${name}`,
        revocation: { kind: 'none' },
      })),
      path: 'roles.1.arn',
      says: 'by the same name',
    },
    {
      name: 'an inline deny list of roles whose path is open',
      roles: [{ arn: 'arn:aws:iam::111111111111:role/*/deployer', revocation: { kind: 'inline' } }],
      path: 'roles.0.arn',
      says: 'must spell the path',
    },
    {
      name: 'a role that is listed twice',
      roles: [1, 2].map(() => ({ arn: one, revocation: { kind: 'none' } })),
      path: 'roles.1.arn',
      says: 'names the same roles as roles.0',
    },
  ]) {
    test(name, () => {
      const problem = problemsOf(roles, aws).find((each) => each.path === path)
      expect(problem?.message).toContain(says)
    })
  }

  test('a canary of an inline deny list, which reaches the sessions of one role alone', () => {
    const problems = problemsOf([{ arn: one, revocation: { kind: 'inline', canary: CANARY } }])
    expect(problems).toMatchObject([
      { path: expect.stringContaining('revocation'), message: expect.stringContaining('canary') },
    ])
  })

  test('nothing of it concerns a stand-in whose roles have no account', () => {
    const revocation = { kind: 'inline' }
    const aws = { profile: 'ceph', stsEndpoint: 'https://rgw.example.org', iamEndpoint: 'https://rgw.example.org' }
    expect(problemsOf([{ arn: 'arn:aws:iam:::role/a', revocation }], aws)).toEqual([])
  })
})

test('the external id files of each account are looked at for being open to others', () => {
  const roles = [
    {
      arn: PATTERN,
      accounts: ['111111111111', '222222222222'],
      externalIdFile: '{account}',
      revocation: { kind: 'none' },
    },
  ]
  for (const account of ['111111111111', '222222222222']) writeFileSync(join(folder, account), 'id', { mode: 0o600 })
  const config = load(roles)
  expect(filesOpenToOthers(config).filter((notice) => notice.includes('222222222222'))).toEqual([])
  chmodSync(join(folder, '222222222222'), 0o644)
  expect(filesOpenToOthers(config).filter((notice) => notice.includes('222222222222'))).toHaveLength(1)
})

describe('the networks of a role', () => {
  const role = (network: object) => ({
    arn: 'arn:aws:iam::111111111111:role/stint/a',
    network,
    revocation: { kind: 'none' },
  })
  const at = (path: string) => `roles.0.network${path}`
  const CEPH = { profile: 'ceph', stsEndpoint: 'https://ceph.example.org' }
  for (const { name, network, aws, path } of [
    { name: 'without an entry', network: {}, path: at('') },
    { name: 'with a range that is none', network: { sourceIps: ['203.0.113.0/33'] }, path: at('.sourceIps.0') },
    { name: 'with all addresses', network: { sourceIps: ['0.0.0.0/0'] }, path: at('.sourceIps.0') },
    { name: 'with a host name', network: { sourceIps: ['agents.example.org'] }, path: at('.sourceIps.0') },
    // IAM User Guide, aws:SourceIp: public addresses alone.
    {
      name: 'with a private range',
      network: { sourceIps: ['203.0.113.0/24', '10.0.0.0/8'] },
      path: at('.sourceIps.1'),
    },
    { name: 'with this machine', network: { sourceIps: ['127.0.0.1'] }, path: at('.sourceIps.0') },
    {
      name: 'with a VPC endpoint in the place of a VPC',
      network: { sourceVpcs: ['vpce-0123456789abcdef0'] },
      path: at('.sourceVpcs.0'),
    },
    { name: 'of a store that knows no networks', network: { sourceIps: ['203.0.113.0/24'] }, aws: CEPH, path: at('') },
    { name: 'that are misspelt', network: { sourceIp: ['203.0.113.0/24'] }, path: at('') },
  ] as { name: string; network: object; aws?: object; path: string }[])
    test(`${name} are refused by path`, () => {
      expect(problemsOf([role(network)], aws).map((problem) => problem.path)).toContain(path)
    })

  test('load as they are', () => {
    const network = {
      sourceIps: ['203.0.113.0/24', '2001:db8::/32', '198.51.100.7'],
      sourceVpcs: ['vpc-0123456789abcdef0'],
    }
    expect(load([role(network)]).roles[0]?.network).toEqual(network)
    const here = { sourceIps: ['127.0.0.0/8'] }
    expect(load([role(here)], { endpoint: 'http://127.0.0.1:4566' }).roles[0]?.network).toMatchObject(here)
  })
})

describe('the reader of role policies', () => {
  const READER = { roleArn: 'arn:aws:iam::{account}:role/stint-reader' }
  const rule = { arn: 'arn:aws:iam::*:role/stint/ops', accounts: ['111111111111', '222222222222'] }
  const withReader = (reader: object, roles: readonly object[]) => {
    try {
      return load(roles, {}, { reach: { reader } }).reach?.reader
    } catch (error) {
      if (error instanceof StintError) return error.details.problems as unknown as { path: string; message: string }[]
      throw error
    }
  }

  test('has an external id by account and is read every 15 minutes', () => {
    const revocation = { ...BOUNDARY, revoker: REVOKER }
    const reader = { ...READER, externalIdFile: 'reader-ids/{account}' }
    expect(withReader(reader, [{ ...rule, revocation }])).toEqual({
      ...reader,
      externalIdFile: join(folder, 'reader-ids/{account}'),
      every: 900_000,
    })
  })

  for (const { name, reader, roles, message } of [
    {
      name: 'a role that agents may act through',
      reader: { roleArn: 'arn:aws:iam::{account}:role/stint/reader' },
      roles: [rule, { ...rule, arn: PATTERN }],
      message: /role\/stint\/reader, which roles serves/,
    },
    { name: 'the revoker', reader: REVOKER, roles: [rule], message: /is a revoker or a canary too/ },
    {
      name: 'a role of one account for roles of two',
      reader: { roleArn: 'arn:aws:iam::111111111111:role/stint-reader' },
      roles: [rule],
      message: /cannot read roles of account 222222222222; write \{account\}/,
    },
    { name: 'no role', reader: { roleArn: 'stint-reader' }, roles: [rule], message: /must be the ARN of a role/ },
    {
      name: 'an unknown placeholder',
      reader: { roleArn: 'arn:aws:iam::{id}:role/r' },
      roles: [rule],
      message: /\{id\}/,
    },
    {
      name: 'nothing to read',
      reader: READER,
      roles: [{ arn: PATTERN, accounts: ['111111111111'] }],
      message: /all of them are patterns/,
    },
  ])
    test(`${name} is refused`, () => {
      const revocation = { ...BOUNDARY, revoker: REVOKER }
      const problems = withReader(
        reader,
        roles.map((role) => ({ ...role, revocation })),
      )
      expect(problems).toMatchObject([{ path: 'reach.reader.roleArn', message: expect.stringMatching(message) }])
    })
})
