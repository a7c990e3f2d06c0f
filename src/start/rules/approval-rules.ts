import type { Config } from '../../config/schema.ts'
import type { ApprovalRules } from '../../policy/approval-requirements.ts'

/** The requirements that the configuration adds to approvals. */
export function toApprovalRules({ policy, approvals }: Pick<Config, 'policy' | 'approvals'>): ApprovalRules {
  const { approvalsRequiredFor, allowWaivers } = policy
  // A class that is not named is undefined in the parsed record.
  return {
    approvalsRequiredFor,
    allowWaivers,
    byClass: withoutUndefined(approvals.byClass),
    minimumAssurance: withoutUndefined(approvals.minimumAssurance),
  }
}

function withoutUndefined<Key extends string, Value>(record: Partial<Record<Key, Value | undefined>>) {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<
    Record<Key, Value>
  >
}
