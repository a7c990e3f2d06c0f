import type { OperatorDirectory } from '../../admin/operators/operator-directory.ts'
import type { Config } from '../../config/schema.ts'
import type { Reloading } from '../../core/files/reloading.ts'
import type { PartFinding } from '../../core/health/part-health.ts'
import type { Operator } from '../../grants/operators/operator.ts'
import type { LabelSet } from '../../plan/labels/labels.ts'
import { checkAgainst } from '../../policy/check-policies.ts'
import { formatProblem } from '../../policy/policy-directory.ts'
import type { PolicySet } from '../../policy/policy-set.ts'
import type { Registry } from '../../registry/registry.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'
import type { FollowingPlanner } from './planner.ts'
import { surroundPolicies } from './policy-surroundings.ts'
import type { FollowedRegistry } from './registry.ts'

interface Needs extends Surroundings {
  readonly registry: FollowedRegistry
  readonly policies: Reloading<PolicySet>
  readonly planner: FollowingPlanner
  readonly operators: OperatorDirectory
}

/**
 * Checks, as files change and tokens expire, that policies use names that exist and that somebody can give each approval. Its
 * findings are on the status. Nothing is refused because of them, since a new label may come a moment after its policy.
 */
export const ruleCheck = definePart({
  name: 'ruleCheck',
  start(needs: Needs) {
    const { config, clock, partHealth } = needs
    const stop = new AbortController()
    const look = createLook(needs, (findings) => partHealth.found('policy', findings))
    const loop = (async () => {
      while (!stop.signal.aborted) {
        look()
        await clock.sleep(config.identity.reloadEvery, stop.signal).catch((error: unknown) => {
          if (!stop.signal.aborted) throw error
        })
      }
    })()
    return {
      value: undefined,
      async stop() {
        stop.abort()
        await loop
      },
    }
  },
})

/** Makes a check that does nothing while the configuration, policies, labels, registrations and operators are the same. */
function createLook(
  { liveConfig, registry, policies, planner, operators, clock }: Needs,
  report: (findings: readonly PartFinding[]) => void,
): () => void {
  let seen: readonly unknown[] = []
  return () => {
    const rules = { policies: policies.status.value, labels: planner.labels(), registry: registry.status.value }
    const people = operators.current(clock.now())
    const config = liveConfig.current()
    const now = [config, rules.policies, rules.labels, rules.registry, people.map(({ name }) => name).join()]
    if (now.every((each, index) => each === seen[index])) return
    seen = now
    report(findProblems(config, rules, people))
  }
}

function findProblems(
  config: Config,
  rules: { policies: PolicySet | undefined; labels: LabelSet | undefined; registry: Registry | undefined },
  people: readonly Operator[],
): PartFinding[] {
  const { policies, labels, registry } = rules
  if (!policies) return []
  const surroundings = surroundPolicies({
    config,
    labels: labels && config.labels && { set: labels, file: config.labels.file },
    registry: registry && { set: registry, file: config.registry.file },
    people,
  })
  return checkAgainst(policies.policies, surroundings).map((problem) => ({
    finding: problem.rule ?? problem.severity,
    code: 'POLICY_INVALID',
    explanation: formatProblem(problem),
  }))
}
