import { asStintError } from '../core/errors.ts'
import type { LabelSet } from '../plan/labels/labels.ts'
import type { ApprovalRules } from './approval-requirements.ts'
import { findIdleLabels } from './checks/idle-labels.ts'
import { findIdleRegistrations } from './checks/idle-registrations.ts'
import { findIdleWaivers } from './checks/idle-waivers.ts'
import { findUnknownNames, type KnownNames, listLooked } from './checks/known-names.ts'
import { findOverlappingMarks } from './checks/overlapping-marks.ts'
import { findUnanswerable, findUnanswerableClasses } from './checks/unanswerable.ts'
import type { Policy } from './policy.ts'
import { formatProblem, POLICY_SUFFIX } from './policy-directory.ts'
import { readPolicyFiles } from './policy-files.ts'
import { comparePlaces, compilePolicySet, type PolicyProblem } from './policy-set.ts'

/** The findings of `stint policy check`. */
export interface PolicyCheck {
  /** False if anything is an error: the set would be refused, or names something that exists nowhere. */
  readonly ok: boolean
  /** Hash of the set, if the broker would load it. */
  readonly hash?: string
  readonly policies: number
  readonly errors: readonly PolicyProblem[]
  readonly warnings: readonly PolicyProblem[]
  /** Files that the policies' names were compared with: labels, registrations, operators, roles, trust domains. */
  readonly checked: readonly string[]
  /** Files that nobody gave to compare them with. */
  readonly notChecked: readonly string[]
}

/** Files and settings that a policy set is checked against, as far as they are given. */
export interface PolicySurroundings {
  readonly known?: KnownNames
  /** Counts the people who could answer for a group now; `any` stands for all approvers. */
  readonly countApprovers?: (group: string) => number
  /** The labels, and the file that they are in. */
  readonly labels?: { readonly set: LabelSet; readonly file: string }
  /** The configuration of approvals. */
  readonly approvals?: ApprovalRules
}

/** Checks a directory of policies as the broker would load it. Does not throw for anything in the directory. */
export async function checkPolicies(directory: string, surroundings: PolicySurroundings = {}): Promise<PolicyCheck> {
  const looked = listLooked(surroundings.known ?? {})
  try {
    const { set, problems } = compilePolicySet(await readPolicyFiles(directory, POLICY_SUFFIX))
    const all = [...problems, ...(set ? checkAgainst(set.policies, surroundings) : [])].sort(comparePlaces)
    const errors = all.filter(({ severity }) => severity === 'error')
    return {
      ok: errors.length === 0,
      ...(set && { hash: set.hash }),
      policies: set?.policies.length ?? 0,
      errors,
      warnings: all.filter(({ severity }) => severity === 'warning'),
      ...looked,
    }
  } catch (error) {
    const { details, message } = asStintError(error)
    const whole = { severity: 'error' as const, file: directory, line: 1, column: 1 }
    const errors = [{ ...whole, message: details.explanation ?? message }]
    return { ok: false, policies: 0, errors, warnings: [], ...looked }
  }
}

/** Problems of policies that load, with what surrounds them: unknown names, approvals that nobody can give, idle waivers. */
export function checkAgainst(
  policies: readonly Policy[],
  { known = {}, countApprovers, labels, approvals }: PolicySurroundings,
): PolicyProblem[] {
  const unknown = findUnknownNames(policies, known)
  // A group that does not exist is reported once, as unknown.
  const said = new Set(unknown.map(toPlace))
  const unanswerable = countApprovers ? findUnanswerable(policies, countApprovers) : []
  return [
    ...unknown,
    ...unanswerable.filter((problem) => !said.has(toPlace(problem))),
    ...(countApprovers && approvals ? findUnanswerableClasses(approvals, countApprovers) : []),
    ...(labels && approvals ? findIdleWaivers(policies, { ...approvals, labels: labels.set }) : []),
    ...(labels ? findOverlappingMarks(labels.set, labels.file) : []),
    ...(labels ? findIdleLabels(labels.set, labels.file) : []),
    ...findIdleRegistrations(known),
  ]
}

/** Plain text for a terminal: a line for each problem, then the total and the files that were compared. */
export function formatPolicyCheck({ ok, hash, policies, errors, warnings, checked, notChecked }: PolicyCheck): string {
  const sum = ok
    ? `ok: ${policies} policies, ${warnings.length} warnings, hash ${hash}`
    : `refused: ${errors.length} errors, ${warnings.length} warnings`
  const looked = [
    ...(checked.length > 0 ? [`names compared with: ${checked.join(', ')}`] : []),
    ...(notChecked.length > 0
      ? [`names not compared with: ${notChecked.join(', ')} (see --config, --labels and --registry)`]
      : []),
  ]
  return `${[...errors, ...warnings].map(formatProblem).concat(sum, looked).join('\n')}\n`
}

function toPlace({ file, line, column }: PolicyProblem): string {
  return `${file}:${line}:${column}`
}
