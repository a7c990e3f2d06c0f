import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { actionsOfService, knownServices } from '../../../src/aws/action-table.ts'
import { expandActions } from '../../../src/aws/classify.ts'
import { findWildcards, shortenStatements } from '../../../src/aws/policy-statements/shorten-actions.ts'

const describeAll = expandActions('ec2:Describe*')
const listAll = expandActions('route53:List*')
const statement = (actions: readonly string[]) => ({ actions, resources: ['*'], condition: undefined })

describe('a wildcard for actions', () => {
  test('stands for exactly these actions of the table, whatever the service', () => {
    const names = knownServices()
    fc.assert(
      fc.property(
        fc.constantFrom(...names).chain((service) => fc.subarray(expandActions(`${service}:*`) as string[])),
        (actions) => {
          for (const { pattern, actions: members, exceptions = [] } of findWildcards(actions)) {
            expect(expandActions(pattern)).toEqual([...members, ...exceptions].sort())
            for (const exception of exceptions) expect(actions).not.toContain(exception)
            for (const member of members) expect(actions).toContain(member)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('names all that it stands for, since IAM ignores case: GET beside GetPortal', () => {
    const members = findWildcards(expandActions('apigateway:Get*')).flatMap(({ actions }) => actions)
    expect(members).toEqual(expect.arrayContaining(['apigateway:GET', 'apigateway:GetPortal']))
  })

  test('has exceptions where one or a few are left out, unless another statement allows one of them', () => {
    const left = 'ec2:DescribeInstanceAttribute'
    const actions = describeAll.filter((action) => action !== left)
    expect(findWildcards(actions)).toMatchObject([{ pattern: 'ec2:Describe*', exceptions: [left] }])
    const other = statement([left])
    for (const { exceptions } of shortenStatements([statement(actions), other], 10_000).wildcards) {
      expect(exceptions).toBeUndefined()
    }
  })

  test('is never of a whole service, and holds the first word', () => {
    for (const service of knownServices()) {
      for (const { pattern, actions } of findWildcards(expandActions(`${service}:*`))) {
        const [word = ''] = /^[A-Z]*[^A-Z]*/.exec((actions[0] ?? '').slice(service.length + 1)) ?? []
        expect(word.length).toBeGreaterThan(0)
        expect(pattern.startsWith(`${service}:${word}`), pattern).toBe(true)
      }
    }
  })

  // Each of these services has, or had added since 2020, a read that hands out credentials.
  for (const service of [
    'secretsmanager',
    'sts',
    'iam',
    'ssm',
    'ecr',
    'ecr-public',
    'eks',
    'eks-auth',
    'cognito-identity',
    'cognito-idp',
    'codeartifact',
    'redshift',
    'lakeformation',
    'sso-oauth',
  ])
    test(`is not found in ${service}, where a read could hand out credentials`, () => {
      expect(actionsOfService(service)).toBeDefined()
      expect(findWildcards(expandActions(`${service}:*`))).toEqual([])
    })

  test('is not found for a verb that makes what outlives a revocation', () => {
    // ec2:CreateKeyPair: the private key is good for as long as the machines have it.
    expect(findWildcards(expandActions('ec2:Create*'))).toEqual([])
    expect(findWildcards(describeAll)).toEqual([
      expect.objectContaining({ pattern: 'ec2:Describe*', actions: describeAll }),
    ])
  })
})

describe('shortening', () => {
  test('takes what saves most and no more than needed', () => {
    const statements = [statement(listAll), statement(describeAll)]
    expect(shortenStatements(statements, 0)).toEqual({ statements, wildcards: [] })
    const { statements: short, wildcards } = shortenStatements(statements, 1)
    expect(wildcards.map(({ pattern }) => pattern)).toEqual(['ec2:Describe*'])
    expect(short).toEqual([statement(listAll), statement(['ec2:Describe*'])])
  })

  test('saves as many characters as it says', () => {
    const before = [statement([...describeAll, 'ec2:StopInstances'].sort())]
    const { statements, wildcards } = shortenStatements(before, 1)
    const saved = JSON.stringify(before).length - JSON.stringify(statements).length
    expect(saved).toBe(wildcards[0]?.saves)
  })

  test('drops a wildcard that a later one made needless', () => {
    const two = [statement(listAll), statement(describeAll)]
    const [small = 0, large = 0] = two.map(({ actions }) => findWildcards(actions)[0]?.saves)
    expect(large).toBeGreaterThan(small)
    expect(shortenStatements(two, large + 1).wildcards).toHaveLength(2)
    expect(shortenStatements(two, large).wildcards).toHaveLength(1)
  })
})
