import { expect, test } from 'vitest'
import { classify, findAction } from '../../../src/aws/classify.ts'
import { ONWARD, PASS_ROLE, TAKES_ROLE } from '../../../src/aws/onward/onward-table.ts'

test('every action of the tables is one that AWS documents, by its own spelling', () => {
  for (const action of [PASS_ROLE, ...ONWARD.keys(), ...TAKES_ROLE.keys()])
    expect(findAction(action).action).toBe(action)
})

test('no action with a next step counts as a mere look', () => {
  for (const action of ONWARD.keys()) expect(['list', 'read', 'tag'], action).not.toContain(classify(action).class)
})
