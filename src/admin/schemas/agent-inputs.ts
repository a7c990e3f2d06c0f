import { z } from '@hono/zod-openapi'
import { parseInstant, startOfDay } from '../../core/instant.ts'
import { readText } from '../../core/text/readable-text.ts'
import { matchProblem } from '../../registry/agent-match.ts'
import { REGISTRATION_NAME } from '../../registry/parse-registry.ts'
import { note } from './inputs.ts'

/** As a registry file takes it: nothing is trimmed or normalised in silence. */
const words = (max: number) =>
  z
    .string()
    .min(1, { error: 'must not be empty', abort: true })
    .refine((value) => [...value].length <= max, `must be at most ${max} characters`)
    .superRefine((value, context) => {
      const read = readText(value)
      if ('problem' in read) context.addIssue(read.problem)
      else if (read.text !== value) context.addIssue('must be trimmed, with plain spaces, in NFC')
    })
    .openapi({ maxLength: max })

const day = (description: string) =>
  z
    .string()
    .transform((value, context) => {
      const at = startOfDay(value) ?? parseInstant(value)
      if (at) return at
      context.addIssue('must be a day such as 2027-06-30 (its start, UTC) or an RFC 3339 date and time')
      return z.NEVER
    })
    .openapi({ type: 'string', description, example: '2027-06-30' })

const name = z
  .string()
  .regex(REGISTRATION_NAME, 'must be lower-case letters, digits, dots, dashes, 100 characters at most')

const match = z
  .string()
  .max(2_048, 'must be at most 2048 characters')
  .superRefine((value, context) => {
    const problem = matchProblem(value)
    if (problem) context.addIssue(problem)
  })
  .openapi({
    description: 'an agent, or a prefix of agents that ends in /* (SPIFFE) or ;* (OIDC)',
    example: 'spiffe://example.org/lab/*',
  })

const fields = {
  match,
  owner: words(200),
  team: words(100),
  purpose: words(500),
  contact: words(200).optional(),
  expires: day('its agents get nothing from then on'),
  review: day('by then somebody must have reviewed it; default: one review period from now').optional(),
}

const version = z
  .number()
  .int()
  .min(1)
  .max(1_000_000_000)
  .openapi({ description: 'version of the registration that you were shown' })

/** The path parameter `name` of a registration. */
export const registrationParam = z.strictObject({
  name: name.openapi({ param: { name: 'name', in: 'path' }, example: 'invoice-bot' }),
})

/** The body of a registration. */
export const registerBody = z.strictObject({ name, ...fields, note }).openapi('NewRegistration')

/** The body of a change: the fields that change. */
export const changeBody = z
  .strictObject({ ...z.object(fields).partial().shape, version, note })
  .openapi('RegistrationChange')

/** The body of a call that needs the version that was shown and a reason. */
export const versionBody = z.strictObject({ version, note }).openapi('RegistrationVersion')

/** The body of a signature of a review. */
export const signatureBody = z
  .strictObject({
    shown: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be the digest of the review that was shown, all 64 hex digits')
      .openapi({ description: '`shown` of the review that you looked at; a different one fails with REVIEW_STALE' }),
    note,
  })
  .openapi('ReviewSignature')

/** Fields as the domain names them. */
export function toFields<T extends { readonly expires?: Date | undefined; readonly review?: Date | undefined }>({
  expires,
  review,
  ...others
}: T) {
  return withoutUndefined({ ...others, expiresAt: expires, reviewAt: review })
}

/** A field that was not given is missing, so that it cannot overwrite one that is there. */
function withoutUndefined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never
}
