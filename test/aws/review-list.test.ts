import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findAction } from '../../src/aws/classify.ts'
import { listForReview, readReviewList } from '../../src/aws/judging/review/generate-review-list.ts'

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
