import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { actionsOfService } from '../../../src/aws/action-table.ts'
import { Secret } from '../../../src/core/secret.ts'
import { accountSide, type TemplateRule } from '../../../src/credentials/aws-sts/account-template/account-side.ts'
import {
  canaryPolicy,
  emptyBoundary,
  emptyFurtherPolicy,
  revokerPolicy,
  revokerTrust,
  taskRoleGuard,
  taskRoleTrust,
} from '../../../src/credentials/aws-sts/account-template/policies.ts'
import { accountTemplate } from '../../../src/credentials/aws-sts/account-template/template.ts'
import { toYaml } from '../../../src/start/aws/account-template.ts'
import { evaluateIam } from '../../support/iam-evaluator.ts'
import { ACCOUNT, startAws } from '../harness.ts'

const never = new AbortController().signal
const BROKER = 'arn:aws:iam::__BROKER_ACCOUNT_ID__:role/__BROKER_ROLE_NAME__'
const POLICY = 'arn:aws:iam::__TASK_ACCOUNT_ID__:policy/__BOUNDARY_POLICY_NAME__'
const FURTHER = 'arn:aws:iam::__TASK_ACCOUNT_ID__:policy/__FURTHER_POLICY_NAME__'
const ROLES = 'arn:aws:iam::__TASK_ACCOUNT_ID__:role/stint/*'

const NOTHING = { boundaries: [], further: [], roles: [], own: ROLES.replace('*', 'revoker') }

describe('the policies of the template are those of docs/aws', () => {
  for (const [file, document] of [
    ['boundary.json', emptyBoundary()],
    ['task-role-trust.json', taskRoleTrust(BROKER, '__EXTERNAL_ID__')],
    ['task-role-guard.json', taskRoleGuard({ broker: BROKER, boundaries: [POLICY], roles: [ROLES] })],
    ['canary-policy.json', canaryPolicy('arn:aws:iam::__TASK_ACCOUNT_ID__:role/stint/canary')],
    ['revoker-trust.json', revokerTrust(BROKER, '__REVOKER_EXTERNAL_ID__')],
    ['revoker-policy-boundary.json', revokerPolicy({ ...NOTHING, boundaries: [POLICY] })],
    ['revoker-policy-further.json', revokerPolicy({ ...NOTHING, further: [FURTHER] })],
    ['revoker-policy-inline.json', revokerPolicy({ ...NOTHING, roles: [ROLES] })],
    ['further-policy.json', emptyFurtherPolicy()],
  ] as const)
    test(file, () => {
      expect(JSON.parse(readFileSync(new URL(`../../../docs/aws/${file}`, import.meta.url), 'utf8'))).toEqual(document)
    })
})

const EXTERNAL_ID = 'external-ids/{account}'
const BOUNDARY = {
  kind: 'boundary',
  policyArn: 'arn:aws:iam::{account}:policy/stint-boundary',
  revoker: { roleArn: 'arn:aws:iam::{account}:role/stint/revoker', externalIdFile: EXTERNAL_ID },
  canary: { roleArn: 'arn:aws:iam::{account}:role/stint/canary', externalIdFile: EXTERNAL_ID },
} as const
const RULE: TemplateRule = { arn: 'arn:aws:iam::*:role/stint/agent', externalIdFile: EXTERNAL_ID, revocation: BOUNDARY }

const side = (rules: readonly TemplateRule[], account?: string) =>
  accountSide(rules, { account, partition: 'aws', roleNames: [], find: () => undefined })

test('aws/task-account.yaml, which ships, is what the template is for one role and one boundary', () => {
  const file = new URL('../../../aws/task-account.yaml', import.meta.url)
  const head = `# What an AWS account needs for one task role of Stint: see docs/aws/README.md. \`stint aws template\` prints this for
# the accounts and roles of a configuration. Written by STINT_UPDATE_DOCS=1 npm test -- test/credentials/account-template/account-template.test.ts
`
  const text = head + toYaml(accountTemplate(side([RULE])))
  if (process.env.STINT_UPDATE_DOCS) writeFileSync(file, text)
  expect(readFileSync(file, 'utf8')).toBe(text)
})

test('further policies of a deny list are made, written by the revoker, kept from sessions, and attached to each task role', () => {
  const furtherPolicyArns = ['arn:aws:iam::{account}:policy/stint-deny-2', 'arn:aws:iam::{account}:policy/stint-deny-3']
  const template = accountTemplate(
    side([{ ...RULE, revocation: { ...BOUNDARY, canary: undefined, furtherPolicyArns } }]),
  )
  const resources = template.Resources as Record<string, { Properties: Record<string, never> }>
  const documentsOf = (id: string, property: string) =>
    JSON.parse(JSON.stringify(resources[id]?.Properties[property] ?? null))
  const ids = ['StintDeny2Policy', 'StintDeny3Policy']
  for (const id of ids) {
    expect(documentsOf(id, 'PolicyDocument').Statement).toMatchObject([{ Effect: 'Deny' }])
  }
  const refs = ids.map((id) => ({ Ref: id }))
  const given = { 'Fn::Join': [',', { Ref: 'AgentRolePolicies' }] }
  expect(resources.AgentRole?.Properties.ManagedPolicyArns).toEqual({
    'Fn::If': ['AgentRoleHasPolicies', { 'Fn::Split': [',', { 'Fn::Join': [',', [given, ...refs]] }] }, refs],
  })
  const statements = (id: string): { Sid: string; Resource: unknown }[] =>
    documentsOf(id, 'Policies')[0].PolicyDocument.Statement
  const written = statements('Revoker').find(({ Sid }) => Sid === 'WriteTheRestOfTheDenyListAndAnythingElse')
  expect(written?.Resource).toEqual(refs)
  const kept = statements('AgentRole').find(({ Resource }) => Array.isArray(Resource))
  expect(kept?.Resource).toEqual(expect.arrayContaining([{ Ref: 'StintBoundary' }, ...refs]))
})

test('a template for several accounts leaves out the roles of one alone, and that of one account has its own', () => {
  const own = { ...RULE, arn: `arn:aws:iam::${ACCOUNT}:role/stint/own` }
  const listed = { ...RULE, arn: 'arn:aws:iam::*:role/stint/listed', accounts: [ACCOUNT, '444455556666'] }
  const other = { ...RULE, arn: 'arn:aws:iam::444455556666:role/stint/other' }
  const names = (account?: string) => side([RULE, own, listed, other], account).roles.map(({ name }) => name)
  expect(names()).toEqual(['agent', 'listed'])
  expect(names(ACCOUNT)).toEqual(['agent', 'own', 'listed'])
  expect(names('111122223333')).toEqual(['agent'])
  // Rules that all name one account need no choice.
  expect(side([own]).roles.map(({ name }) => name)).toEqual(['own'])
})

describe('the guard of a task role, against a session that may do everything', () => {
  const guard = JSON.stringify(taskRoleGuard({ broker: BROKER, boundaries: [POLICY], roles: [ROLES] }))
  const inSession = { context: { 'aws:SourceIdentity': '01K8ZZZZZZZZZZZZZZZZZZZZZZ' } }
  const verdict = (action: string, resource: string) => evaluateIam([ALL, guard], { action, resource, ...inSession })
  const ALL = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] })
  // The revoker and task roles that do not exist yet are under the path of the pattern.
  const kept = [
    POLICY,
    ROLES.replace('*', 'agent-data'),
    ROLES.replace('*', 'revoker'),
    ROLES.replace('*', 'new'),
    BROKER,
  ]
  const changes = ['iam', 'sts'].flatMap((service) =>
    [...(actionsOfService(service)?.values() ?? [])].filter(({ level }) => level !== 'list' && level !== 'read'),
  )

  for (const arn of kept)
    test(`${arn} can be looked at, and nothing else`, () => {
      expect(changes.filter(({ action }) => verdict(action, arn) !== 'explicit_deny')).toEqual([])
      for (const action of [
        'iam:GetRole',
        'iam:GetPolicyVersion',
        'iam:ListRolePolicies',
        'iam:SimulatePrincipalPolicy',
      ])
        expect(verdict(action, arn)).toBe('allow')
    })

  test('other roles and policies are left to what the role may do', () => {
    for (const arn of ['arn:aws:iam::111122223333:role/app', 'arn:aws:iam::111122223333:policy/app'])
      for (const { action } of changes) expect(verdict(action, arn)).toBe('allow')
  })
})

test('a revoker of inline deny lists writes the policies of task roles, and not its own', () => {
  const policy = JSON.stringify(revokerPolicy({ ...NOTHING, roles: [ROLES] }))
  const verdict = (action: string, name: string) =>
    evaluateIam([policy], { action, resource: ROLES.replace('*', name) })
  expect(verdict('iam:PutRolePolicy', 'agent')).toBe('allow')
  for (const action of ['iam:PutRolePolicy', 'iam:DeleteRolePolicy'])
    expect(verdict(action, 'revoker')).toBe('explicit_deny')
})

test('the guard of a template keeps the roles and policies of the other stacks of the account too', () => {
  const own: TemplateRule = {
    arn: `arn:aws:iam::${ACCOUNT}:role/alone/own`,
    revocation: {
      kind: 'boundary',
      policyArn: `arn:aws:iam::${ACCOUNT}:policy/own-boundary`,
      revoker: { roleArn: `arn:aws:iam::${ACCOUNT}:role/alone/revoker` },
    },
  }
  const { Resources } = accountTemplate(side([RULE, own]))
  const { Properties } = Resources.AgentRole as { Properties: { Policies: readonly [{ PolicyDocument: object }] } }
  const guard = JSON.stringify(Properties.Policies[0].PolicyDocument)
  expect(Object.keys(Resources)).toEqual(['StintBoundary', 'Revoker', 'Canary', 'AgentRole'])
  for (const kept of [
    'policy/own-boundary',
    'role/alone/own',
    'role/alone/revoker',
    'role/stint/agent',
    'role/stint/revoker',
  ])
    expect(guard).toContain(`:${kept}"`)
  expect(guard).toContain('{"Ref":"StintBoundary"}')
  expect(guard).toContain('{"Ref":"BrokerArn"}')
})

/** Parameters of AssumeRole that a trust policy sees as condition keys. */
const KEYS = ['ExternalId', 'RoleSessionName', 'SourceIdentity'] as const

describe('the trust policy of the revoker', () => {
  test('lets in what the broker sends, and nothing without the external id or under another name', async () => {
    const aws = await startAws()
    const revoker = `arn:aws:iam::${ACCOUNT}:role/stint/revoker`
    const arn = `arn:aws:iam::${ACCOUNT}:role/stint/agent`
    const policyArn = `arn:aws:iam::${ACCOUNT}:policy/revoked-by-another`
    aws.server.addManagedPolicy(policyArn)
    const externalId = new Secret('id-of-account')
    const provider = aws.with({
      roles: [{ arn, revocation: { kind: 'boundary', policyArn, revoker: { roleArn: revoker, externalId } } }],
    })
    await provider.writeDenyList(`boundary:${policyArn}`, { grants: [] }, never)
    const sent = aws.server.calls('AssumeRole').find(({ parameters }) => parameters.RoleArn === revoker)?.parameters
    await aws.close()
    const trust = withResource(revokerTrust(BROKER, 'id-of-account'))
    const verdict = (parameters: Readonly<Record<string, string | undefined>>) => {
      const context = Object.fromEntries(
        KEYS.flatMap((name) => (parameters[name] ? [[`sts:${name}`, parameters[name]] as const] : [])),
      )
      return evaluateIam([trust], { action: 'sts:AssumeRole', resource: '*', context })
    }
    expect(verdict(sent ?? {})).toBe('allow')
    expect(sent).not.toHaveProperty('SourceIdentity')
    for (const change of [
      { ExternalId: undefined },
      { ExternalId: 'guess' },
      { RoleSessionName: 'console' },
      { SourceIdentity: '01K8ZZZZZZZZZZZZZZZZZZZZZZ' },
    ])
      expect(verdict({ ...sent, ...change })).toBe('implicit_deny')
  })

  /** As the evaluator takes it. */
  function withResource({ Version, Statement }: ReturnType<typeof revokerTrust>): string {
    return JSON.stringify({ Version, Statement: Statement.map((each) => ({ ...each, Resource: '*' })) })
  }
})
