import { StintError } from '../core/errors.ts'
import { Reloading, type ReloadingOptions } from '../core/files/reloading.ts'
import { readFingerprint, readPolicyFiles } from './policy-files.ts'
import { compilePolicySet, type PolicyProblem, type PolicySet } from './policy-set.ts'

/** Ending of the files that a policy set is made of. */
export const POLICY_SUFFIX = '.cedar'

/** The directory to follow, and the listeners of its changes. */
export interface FollowPoliciesOptions extends Pick<ReloadingOptions<PolicySet>, 'clock' | 'onLoaded' | 'onState'> {
  readonly directory: string
  /** How often the directory is looked at. Default 5 s. */
  readonly pollMs?: number
}

/** The policy set in force, not loaded yet; `current` throws POLICY_UNAVAILABLE while none ever loaded. */
export function followPolicies({ directory, pollMs = 5_000, ...options }: FollowPoliciesOptions): Reloading<PolicySet> {
  return new Reloading({
    ...options,
    pollMs,
    load: () => loadPolicySet(directory),
    fingerprint: () => readFingerprint(directory, POLICY_SUFFIX),
    missing: {
      code: 'POLICY_UNAVAILABLE',
      explanation: 'No policy set is loaded, so every request is denied; an operator must repair the policy directory.',
    },
  })
}

/**
 * Loads every `.cedar` file of a directory as one policy set.
 *
 * @throws {StintError} POLICY_INVALID; `details.problems` lists everything that is wrong, with file, line and column.
 */
export async function loadPolicySet(directory: string): Promise<PolicySet> {
  const { set, problems } = compilePolicySet(await readPolicyFiles(directory, POLICY_SUFFIX))
  if (set) return set
  const errors = problems.filter(({ severity }) => severity === 'error')
  const shown = errors.slice(0, MAX_LISTED)
  throw new StintError('POLICY_INVALID', {
    explanation: `${errors.length} problem(s), the first is ${formatProblem(errors[0])}`,
    problems: shown.map((problem) => ({ ...problem })),
  })
}

/** `file:line:column: severity: message`, as compilers write it. */
export function formatProblem(problem: PolicyProblem | undefined): string {
  if (!problem) return ''
  const { file, line, column, severity, message, policyId } = problem
  return `${file}:${line}:${column}: ${severity}: ${message}${policyId ? ` [${policyId}]` : ''}`
}

const MAX_LISTED = 100
