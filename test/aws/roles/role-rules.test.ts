import { describe, expect, test } from 'vitest'
import { parseRolePattern } from '../../../src/aws/roles/role-pattern.ts'
import { type RoleRule, RoleRules } from '../../../src/aws/roles/role-rules.ts'
import { fillTemplate, unknownPlaceholders } from '../../../src/aws/roles/role-template.ts'

const DEV = '111111111111'
const PROD = '222222222222'
const role = (account: string, path: string) => `arn:aws:iam::${account}:role/${path}`

describe('a rule for roles', () => {
  for (const { text, accounts, names, others } of [
    { text: role(DEV, 'a'), names: [role(DEV, 'a')], others: [role(PROD, 'a'), role(DEV, 'ab')] },
    {
      text: role('*', 'stint/*'),
      names: [role(DEV, 'stint/a'), role(PROD, 'stint/team/a')],
      others: [role(DEV, 'a'), role(DEV, 'other/stint/a'), 'arn:aws-cn:iam::111111111111:role/stint/a'],
    },
    {
      text: role('*', 'stint/*'),
      accounts: [DEV],
      names: [role(DEV, 'stint/a')],
      others: [role(PROD, 'stint/a')],
    },
    { text: role(DEV, 'stint-?'), names: [role(DEV, 'stint-a')], others: [role(DEV, 'stint-'), role(DEV, 'stint-ab')] },
    // A stand-in for AWS whose roles have no account.
    { text: 'arn:aws:iam:::role/a', names: ['arn:aws:iam:::role/a'], others: [role(DEV, 'a')] },
  ]) {
    const where = accounts ? ` in ${accounts.length} account` : ''
    test(`${text}${where} serves what it names and nothing else`, () => {
      const rules = new RoleRules([{ arn: text, accounts }])
      for (const arn of names) expect(rules.find(arn)?.role.text, arn).toBe(arn)
      for (const arn of others) expect(rules.find(arn), arn).toBeUndefined()
    })
  }

  for (const text of [
    'arn:aws:iam::1111*:role/a', // part of an account
    'arn:*:iam::*:role/a', // a partition by pattern
    'arn:aws:iam::*:user/a',
    'arn:aws:iam::*:role/',
    'arn:aws:sts::*:assumed-role/a/b',
    '*',
  ]) {
    test(`${text} is no rule`, () => expect(parseRolePattern(text)).toBeUndefined())
  }

  test('that spells accounts and name spells its roles', () => {
    expect(parseRolePattern(role('*', 'stint/a'), [DEV, PROD])?.spelled).toEqual([
      role(DEV, 'stint/a'),
      role(PROD, 'stint/a'),
    ])
    expect(parseRolePattern(role('*', 'stint/*'), [DEV])?.spelled).toBeUndefined()
    expect(parseRolePattern(role('*', 'stint/a'))?.spelled).toBeUndefined()
  })
})

describe('of several rules', () => {
  for (const { name, list, asked, chosen } of [
    {
      name: 'an ARN wins over a pattern',
      list: [{ arn: role('*', 'stint/*') }, { arn: role(DEV, 'stint/a') }],
      asked: role(DEV, 'stint/a'),
      chosen: 1,
    },
    {
      name: 'the narrower path wins, wherever it stands',
      list: [{ arn: role('*', 'stint/data/*') }, { arn: role('*', '*') }, { arn: role('*', 'stint/*') }],
      asked: role(DEV, 'stint/data/x'),
      chosen: 0,
    },
    {
      name: 'fewer accounts win',
      list: [{ arn: role('*', 'stint/*') }, { arn: role('*', 'stint/*'), accounts: [PROD] }],
      asked: role(PROD, 'stint/x'),
      chosen: 1,
    },
    {
      name: 'the wider one serves the rest',
      list: [{ arn: role('*', 'stint/*') }, { arn: role('*', 'stint/*'), accounts: [PROD] }],
      asked: role(DEV, 'stint/x'),
      chosen: 0,
    },
  ]) {
    test(name, () => {
      const rules = new RoleRules(list)
      expect(rules.conflicts).toEqual([])
      expect(list.indexOf(rules.find(asked)?.rule ?? { arn: '' })).toBe(chosen)
    })
  }

  for (const { name, list, kind } of [
    { name: 'the same ARN twice', list: [{ arn: role(DEV, 'a') }, { arn: role(DEV, 'a') }], kind: 'same' },
    {
      name: 'the same pattern twice',
      list: [{ arn: role('*', 'stint/*') }, { arn: role('*', 'stint/**') }],
      kind: 'same',
    },
    {
      name: 'paths that cross',
      list: [{ arn: role('*', 'stint/*') }, { arn: role('*', '*/data') }],
      kind: 'overlap',
    },
    {
      name: 'a narrower path in more accounts',
      list: [
        { arn: role('*', 'stint/*'), accounts: [DEV] },
        { arn: role('*', 'stint/data/*'), accounts: [DEV, PROD] },
      ],
      kind: 'overlap',
    },
  ]) {
    test(`${name} is a conflict`, () => {
      expect(new RoleRules(list).conflicts).toEqual([{ rules: [0, 1], kind }])
    })
  }

  // IAM API Reference, CreateRole: "Names are not distinguished by case", and a name is unique in its account whatever its path.
  for (const { name, list, conflict = true } of [
    { name: 'one name under two paths', list: [{ arn: role(DEV, 'a/x') }, { arn: role(DEV, 'b/x') }] },
    { name: 'one name in two cases', list: [{ arn: role(DEV, 'Data') }, { arn: role('*', 'data'), accounts: [DEV] }] },
    {
      name: 'one name under two paths, in different accounts,',
      list: [{ arn: role(DEV, 'a/x') }, { arn: role(PROD, 'b/x') }],
      conflict: false,
    },
    {
      name: 'patterns of inline lists with different paths and the same names',
      list: [
        { arn: role('*', 'a/*'), revocation: { kind: 'inline' } },
        { arn: role('*', 'b/x-*'), accounts: [DEV], revocation: { kind: 'inline' } },
      ],
    },
    {
      name: 'patterns of inline lists with different names',
      list: [
        { arn: role('*', 'a/y-*'), revocation: { kind: 'inline' } },
        { arn: role('*', 'b/x-*'), revocation: { kind: 'inline' } },
      ],
      conflict: false,
    },
    {
      name: 'patterns of which one has a boundary',
      list: [
        { arn: role('*', 'a/*'), revocation: { kind: 'inline' } },
        { arn: role('*', 'b/*'), revocation: { kind: 'boundary' } },
      ],
      conflict: false,
    },
  ] as { name: string; list: RoleRule[]; conflict?: boolean }[]) {
    test(`${name} ${conflict ? 'are a conflict' : 'are none'}`, () => {
      expect(new RoleRules(list).conflicts).toEqual(conflict ? [{ rules: [0, 1], kind: 'same-name' }] : [])
    })
  }

  test('paths that cross in different accounts are none', () => {
    const list = [
      { arn: role('*', 'stint/*'), accounts: [DEV] },
      { arn: role('*', '*/data'), accounts: [PROD] },
    ]
    expect(new RoleRules(list).conflicts).toEqual([])
  })
})

// IAM API Reference, CreateRole: "Names are not distinguished by case", and a name is unique in its account whatever its path.
describe('another spelling of a role that a rule spells', () => {
  for (const { name, strict } of [
    { name: 'by its ARN', strict: { arn: role(DEV, 'stint/Admin') } },
    { name: 'in several accounts', strict: { arn: role('*', 'stint/Admin'), accounts: [DEV, PROD] } },
  ]) {
    test(`${name} is not served by a wider rule`, () => {
      const rules = new RoleRules([strict, { arn: role('*', 'stint/*') }])
      expect(rules.find(role(DEV, 'stint/Admin'))?.rule).toBe(strict)
      for (const path of ['stint/ADMIN', 'stint/x/admin']) expect(rules.find(role(DEV, path)), path).toBeUndefined()
      expect(rules.find(role(DEV, 'stint/Admin2'))).toBeDefined()
    })
  }
})

// PutRolePolicy takes the name of a role alone: a list that is kept for another path would replace that of the real role.
test('a pattern of roles with inline lists serves one path', () => {
  const rules = new RoleRules([{ arn: role('*', 'stint/*'), revocation: { kind: 'inline' } }])
  expect(rules.find(role(DEV, 'stint/a'))).toBeDefined()
  for (const path of ['stint/x/a', 'a', 'other/a']) expect(rules.find(role(DEV, path)), path).toBeUndefined()
})

describe('a reserved role', () => {
  const rules = new RoleRules([{ arn: role('*', 'stint/*') }], ['arn:{partition}:iam::{account}:role/stint/revoker'])

  // IAM: "Role names are not distinguished by case", and a name is unique in its account whatever the path (CreateRole).
  for (const path of ['stint/revoker', 'stint/Revoker', 'stint/elsewhere/revoker']) {
    test(`is not served as ${path}`, () => expect(rules.find(role(DEV, path))).toBeUndefined())
  }
  test('leaves roles with other names', () => expect(rules.find(role(DEV, 'stint/revoker-2'))).toBeDefined())
})

describe('a template', () => {
  test('takes account and partition of the role', () => {
    const place = { partition: 'aws-cn', accountId: DEV } as const
    expect(fillTemplate('arn:{partition}:iam::{account}:policy/b', place)).toBe(`arn:aws-cn:iam::${DEV}:policy/b`)
  })
  test('tells the placeholders that nothing fills', () => {
    expect(unknownPlaceholders('/ids/{account}/{role}/{}')).toEqual(['{role}', '{}'])
  })
})
