import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findAction } from '../../src/aws/classify.ts'
import { listChangedClasses, listForReview, readReviewList } from '../../src/aws/judging/review/generate-review-list.ts'

const table = readFileSync(new URL('../../src/aws/action-table/table.generated.json', import.meta.url), 'utf8')
const list = readFileSync(new URL('../../src/aws/judging/review/unreviewed.tsv', import.meta.url), 'utf8')

/** The table without some actions, as it was before AWS added them. */
function before(...actions: string[]): string {
  const parsed = JSON.parse(table) as { services: Record<string, { actions: string[] }> }
  for (const action of actions) {
    const [service = '', name = ''] = action.split(':')
    const row = parsed.services[service]
    if (!row) throw new Error(`no service ${service}`)
    row.actions = row.actions.filter((line) => !line.startsWith(`${name} `))
  }
  return JSON.stringify(parsed)
}

test('a new action that only AWS speaks for needs a review; one that a rule covers does not', () => {
  const added = [
    's3:PutObject',
    's3:DeleteObject',
    'iam:UpdateAccountName',
    'kms:Encrypt',
    's3:ListBucket',
    'lambda:GetFunction',
  ]
  expect(listForReview(before(...added), []).map(({ action }) => action)).toEqual(['s3:PutObject'])
})

test('an action stays on the list until a rule covers it', () => {
  expect(listForReview(table, ['s3:PutObject', 's3:DeleteObject']).map(({ action }) => action)).toEqual([
    's3:PutObject',
  ])
  expect(listForReview(table, [])).toEqual([])
})

test('the committed list names actions of the table that no rule covers', () => {
  const listed = readReviewList(list)
  for (const action of listed) expect(findAction(action).action).toBe(action)
  expect(
    listForReview(table, listed)
      .map(({ action }) => action)
      .toSorted(),
  ).toEqual([...listed])
})

/** The table with another access level of some actions, as AWS had it before. */
function withLevels(levels: Readonly<Record<string, string>>): string {
  const parsed = JSON.parse(table) as { services: Record<string, { actions: string[] }> }
  for (const [action, letter] of Object.entries(levels)) {
    const [service = '', name = ''] = action.split(':')
    const row = parsed.services[service]
    if (!row?.actions.some((line) => line.startsWith(`${name} `))) throw new Error(`no action ${action}`)
    row.actions = row.actions.map((line) => (line.startsWith(`${name} `) ? line.replace(/ ./, ` ${letter}`) : line))
  }
  return JSON.stringify(parsed)
}

test('an existing action whose class is another than by the table before is told with both', () => {
  expect(listChangedClasses(table)).toEqual([])
  const old = withLevels({
    's3:PutObject': 'R',
    's3:GetObject': 'L',
    's3:PutBucketPolicy': 'T',
    'iam:PassRole': 'R',
    'ec2:DescribeVpnConnections': 'R',
  })
  expect(listChangedClasses(old)).toEqual([
    // Of the others the name or a rule of our own says enough, whatever AWS says.
    { action: 'ec2:DescribeVpnConnections', was: 'read +secret', is: 'list +secret' },
    { action: 's3:GetObject', was: 'list', is: 'read' },
  ])
})
