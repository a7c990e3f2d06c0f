import { actionsOfService, knownServices } from '../../src/aws/action-table.ts'
import { createRoleReach, type PairReach } from '../../src/aws/role-policies/role-reach.ts'
import { roleOfStatements } from '../support/role-of-statements.ts'

/** The outcome of one measurement. */
export interface RoleReachMeasure {
  /** From the parsed policies to a verdict on every action that AWS documents, on `*`. */
  readonly ms: number
  readonly verdicts: Readonly<Record<PairReach['verdict'], number>>
}

/** Measures the reach of a role with this many statements, several times on a warm process, and takes the median. */
export function measureRoleReach(statements = 400, rounds = 15): RoleReachMeasure {
  const documents = roleOfStatements(statements)
  const actions = knownServices().flatMap((service) =>
    [...(actionsOfService(service)?.values() ?? [])].map(({ action }) => action),
  )
  const measured = Array.from({ length: rounds }, () => {
    const startedAt = performance.now()
    const reach = createRoleReach({ documents })
    const verdicts = { yes: 0, no: 0, 'yes-if': 0 }
    for (const action of actions) verdicts[reach.judge({ action, resource: '*' }).verdict] += 1
    return { ms: performance.now() - startedAt, verdicts }
  })
  const sorted = measured.slice(Math.floor(rounds / 3)).sort((a, b) => a.ms - b.ms)
  return sorted[Math.floor(sorted.length / 2)] ?? { ms: Number.NaN, verdicts: { yes: 0, no: 0, 'yes-if': 0 } }
}
