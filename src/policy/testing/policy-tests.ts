import { join } from 'node:path'
import { asStintError, StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Task } from '../../plan/task.ts'
import type { Registry } from '../../registry/registry.ts'
import type { ApprovalRules } from '../approval-requirements.ts'
import { type DecisionInput, decide } from '../decide.ts'
import type { ApprovalRequirement, Decision } from '../decision.ts'
import { loadPolicySet } from '../policy-directory.ts'
import { readPolicyFiles } from '../policy-files.ts'
import type { PolicySet } from '../policy-set.ts'
import { type PolicyTestCase, parsePolicyTests } from './policy-test-file.ts'
import { loadTaskFile } from './task-file.ts'

/** Ending of the files that hold cases, beside the policies. */
const POLICY_TEST_SUFFIX = '.test.yaml'

/**
 * Makes the plan of a task as the broker would. `labels` are the case's own, by label; default the operator's.
 */
export type PolicyTestPlanner = (subject: string, task: Task, labels?: PolicyTestCase['labels']) => Plan | Promise<Plan>

interface PolicyTestResult {
  readonly file: string
  readonly name: string
  readonly passed: boolean
  /** The differences, in words; empty if the case passed. */
  readonly differences: readonly string[]
  /** Absent if the task has no plan. */
  readonly decision?: Decision
}

/** The results of a run. */
export interface PolicyTestReport {
  /** True if every case passed and there was at least one, since a misspelt directory proves nothing. */
  readonly ok: boolean
  readonly policySetHash: string
  readonly results: readonly PolicyTestResult[]
  /** Ids of policies that decided no case. */
  readonly untested: readonly string[]
}

/**
 * Runs every case beside the policies of a directory through planner and policy.
 *
 * @throws {StintError} POLICY_INVALID if the policies or a file of cases cannot be used.
 */
export async function runPolicyTests(options: {
  readonly directory: string
  readonly plan: PolicyTestPlanner
  readonly approvals: ApprovalRules
  /** The registrations of the agents in cases. Without it each case must give owner and team. */
  readonly registry?: Pick<Registry, 'find'>
}): Promise<PolicyTestReport> {
  const { directory } = options
  const set = await loadPolicySet(directory)
  const results: PolicyTestResult[] = []
  for (const file of await readPolicyFiles(directory, POLICY_TEST_SUFFIX))
    for (const one of parsePolicyTests(file)) {
      const outcome = await runCase(set, one, options)
      results.push({ file: file.name, name: one.name, passed: outcome.differences.length === 0, ...outcome })
    }
  const decided = new Set(results.flatMap(({ decision }) => decision?.determiningPolicies ?? []))
  return {
    ok: results.length > 0 && results.every(({ passed }) => passed),
    policySetHash: set.hash,
    results,
    untested: set.policies.map(({ id }) => id).filter((id) => !decided.has(id)),
  }
}

/** Plain text for a terminal: one line a case, what differed below it, then the sum. */
export function formatPolicyTests({ results, untested }: PolicyTestReport): string {
  const lines = results.flatMap(({ file, name, passed, differences }) => [
    `${passed ? 'pass' : 'FAIL'}  ${file}: ${name}`,
    ...differences.map((difference) => `      ${difference}`),
  ])
  if (untested.length > 0) lines.push(`no case reaches: ${untested.join(', ')}`)
  if (results.length === 0) lines.push(`there is no case: they are in *${POLICY_TEST_SUFFIX} beside the policies`)
  const failed = results.filter(({ passed }) => !passed).length
  lines.push(`${results.length - failed} passed, ${failed} failed`)
  return `${lines.join('\n')}\n`
}

async function runCase(
  set: PolicySet,
  { agent: given, task, labels, at, authMethod, ...expected }: PolicyTestCase,
  { plan: planTask, registry, approvals, directory }: Parameters<typeof runPolicyTests>[0],
): Promise<{ differences: string[]; decision?: Decision }> {
  const agent = completeAgent(given, registry)
  if (typeof agent === 'string') return { differences: [agent] }
  try {
    const declared = typeof task === 'string' ? await loadTaskFile(join(directory, task)) : task
    const plan = await planTask(agent.subject, declared, labels)
    const { roleArn, ttlSeconds } = plan.task
    const context = { roleArn, ttlSeconds, authMethod, now: at }
    const decision = decide(set, { agent, plan, context, ...approvals })
    return { decision, differences: findDifferences(expected, decision, plan) }
  } catch (error) {
    const known = asStintError(error)
    if (!(error instanceof StintError)) throw error
    return { differences: [`the task has no plan: ${known.code}, ${known.details.explanation ?? known.message}`] }
  }
}

/** The agent, completed from its registration; or the problem as a sentence. */
function completeAgent(
  given: PolicyTestCase['agent'],
  registry: Pick<Registry, 'find'> | undefined,
): DecisionInput['agent'] | string {
  const found = registry?.find(given.subject)
  if (registry && !found) return `no registration covers the agent ${given.subject}`
  for (const key of ['owner', 'team'] as const) {
    const said = given[key]
    if (found && said !== undefined && said !== found[key])
      return `the case says ${key} ${said}, and the registration ${found.name} says ${found[key]}`
  }
  const { subject, trustDomain, owner = found?.owner, team = found?.team } = given
  if (owner === undefined || team === undefined)
    return `the case must give the owner and team of ${subject}, or --config or --registry the registration that has them`
  return { subject, trustDomain, owner, team, registration: given.registration ?? found?.name ?? 'test' }
}

function findDifferences(
  { expect, policies, approval, waived }: Pick<PolicyTestCase, 'expect' | 'policies' | 'approval' | 'waived'>,
  decision: Decision,
  plan: Pick<Plan, 'pairs'>,
): string[] {
  const differences: string[] = []
  if (decision.outcome !== expect)
    differences.push(`expected ${expect}, got ${decision.outcome}${reasons(decision, plan)}`)
  const decided = decision.determiningPolicies.join(', ')
  const wanted = policies && [...policies].sort().join(', ')
  if (wanted !== undefined && wanted !== decided)
    differences.push(`expected the policies [${wanted}] to decide, got [${decided}]`)
  const waivedBy = (decision.waivers ?? []).map(({ policy }) => policy).join(', ')
  const wantedWaived = waived && [...waived].sort().join(', ')
  if (wantedWaived !== undefined && wantedWaived !== waivedBy)
    differences.push(`expected the policies [${wantedWaived}] to waive an approval, got [${waivedBy}]`)
  const asked = formatRequirements(decision.approval.map(toGroups))
  if (approval && formatRequirements(approval) !== asked)
    differences.push(`expected approval by ${formatRequirements(approval)}, got ${asked}`)
  return differences
}

function reasons({ failedPairs }: Decision, { pairs }: Pick<Plan, 'pairs'>): string {
  const shown = failedPairs.slice(0, 5).map(({ action, resource, reason, policies, conditions = [] }) => {
    const only = conditions.length > 0 ? ` only if ${conditions.join(' and ')}` : ''
    const pair = pairs.find((one) => one.action === action && one.resource === resource)
    return `${action}${pair ? ` (${pair.class})` : ''} on ${resource}${only}: ${reason}${policies.length > 0 ? ` (${policies.join(', ')})` : ''}`
  })
  return shown.length > 0 ? `: ${shown.join('; ')}` : ''
}

/** The groups of a requirement as a case writes them: with the number of people, if it is more than one. */
function toGroups({ anyOf, count = 1 }: ApprovalRequirement): readonly string[] {
  return count === 1 ? anyOf : anyOf.map((group) => `${group}:${count}`)
}

/** `[owners or security] and [any]`, in a fixed order. */
function formatRequirements(requirements: readonly (readonly string[])[]): string {
  const groups = requirements.map((anyOf) => `[${[...anyOf].sort().join(' or ')}]`)
  return groups.length > 0 ? groups.sort().join(' and ') : 'nobody'
}
