import { z } from '../core/documents/schema.ts'
import { matchProblem } from '../registry/agent-match.ts'
import { OPERATOR_ROLES } from './operator.ts'

const subject = z
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
  subjects: z.array(subject).max(50),
  expiresAt: z.date(),
})

/** A row that has been checked. */
export type OperatorRow = z.infer<typeof operatorRowSchema>
