import { asStintError } from '../core/errors.ts'
import { formatProblem, POLICY_SUFFIX } from './policy-directory.ts'
import { readPolicyFiles } from './policy-files.ts'
import { compilePolicySet, type PolicyProblem } from './policy-set.ts'

/** The findings of `stint policy check`. */
export interface PolicyCheck {
  /** False if the set would be refused. */
  readonly ok: boolean
  /** Hash of the set, if it is good. */
  readonly hash?: string
  readonly policies: number
  readonly errors: readonly PolicyProblem[]
  readonly warnings: readonly PolicyProblem[]
}

/** Checks a directory of policies as the broker would load it. Does not throw for anything in the directory. */
export async function checkPolicies(directory: string): Promise<PolicyCheck> {
  try {
    const { set, problems } = compilePolicySet(await readPolicyFiles(directory, POLICY_SUFFIX))
    return {
      ok: set !== undefined,
      ...(set && { hash: set.hash }),
      policies: set?.policies.length ?? 0,
      errors: problems.filter(({ severity }) => severity === 'error'),
      warnings: problems.filter(({ severity }) => severity === 'warning'),
    }
  } catch (error) {
    const { details, message } = asStintError(error)
    const whole = { severity: 'error' as const, file: directory, line: 1, column: 1 }
    return { ok: false, policies: 0, errors: [{ ...whole, message: details.explanation ?? message }], warnings: [] }
  }
}

/** Plain text for a terminal: one line a problem, then the sum. */
export function formatPolicyCheck({ ok, hash, policies, errors, warnings }: PolicyCheck): string {
  const sum = ok
    ? `ok: ${policies} policies, ${warnings.length} warnings, hash ${hash}`
    : `refused: ${errors.length} errors, ${warnings.length} warnings`
  return `${[...errors, ...warnings].map(formatProblem).concat(sum).join('\n')}\n`
}
