import { z } from '@hono/zod-openapi'
import { idPattern } from '../../core/ids.ts'
import { parseInstant } from '../../core/instant.ts'
import { APPROVAL_STATES, GRANT_STATES } from '../../ledger/records.ts'
import { EXAMPLE_IDS } from './values.ts'

// Patterns are enforced and published, and read by regular expressions of other languages: so classes are spelled out.
const CONTROLS = '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f'

const BLANKS = '\\t\\n \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff'

/** No control character but line end and tab. */
const PLAIN_TEXT = new RegExp(`^[^${CONTROLS}]*$`)

/** The same, with something to read. */
const WORDS = new RegExp(`^[^${CONTROLS}]*[^${CONTROLS}${BLANKS}][^${CONTROLS}]*$`)

/** Text from a caller: never repeated in a message, and not stored if it could mislead a reader. @param max code points */
const text = (max: number, pattern = PLAIN_TEXT, problem = 'must be plain text') =>
  z
    .string()
    .min(1, { error: 'must not be empty', abort: true })
    .refine((value) => [...value].length <= max, `must be at most ${max} characters`)
    .regex(pattern, problem)
    .refine((value) => value.isWellFormed(), problem)
    .openapi({ maxLength: max })

const idParam = (prefix: 'grt' | 'apr') =>
  z.strictObject({
    id: z
      .string()
      .regex(idPattern(prefix), `must be ${prefix}_ and 26 characters`)
      .openapi({ param: { name: 'id', in: 'path' }, example: EXAMPLE_IDS[prefix] }),
  })

/** The path parameter `id` of a grant. */
export const grantIdParam = idParam('grt')

/** The path parameter `id` of an approval. */
export const approvalIdParam = idParam('apr')

const integer = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .default(fallback)
    .openapi({ type: 'integer', minimum: min, maximum: max, default: fallback })

const instantQuery = (description: string) =>
  z
    .string()
    .transform((value, context) => {
      const at = parseInstant(value)
      if (at) return at
      context.addIssue('must be an RFC 3339 date and time; the + of an offset is written %2B in a URL')
      return z.NEVER
    })
    .optional()
    .openapi({ type: 'string', format: 'date-time', description })

const pageQuery = {
  limit: integer(1, 200, 50),
  cursor: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, 'must be the nextCursor of the previous page')
    .optional()
    .openapi({ description: 'nextCursor of the previous page; opaque' }),
}

/** The query of a route that takes none. */
export const noQuery = z.strictObject({})

/** The query of a list that cannot be filtered. */
export const pageOnlyQuery = z.strictObject(pageQuery)

const agentQuery = text(2048).optional().openapi({
  description: 'exact SPIFFE ID, exact subject at an OIDC issuer, or name of a registration',
  example: 'spiffe://example.org/ci/deploy',
})

/** The query of `GET /v1/approvals`. */
export const approvalsQuery = z.strictObject({
  agent: agentQuery,
  state: z.enum(APPROVAL_STATES).optional(),
  ...pageQuery,
})

/** The query of `GET /v1/grants`. */
export const grantsQuery = z.strictObject({
  agent: agentQuery,
  owner: text(256).optional().openapi({ description: "exact owner, from the agent's registration" }),
  state: z.enum(GRANT_STATES).optional(),
  role: text(2048).optional().openapi({ description: 'exact role ARN' }),
  requestedAfter: instantQuery('requested after this instant'),
  requestedBefore: instantQuery('requested before this instant'),
  ...pageQuery,
})

/** The scope of a kill. @param scopes what can be killed */
export const killWishFields = <Scopes extends readonly [string, ...string[]]>(scopes: Scopes) => ({
  scope: z.enum(scopes),
  value: text(2048).optional().openapi({
    description: 'which one: an id, an agent, an owner …; left out, or `*`, for everything',
    example: 'spiffe://example.org/ci/deploy',
  }),
})

/** The query of `GET /v1/kills`. */
export const killsQuery = z.strictObject({
  state: z.enum(['in_force', 'lifted']).optional(),
  ...pageQuery,
})

/** A page of entries whose keys hold ARNs. */
const entryPageQuery = {
  limit: integer(1, 200, 50),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,8000}$/, 'must be the nextCursor of the previous page')
    .optional()
    .openapi({ description: 'nextCursor of the previous page; opaque' }),
}

/** The query of `GET /v1/reach`. */
export const reachQuery = z.strictObject({
  grant: z.string().regex(idPattern('grt'), 'must be grt_ and 26 characters').optional(),
  agent: text(2048).optional().openapi({ description: 'exact subject, or the name of a registration' }),
  owner: text(256).optional(),
  team: text(256).optional(),
  account: z
    .string()
    .regex(/^\d{12}$/, 'must be an account id of 12 digits')
    .optional(),
  since: instantQuery('all grants that could act since this instant; those that can act now unless set'),
  ...entryPageQuery,
})

/** The query of `GET /v1/reach/may`. */
export const mayQuery = z.strictObject({
  agent: text(2048).openapi({ description: 'exact subject, or the name of a registration' }),
  ...entryPageQuery,
})

/** The query of `GET /v1/audit/events`. */
export const auditEventsQuery = z.strictObject({
  afterPosition: integer(0, Number.MAX_SAFE_INTEGER, 0).openapi({ description: 'returns events after this position' }),
  // More than a list, since an export reads the whole log.
  limit: integer(1, 1_000, 100),
})

/** The reason of a call that changes something: 1 to 500 characters. */
export const note = text(500, WORDS, 'must say why, in plain text').openapi({
  description: 'the reason, in your own words; recorded in the audit log',
  example: 'Wrong bucket: the job runs against staging',
})

/** The body of a call that needs a reason only. */
export const noteBody = z.strictObject({ note }).openapi('Note')

/** The body of the opening of a quarantined ledger. */
export const openingBody = z
  .strictObject({
    note,
    acceptRisk: text(500, WORDS, 'must say why, in plain text').optional().openapi({
      description: 'why it is opened although sessions from before may still work',
    }),
  })
  .openapi('QuarantineOpening')

/** The body of an approval or a rejection: the plan that the person saw, and why. */
export const decisionBody = z
  .strictObject({
    planHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be the hash of the plan that was shown, all 64 hex digits')
      .openapi({ description: 'hash of the plan that you were shown; a different hash fails with APPROVAL_STALE' }),
    note,
  })
  .openapi('ApprovalAnswer')
