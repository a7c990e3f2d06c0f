import { AssumeRoleCommand, type AssumeRoleCommandOutput } from '@aws-sdk/client-sts'
import { StintError } from '../../../core/errors.ts'
import type { TokenBucket } from '../../../core/limits/token-bucket.ts'
import { type Exchange, sendOnce } from '../calls/call.ts'
import { failedCall, type ObservedCall } from '../calls/observer.ts'
import { type RetryLimits, withRetry } from '../calls/retry.ts'
import type { DenyDocument } from '../deny/deny-list-locations.ts'
import type { ExternalIds, RoleExternalId } from '../mint/external-ids.ts'
import { MIN_SESSION_SECONDS } from '../mint/lease-session.ts'
import type { BrokerKeys } from '../own-credentials/broker-credentials.ts'
import type { CallerIdentityDeps } from '../own-credentials/caller-identity.ts'

/** Dependencies of assuming a revoker. */
export interface RevokerSessionDeps extends CallerIdentityDeps {
  /** Paces these calls apart from those that mint, so that neither waits for the other. */
  readonly bucket: TokenBucket
  readonly externalIds: ExternalIds
}

/** One session of a role that the broker assumes for itself. */
interface RevokerRequest {
  readonly roleArn: string
  readonly externalId: RoleExternalId | undefined
  /** The deny document of a revoker. */
  readonly target?: string
  readonly sessionPolicy: string
  /** Default `REVOKER_SESSION_NAME`. */
  readonly sessionName?: string
  /** The role's part, for an explanation. Default `revoker`. */
  readonly noun?: string
}

/** The name of the sessions in the account's log. They have no source identity, which could collide with that of a grant. */
export const REVOKER_SESSION_NAME = 'stint-revoker'

/** Shorter than the time for a write, so that some of it is left for the write itself. */
const LIMITS: RetryLimits = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 1_000, totalMs: 8_000 }

/**
 * Assumes a revoker for one document, or a reader for some roles, by the shortest session that STS allows. Its session policy allows
 * nothing but reading and writing that document, or reading those roles. The credentials stay in this process.
 *
 * @throws {StintError} PROVIDER_*; `details.roleArn` names the assumed role.
 */
export async function assumeRevoker(
  deps: RevokerSessionDeps,
  {
    roleArn,
    externalId: kept,
    target,
    sessionPolicy,
    sessionName = REVOKER_SESSION_NAME,
    noun = 'revoker',
  }: RevokerRequest,
  signal: AbortSignal,
): Promise<BrokerKeys> {
  const { client, clock, random, credentials, attemptTimeoutMs: timeoutMs, observer, bucket } = deps
  const ids = { roleArn, ...(target !== undefined && { target }) }
  const call: ObservedCall = { service: deps.service, operation: 'AssumeRole', ...ids }
  try {
    const externalId = kept && (await deps.externalIds.read(roleArn, kept))
    const secrets = externalId ? [externalId.reveal()] : []
    return await withRetry(
      async (attempt) => {
        const exchange: Exchange = { sent: false }
        const command = new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: sessionName,
          DurationSeconds: MIN_SESSION_SECONDS,
          Policy: sessionPolicy,
          ...(externalId && { ExternalId: externalId.reveal() }),
        })
        try {
          const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal })
          return toKeys(await sendOnce(send, command, { timeoutMs, signal, exchange }), noun)
        } finally {
          attempt.sent = exchange.sent
        }
      },
      { operation: call.operation, ...ids, secrets },
      signal,
      {
        clock,
        random,
        limits: LIMITS,
        credentials,
        pace: (maxWaitMs, abort) => bucket.acquire({ maxWaitMs, signal: abort }),
        onFault: (fault, attempt) => {
          if (fault.row.kind === 'throttled') bucket.slowDown()
          observer.callFailed?.(failedCall(call, fault, attempt))
        },
        onEnd: (error) => observer.callEnded?.({ ...call, error }),
      },
    )
  } catch (thrown) {
    throw thrown instanceof StintError ? named(thrown, roleArn, noun) : thrown
  }
}

/** The actions that the broker uses on a document, by its kind. */
export const DOCUMENT_ACTIONS = {
  boundary: [
    'iam:CreatePolicyVersion',
    'iam:DeletePolicyVersion',
    'iam:GetPolicy',
    'iam:GetPolicyVersion',
    'iam:ListPolicyVersions',
  ],
  attached: [
    'iam:CreatePolicyVersion',
    'iam:DeletePolicyVersion',
    'iam:GetPolicy',
    'iam:GetPolicyVersion',
    'iam:ListEntitiesForPolicy',
    'iam:ListPolicyVersions',
  ],
  inline: ['iam:DeleteRolePolicy', 'iam:GetRolePolicy', 'iam:ListRolePolicies', 'iam:PutRolePolicy'],
} as const satisfies Record<DenyDocument['kind'], readonly string[]>

/** The session policy that allows these actions on one document and nothing else. */
export function documentPolicy(document: DenyDocument, target: string): string {
  const Resource = target.slice(target.indexOf(':') + 1)
  const statement = { Effect: 'Allow', Action: DOCUMENT_ACTIONS[document.kind], Resource }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}

function toKeys({ Credentials: given }: AssumeRoleCommandOutput, noun: string): BrokerKeys {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {}
  if (AccessKeyId && SecretAccessKey && SessionToken && Expiration && Number.isFinite(Expiration.getTime()))
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    }
  throw new StintError('PROVIDER_ANSWER_INVALID', {
    explanation: `STS answered without the credentials of the ${noun}.`,
    provider: 'aws-sts',
  })
}

function named({ code, details, cause }: StintError, roleArn: string, noun: string): StintError {
  const explanation = `The broker could not assume the ${noun} ${roleArn}. ${details.explanation ?? ''}`.trim()
  return new StintError(code, { ...details, explanation }, cause)
}
