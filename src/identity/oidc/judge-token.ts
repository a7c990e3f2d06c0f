import { asStintError, type ErrorCode } from '../../core/errors.ts'
import { type TokenParts, tokenInvalid } from '../jwt/jwt-token.ts'
import { keyId, listChecks } from './checks.ts'
import type { OidcIssuer } from './issuer.ts'
import type { IssuerKey } from './keys/jwks.ts'
import { checkSignature, readSubject } from './oidc-verifier.ts'

/** One check of a token, for an operator to read. */
export interface JudgedCheck {
  /** e.g. `audience`, `subject repository_id`. */
  readonly name: string
  /** `skipped`: it was not made, so nothing is known. */
  readonly verdict: 'pass' | 'fail' | 'skipped'
  /** The finding: a value, or what is wrong. May hold claims, never the token. */
  readonly finding: string
  readonly code?: ErrorCode
}

/** How a token would be judged. */
export interface TokenJudgement {
  readonly checks: readonly JudgedCheck[]
  /** Our name of its issuer. */
  readonly alias?: string
  /** The subject, if every check passed. */
  readonly subject?: string
}

/**
 * Makes every check of a token's issuer, not only those up to the first failure: the very checks of `OidcVerifier`.
 *
 * @param keys of the issuer by `kid`; without them the signature is skipped.
 */
export async function judgeToken(
  token: TokenParts,
  { issuer, now, keys }: { issuer: OidcIssuer; now: Date; keys?: ReadonlyMap<string, IssuerKey> },
): Promise<TokenJudgement> {
  const checks = [
    await judged('issuer', () => {
      if (token.claims.iss === issuer.issuer) return `${issuer.issuer} is ${issuer.alias}`
      throw tokenInvalid('issuer', "The token's iss must match the issuer exactly.")
    }),
  ]
  for (const { name, run } of listChecks(issuer)) checks.push(await judged(name, () => run(token, now)))
  checks.push(keys ? await judged('signature', () => signatureFinding(token, keys)) : SIGNATURE_SKIPPED)
  let subject: string | undefined
  const named = await judged('agent', () => {
    subject = readSubject(token.claims, issuer)
    return subject
  })
  return { checks: [...checks, named], alias: issuer.alias, ...(subject === undefined ? {} : { subject }) }
}

const SIGNATURE_SKIPPED: JudgedCheck = {
  name: 'signature',
  verdict: 'skipped',
  finding: "not checked, because the issuer's keys were not fetched",
}

/** Runs one check and says how it went. */
export async function judged(name: string, run: () => string | Promise<string>): Promise<JudgedCheck> {
  try {
    return { name, verdict: 'pass', finding: await run() }
  } catch (thrown) {
    const { code, details, message } = asStintError(thrown)
    return { name, verdict: 'fail', finding: details.explanation ?? message, code }
  }
}

async function signatureFinding(token: TokenParts, keys: ReadonlyMap<string, IssuerKey>): Promise<string> {
  const key = keys.get(keyId(token))
  if (!key) throw tokenInvalid('kid', "The token's issuer has no key with this kid.")
  await checkSignature(token, key)
  return "verifies with the issuer's published key"
}
