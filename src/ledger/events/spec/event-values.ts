import { z } from '../../../core/documents/schema.ts'
import { ERROR_CATALOG, type ErrorCode } from '../../../core/errors.ts'
import { AUTH_METHODS } from '../../../identity/caller-identity.ts'

/** RFC 3339 in UTC. */
export const instant = z.iso.datetime()
/** 0, 1, 2 … */
export const count = z.int().nonnegative()
/** Free text; may be empty. */
export const text = z.string()
/** A code of ERROR_CATALOG. */
export const errorCode = z.enum(Object.keys(ERROR_CATALOG) as [ErrorCode, ...ErrorCode[]]).meta({ title: 'error code' })
/** A note of a person or an agent. */
export const note = text.describe('What the person or the agent said about it')
/** The error of a call that was turned away. */
export const code = errorCode.describe('The error that the caller got')
/** Lower-case hex. */
export const planHash = text.describe('SHA-256 of the plan')
/** How the caller proved its identity. */
export const authMethod = z.enum(AUTH_METHODS).describe('How the agent proved its identity')
/** Lower-case hex. */
export const policySetHash = text.describe('SHA-256 of the policy set that decided')
/** Ids of deciding policies. */
export const policies = z.array(text).readonly().describe('Ids of the policies that decided, sorted')

/** How the agent proved its identity: public facts, never the proof itself. */
export const identityEvidence = {
  certificateFingerprint: text.exactOptional().describe('SHA-256 of the certificate that the agent showed'),
  tokenId: text
    .exactOptional()
    .describe('`jti` of the token that the agent showed, else a hash of it; never the token'),
  facets: z
    .record(text, text)
    .readonly()
    .exactOptional()
    .describe('What the token issuer says about the agent beyond its name'),
}
