/** Each role may do all that the ones before it may. */
export const OPERATOR_ROLES = ['viewer', 'approver', 'operator', 'admin'] as const
export type OperatorRole = (typeof OPERATOR_ROLES)[number]

/** A person, or a program that acts for one, whose token the admin API has checked. */
export interface Operator {
  /** Unique; appears as `operator:<name>` in the record. */
  readonly name: string
  readonly role: OperatorRole
  /** Groups that approval requirements can name, e.g. `owners`. */
  readonly groups: readonly string[]
  /** Agents that this operator runs, as a registration matches them (exact, or a prefix with `/*`): it may never approve for them. */
  readonly subjects: readonly string[]
}

/** True if `operator` has `role` or a higher one. */
export function hasRole(operator: Operator, role: OperatorRole): boolean {
  return OPERATOR_ROLES.indexOf(operator.role) >= OPERATOR_ROLES.indexOf(role)
}
