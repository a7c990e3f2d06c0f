import { z } from '../../core/documents/schema.ts'
import { matchProblem } from '../../registry/agent-match.ts'

/** The roles of operators; each may do all that the ones before it may. */
export const OPERATOR_ROLES = ['viewer', 'approver', 'operator', 'admin'] as const
/** A member of `OPERATOR_ROLES`. */
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
  /** Missing: this operator sees everything. See `isInScope`. */
  readonly scope?: OperatorScope | undefined
}

/** The part of the broker that an operator sees and acts on; all that are given must hold. */
export interface OperatorScope {
  readonly teams?: readonly string[] | undefined
  /** Ids of the accounts of roles. */
  readonly accounts?: readonly string[] | undefined
}

/** True if `operator` has `role` or a higher one. */
export function hasRole(operator: Operator, role: OperatorRole): boolean {
  return OPERATOR_ROLES.indexOf(operator.role) >= OPERATOR_ROLES.indexOf(role)
}

const subjectSchema = z
  .string()
  .refine(
    (text) => matchProblem(text) === undefined,
    'must match agents as a registration does: a SPIFFE ID, a prefix such as spiffe://example.org/ci/*, or the subject of an OIDC issuer',
  )

/** One token of one operator, as the configuration has it. An operator who changes tokens has two rows for a while. */
export const operatorRowSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._@-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 . _ @ -'),
  role: z.enum(OPERATOR_ROLES),
  /** Lower-case hex SHA-256 of the token. */
  tokenSha256: z
    .string()
    .regex(
      /^[0-9a-f]{64}$/,
      'must be the 64 hex digits that `stint operators token` prints, in lower case, never the token itself',
    ),
  groups: z.array(z.string().min(1).max(64)).max(50),
  subjects: z.array(subjectSchema).max(50),
  /** The part that the operator sees and may act on; everything unless set. */
  scope: z
    .strictObject({
      teams: z.array(z.string().min(1).max(100)).min(1).max(100).optional(),
      accounts: z
        .array(z.string().regex(/^\d{12}$/, 'must be an account id of 12 digits, in quotes'))
        .min(1)
        .max(1_000)
        .optional(),
    })
    .refine(({ teams, accounts }) => teams !== undefined || accounts !== undefined, 'must name teams or accounts')
    .optional(),
  expiresAt: z.date(),
})

/** A row that has been checked. */
export type OperatorRow = z.infer<typeof operatorRowSchema>
