import { expect, test } from 'vitest'
import { actionsOfService, knownServices } from '../../../src/aws/action-table.ts'
import { createRoleReach } from '../../../src/aws/role-policies/role-reach.ts'
import { measureRoleReach } from '../../bench/role-reach.ts'
import { roleOfStatements } from '../../support/role-of-statements.ts'

test('every action is judged, and those that no statement is about are refused', () => {
  const documents = roleOfStatements(40)
  const about = documents.identity
    .flatMap(({ document }) => document.statements)
    .flatMap(({ action }) => action.patterns.map((pattern) => pattern.split(':')[0]))
  const reach = createRoleReach({ documents })
  let refused = 0
  for (const service of knownServices().filter((one) => !about.includes(one)))
    for (const { action } of actionsOfService(service)?.values() ?? []) {
      expect(reach.judge({ action, resource: '*' })).toMatchObject({ verdict: 'no', reason: 'not_allowed' })
      refused += 1
    }
  const { verdicts } = measureRoleReach(40, 1)
  expect(verdicts.no).toBeGreaterThanOrEqual(refused)
  expect(verdicts.yes).toBeGreaterThan(0)
  expect(verdicts['yes-if']).toBeGreaterThan(0)
})
