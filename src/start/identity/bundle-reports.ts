import type { ErrorCode } from '../../core/errors.ts'
import type { PartFinding, PartHealth } from '../../core/health/part-health.ts'
import type { BundleNote, BundleReports } from '../../identity/bundle/bundle-problems.ts'

/** Everything that a source of bundles has to say goes on the status; what is new in it also into the log. */
export function bundleReports(partHealth: PartHealth): BundleReports {
  return {
    onState: (component, problem) => partHealth.report(component, problem),
    onNotes: (component, notes) => partHealth.found(component, notes.map(toFinding)),
  }
}

function toFinding({ level, code: finding, explanation }: BundleNote): PartFinding {
  const code = FINDING_CODES.get(finding) ?? 'BUNDLE_INVALID'
  return { finding, code, explanation, level: level === 'alarm' ? 'error' : 'warn' }
}

const FINDING_CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['svid', 'SVID_INVALID'],
  ['svid-choice', 'SVID_AMBIGUOUS'],
])
