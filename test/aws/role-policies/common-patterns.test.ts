import { expect, test } from 'vitest'
import { commonPatterns } from '../../../src/aws/role-policies/common-patterns.ts'

const BUCKET = 'arn:aws:s3:::'

test('names what two patterns both mean', () => {
  expect(commonPatterns(`${BUCKET}app-*/*`, `${BUCKET}*-logs/*`)).toEqual([
    `${BUCKET}app-logs/*`,
    `${BUCKET}app-*-logs/*`,
  ])
  expect(commonPatterns(`${BUCKET}app-*`, `${BUCKET}web-*`)).toEqual([])
})

// A task may name patterns of 2,048 characters, many in one request: none may keep the broker from its other callers, or end in an
// error that says nothing.
for (const [name, a, b] of [
  ['a long one with a short one', '*a', `${'b'.repeat(1_900)}a`],
  ['two long ones with many stars', '*a'.repeat(900), '*b'.repeat(900)],
  ['many stars and question marks', '?*'.repeat(900), '?*?*?*?*?*'],
] as const)
  test(`gives up on ${name} before it looks at them`, () => {
    expect(commonPatterns(BUCKET + a, BUCKET + b)).toBeUndefined()
  })

test('patterns of the largest size that is looked at have an answer', () => {
  expect(commonPatterns(`${BUCKET}*a`, `${BUCKET}${'b'.repeat(397)}a`)).toEqual([`${BUCKET}${'b'.repeat(397)}a`])
})
