import type { ErrorCode, StintError } from '../../core/errors.ts'
import type { PartFinding, PartHealth } from '../../core/part-health.ts'
import type { BundleNote, BundleReports } from '../../identity/bundle-problems.ts'

/** Everything that a source of bundles has to say goes on the status; what is new in it also into the log. */
export function bundleReports(partHealth: PartHealth): BundleReports {
  return {
    onState: (component, problem) => reportState(partHealth, component, problem),
    onNotes: (component, notes) => partHealth.found(component, notes.map(toFinding)),
  }
}

/** Says what is wrong with a component now; undefined: it works. */
export function reportState(partHealth: PartHealth, component: string, problem: StintError | undefined): void {
  if (problem) partHealth.failed(component, problem)
  else partHealth.well(component)
}

function toFinding({ level, code: finding, explanation }: BundleNote): PartFinding {
  const code = FINDING_CODES.get(finding) ?? 'BUNDLE_INVALID'
  return { finding, code, explanation, level: level === 'alarm' ? 'error' : 'warn' }
}

const FINDING_CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['svid', 'SVID_INVALID'],
  ['svid-choice', 'SVID_AMBIGUOUS'],
])
