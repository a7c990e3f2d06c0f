import { hasCode, StintError } from '../../../src/core/errors.ts'
import { NO_LABELS } from '../../../src/plan/labels/labels.ts'
import { createPlanner, type Planner } from '../../../src/plan/planner.ts'
import type { BenchRun } from '../bench-run.ts'
import { EVERYDAY_ROLE, everydayTasks, type TaskEntry } from '../tasks/everyday-tasks.ts'

/** How many everyday tasks fit into a session policy, and how. */
export interface PlanSize {
  readonly tasks: number
  readonly fit: number
  readonly tooLarge: number
  /** Of those that fit: plans whose policy has wildcards for actions that the plan spells. */
  readonly shortened: number
  /** Characters of the policies that fit. */
  readonly medianCharacters: number
  /** Time of a plan, policy included. */
  readonly meanMs: number
  readonly slowestMs: number
}

const SEED = 2_048
const SUBJECT = 'spiffe://bench.example/jobs/everyday'

/**
 * Plans everyday tasks and counts those that fit into the session policy of AWS.
 *
 * @throws {StintError} for a task that is refused for anything but its size: the tasks are then not what this measures.
 */
export async function measurePlanSize({ scale, say }: Pick<BenchRun, 'scale' | 'say'>): Promise<PlanSize> {
  const { everydayTasks: count } = scale
  say(`plan size: ${count} tasks`)
  const planner = createPlanner({
    labels: NO_LABELS,
    roles: new Map([[EVERYDAY_ROLE, { allowWildcard: true }]]),
    limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
  })
  const sizes: number[] = []
  const times: number[] = []
  let shortened = 0
  for (const access of everydayTasks(SEED, count)) {
    const startedMs = performance.now()
    const policy = policyOf(planner, access)
    times.push(performance.now() - startedMs)
    if (policy === undefined) continue
    sizes.push(policy.characters)
    if (policy.shortened) shortened += 1
  }
  sizes.sort((a, b) => a - b)
  return {
    tasks: count,
    fit: sizes.length,
    tooLarge: count - sizes.length,
    shortened,
    medianCharacters: sizes[Math.floor(sizes.length / 2)] ?? 0,
    meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    slowestMs: Math.max(...times),
  }
}

function policyOf(planner: Planner, access: readonly TaskEntry[]) {
  try {
    const input = { purpose: 'an everyday task of a team', roleArn: EVERYDAY_ROLE, access, ttlSeconds: 600 }
    const { sessionPolicy, sessionPolicyCharacters } = planner.plan(SUBJECT, input)
    return { characters: sessionPolicyCharacters, shortened: /"[a-z0-9-]+:[A-Za-z0-9]*\*"/.test(sessionPolicy) }
  } catch (error) {
    if (hasCode(error, 'SESSION_POLICY_TOO_LARGE')) return undefined
    throw error instanceof StintError ? new Error(`${error.code}: ${JSON.stringify(error.details)}`) : error
  }
}
