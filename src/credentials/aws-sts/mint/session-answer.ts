import type { AssumeRoleCommandOutput, Credentials } from '@aws-sdk/client-sts'
import type { StoreProfile } from '../../../aws/store-profile.ts'
import { StintError } from '../../../core/errors.ts'
import { Secret } from '../../../core/secret.ts'
import type { IssuedCredentials } from '../../provider.ts'
import { requireRoleArn } from '../role-arn.ts'
import type { LeaseSession } from './lease-session.ts'

/** How far the times of an answer may lie from what our clock expects. */
export const EXPIRY_TOLERANCE_MS = 60_000
/** Temporary keys of AWS. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids */
const AWS_KEY_ID = /^ASIA[A-Z0-9]{12,124}$/
/** STS's own model of an access key id, for stand-ins that follow the model and not the prefix. */
const ANY_KEY_ID = /^\w{16,128}$/

/** See `StoreProfile.answers`; another source identity, role or session is refused in any case. */
export type AnswerStrictness = StoreProfile['answers']

/**
 * The credentials of an answer, once it is clear that they are for our role, our session and about our time.
 *
 * @throws {StintError} PROVIDER_ANSWER_INVALID; `details.field` names what was wrong and `details.outcome` is 'unknown',
 *   since a session may exist.
 */
export function checkedAnswer(
  answer: AssumeRoleCommandOutput,
  session: LeaseSession,
  options: { readonly durationSeconds: number; readonly now: Date; readonly strictness: AnswerStrictness },
): IssuedCredentials {
  const credentials = checkedCredentials(answer.Credentials, session.notAfter, options)
  checkSession(answer, session, options.strictness)
  return credentials
}

/**
 * The credentials of an answer, once it is clear that they are complete and about our time.
 *
 * @param options.not credentials that the answer must differ from.
 * @throws {StintError} as `checkedAnswer`
 */
export function checkedCredentials(
  credentials: Credentials | undefined,
  notAfter: Date,
  options: {
    readonly durationSeconds: number
    readonly now: Date
    readonly strictness: AnswerStrictness
    readonly not?: IssuedCredentials
  },
): IssuedCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = credentials ?? {}
  if (!AccessKeyId || !keyIdShape(options.strictness).test(AccessKeyId)) throw invalid('Credentials.AccessKeyId')
  if (!SecretAccessKey) throw invalid('Credentials.SecretAccessKey')
  if (!SessionToken) throw invalid('Credentials.SessionToken')
  if (AccessKeyId === options.not?.accessKeyId) throw invalid('Credentials.AccessKeyId')
  if (SessionToken === options.not?.sessionToken.reveal()) throw invalid('Credentials.SessionToken')
  const expiresMs = Expiration instanceof Date ? Expiration.getTime() : Number.NaN
  const issuedMs = expiresMs - options.durationSeconds * 1_000
  if (!(Math.abs(issuedMs - options.now.getTime()) <= EXPIRY_TOLERANCE_MS)) throw invalid('Credentials.Expiration')
  if (expiresMs <= notAfter.getTime()) throw invalid('Credentials.Expiration')
  return {
    kind: 'aws',
    id: AccessKeyId,
    accessKeyId: AccessKeyId,
    secretAccessKey: new Secret(SecretAccessKey),
    sessionToken: new Secret(SessionToken),
    sessionExpiresAt: new Date(expiresMs),
    // AWS compares aws:TokenIssueTime by its own clock: the later of the two readings keeps a watermark honest.
    issuedAt: new Date(Math.max(issuedMs, options.now.getTime())),
  }
}

function checkSession(answer: AssumeRoleCommandOutput, session: LeaseSession, strictness: AnswerStrictness): void {
  const role = requireRoleArn(session.roleArn)
  const { Arn: sessionArn, AssumedRoleId: roleId } = answer.AssumedRoleUser ?? {}
  const named = (path: string) =>
    `arn:${role.partition}:sts::${role.accountId}:assumed-role${path}${role.name}/${session.sessionName}`
  const keepsPath = strictness !== 'aws' && sessionArn === named(role.path)
  const namesNone = strictness === 'no-role' && !sessionArn
  if (sessionArn !== named('/') && !keepsPath && !namesNone) throw invalid('AssumedRoleUser.Arn')
  if (roleId !== undefined && !(namesNone && roleId === '') && !roleId.endsWith(`:${session.sessionName}`))
    throw invalid('AssumedRoleUser.AssumedRoleId')
  const unknownToStandIn = strictness !== 'aws' && !answer.SourceIdentity
  if (answer.SourceIdentity !== session.sourceIdentity && !unknownToStandIn) throw invalid('SourceIdentity')
}

function keyIdShape(strictness: AnswerStrictness): RegExp {
  return strictness === 'aws' ? AWS_KEY_ID : ANY_KEY_ID
}

function invalid(field: string): StintError {
  return new StintError('PROVIDER_ANSWER_INVALID', {
    explanation: `STS answered, but ${field} is missing or not what was asked for; the session is treated as issued and not handed out.`,
    field,
    outcome: 'unknown',
  })
}
