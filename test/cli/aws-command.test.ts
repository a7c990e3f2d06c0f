import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { stint } from '../support/cli.ts'

let folder: string
const ACCOUNT = '111122223333'
const BROKER = 'arn:aws:iam::999999999999:role/stint-broker'

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  writeFileSync(join(folder, ACCOUNT), 'external-id-of-the-account\n')
  write('stint.yaml', { aws: { region: 'eu-central-1' }, roles: ROLES })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const revoker = { roleArn: 'arn:aws:iam::{account}:role/stint/revoker', externalIdFile: '{account}' }
const revocation = { kind: 'boundary', policyArn: 'arn:aws:iam::{account}:policy/stint-boundary', revoker }
const ROLES = [
  { arn: 'arn:aws:iam::*:role/stint/agents/*', externalIdFile: '{account}', revocation },
  { arn: `arn:aws:iam::${ACCOUNT}:role/own`, revocation: { kind: 'none' } },
]

function write(name: string, change: object): void {
  const config = {
    identity: { server: { certificateFile: 'a', privateKeyFile: 'b' }, domains: { 'a.test': { file: 'c' } } },
    registry: { file: 'd' },
    policy: { directory: 'e' },
    ledger: { file: 'f' },
    ...change,
  }
  writeFileSync(join(folder, name), JSON.stringify(config))
}

const run = (command: string, flags: readonly string[], file = 'stint.yaml') =>
  stint(['aws', command, '--config', join(folder, file), ...flags])

describe('stint aws template', () => {
  test('has the roles that are named, in the account that is asked for, and says what it leaves out', async () => {
    const several = await run('template', ['--role', 'stint/agents/one', '/stint/agents/two', '--broker', BROKER])
    const template = parse(several.stdout)
    expect(Object.keys(template.Resources)).toEqual(['StintBoundary', 'Revoker', 'OneRole', 'TwoRole'])
    expect(template.Parameters.BrokerArn.Default).toBe(BROKER)
    expect(template.Resources.OneRole.Properties).toMatchObject({
      RoleName: 'one',
      Path: '/stint/agents/',
      MaxSessionDuration: 3_600,
      PermissionsBoundary: { Ref: 'StintBoundary' },
    })
    expect(several.stderr).toContain(`role/own is not in this template`)
    const one = await run('template', ['--account', ACCOUNT])
    expect(Object.keys(parse(one.stdout).Resources)).toEqual(['StintBoundary', 'Revoker', 'OwnRole'])
    expect(one.stderr).toContain('role/stint/agents/* names its roles by a pattern')
    expect(one.stdout).not.toContain('external-id-of-the-account')
  })

  for (const [flags, says] of [
    [['--role', 'admin'], /no rule of roles serves a role\/admin/i],
    [['--role', 'stint/revoker'], /no rule of roles serves a role\/stint\/revoker/i],
    [['--account', '12'], /12 digits/],
    [['--broker', 'arn:aws:sts::999999999999:assumed-role/broker/session'], /not of a session/],
  ] as const)
    test(`refuses ${flags.join(' ')}`, async () => {
      const { exitCode, stderr, stdout } = await run('template', flags)
      expect([exitCode === 0, stdout]).toEqual([false, ''])
      expect(stderr).toMatch(says)
    })

  test('is for AWS, and for accounts that the configuration names', async () => {
    const own = { arn: `arn:aws:iam::${ACCOUNT}:role/own`, revocation: { kind: 'none' } }
    const aws = { region: 'eu-central-1' }
    write('two.yaml', { aws, roles: [own, { ...own, arn: 'arn:aws:iam::444455556666:role/own' }] })
    expect((await run('template', [], 'two.yaml')).stderr).toContain('choose the account with --account')
    expect((await run('template', ['--account', '777788889999'], 'two.yaml')).stderr).toContain('777788889999')
    write('minio.yaml', { aws: { ...aws, profile: 'minio', endpoint: 'https://s3.example.org' }, roles: [own] })
    expect((await run('template', [], 'minio.yaml')).stderr).toContain('aws.profile is minio')
  })
})

describe('stint aws broker-policy', () => {
  const policyOf = async (file?: string) => JSON.parse((await run('broker-policy', [], file)).stdout)

  test('allows the broker to start sessions of its roles and revokers, and nothing else', async () => {
    expect(await policyOf()).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'MintLeases',
          Effect: 'Allow',
          Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
          Resource: ['arn:aws:iam::*:role/stint/agents/*', `arn:aws:iam::${ACCOUNT}:role/own`],
        },
        {
          Sid: 'AssumeRevokers',
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Resource: ['arn:aws:iam::*:role/stint/revoker'],
        },
      ],
    })
  })

  // A managed policy has 6,144 characters. IAM User Guide, reference_iam-quotas
  for (const [count, listed] of [
    [30, true],
    [2_000, false],
  ] as const)
    test(`${listed ? 'lists' : 'cannot list'} ${count} accounts`, async () => {
      const accounts = Array.from({ length: count }, (_, n) => `${100_000_000_000 + n}`)
      const roles = [{ ...ROLES[0], accounts }]
      write('many.yaml', { aws: { region: 'eu-central-1' }, roles })
      const { stdout, stderr } = await run('broker-policy', [], 'many.yaml')
      const policy = JSON.parse(stdout)
      expect(stderr.includes('* stands for them')).toBe(!listed)
      expect(policy.Statement[0].Resource).toHaveLength(listed ? count : 1)
      expect(JSON.stringify(policy).length).toBeLessThanOrEqual(6_144)
      expect(JSON.stringify(policy).includes('iam::*:')).toBe(!listed)
    })
})

test('stint aws broker-policy has * for accounts that have a rule each, where there are too many', async () => {
  const roles = Array.from({ length: 400 }, (_, n) => ({
    ...ROLES[0],
    arn: `arn:aws:iam::${100_000_000_000 + n}:role/stint/agent`,
  }))
  write('each.yaml', { aws: { region: 'eu-central-1' }, roles })
  const { stdout, stderr } = await run('broker-policy', [], 'each.yaml')
  expect(JSON.parse(stdout).Statement[0].Resource).toEqual(['arn:aws:iam::*:role/stint/agent'])
  expect(stderr).toContain('aws:ResourceOrgID')
})

test('stint aws broker-policy says when not even that fits', async () => {
  const roles = Array.from({ length: 400 }, (_, n) => ({
    ...ROLES[0],
    arn: `arn:aws:iam::${ACCOUNT}:role/stint/a-${n}`,
  }))
  write('long.yaml', { aws: { region: 'eu-central-1' }, roles })
  expect((await run('broker-policy', [], 'long.yaml')).stderr).toContain('split it')
})

describe('stint aws parameters', () => {
  test('prints the external id of the account, and the broker if it is named', async () => {
    const { stdout } = await run('parameters', ['--account', ACCOUNT, '--broker', BROKER])
    expect(JSON.parse(stdout)).toEqual([
      { ParameterKey: 'BrokerArn', ParameterValue: BROKER },
      { ParameterKey: 'ExternalId', ParameterValue: 'external-id-of-the-account' },
    ])
  })

  test('names the file of an external id that is missing', async () => {
    const { exitCode, stderr } = await run('parameters', ['--account', '777788889999'])
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain(join(folder, '777788889999'))
  })
})
