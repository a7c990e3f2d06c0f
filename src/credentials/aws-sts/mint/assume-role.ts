import type { LeaseEndForm } from '../../../aws/store-profile.ts'
import type { Clock } from '../../../core/clock.ts'
import { StintError } from '../../../core/errors.ts'
import type { TokenBucket } from '../../../core/limits/token-bucket.ts'
import type { Secret } from '../../../core/secret.ts'
import type { IssuedCredentials } from '../../provider.ts'
import type { MintLanes } from '../accounts/mint-lanes.ts'
import type { SendAssumeRole } from '../calls/assume-role-call.ts'
import type { Exchange } from '../calls/call.ts'
import { failedCall, type ProviderObserver } from '../calls/observer.ts'
import { type Attempt, type RetryLimits, withRetry } from '../calls/retry.ts'
import type { BrokerCredentials } from '../own-credentials/broker-credentials.ts'
import type { ExternalIds } from './external-ids.ts'
import type { LeaseSession } from './lease-session.ts'
import type { PackedSizes } from './packed-sizes.ts'
import { type AnswerStrictness, checkedAnswer } from './session-answer.ts'
import { sessionRequest } from './session-request.ts'

const REPORTED_SKEW_MS = 60_000
const REFUSED_SKEW_MS = 300_000

/** Dependencies of AssumeRole. The external ids are read per mint. */
export interface AssumeRoleDeps {
  readonly assumeRole: SendAssumeRole
  /** The credentials that the call is signed with. */
  readonly credentials: BrokerCredentials
  readonly clock: Clock
  readonly random: () => number
  readonly bucket: TokenBucket
  readonly limits: RetryLimits
  /** Timeout per try, including reading the broker's own credentials and the answer. */
  readonly attemptTimeoutMs: number
  readonly strictness: AnswerStrictness
  readonly leaseEnd: LeaseEndForm
  readonly externalIds: Pick<ExternalIds, 'read'>
  readonly lanes: MintLanes
  readonly sizes: PackedSizes
  readonly observer: ProviderObserver
}

/**
 * Mints leases by STS AssumeRole. Every try of a lease carries the same RoleSessionName and SourceIdentity, so one deny
 * covers whatever the tries made between them.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export class AssumeRoleMinter {
  readonly #deps: AssumeRoleDeps

  constructor(deps: AssumeRoleDeps) {
    this.#deps = deps
  }

  /** @throws {StintError} as `CredentialProvider.mint`. */
  async mint(session: LeaseSession, signal: AbortSignal): Promise<IssuedCredentials> {
    const { clock, random, limits, bucket, credentials, observer, sizes } = this.#deps
    sizes.check(session)
    const call = { service: 'sts', operation: 'AssumeRole', roleArn: session.roleArn } as const
    const externalId = await this.#deps.externalIds.read(session.roleArn)
    return withRetry(
      (attempt) => this.#once(session, externalId, attempt, signal),
      {
        operation: call.operation,
        roleArn: call.roleArn,
        ...(externalId && { secrets: [externalId.reveal()] }),
      },
      signal,
      {
        clock,
        random,
        limits,
        credentials,
        breaker: this.#deps.lanes.breaker(session.roleArn),
        slots: this.#deps.lanes.slots(session.roleArn),
        pace: (maxWaitMs, abort) => bucket.acquire({ maxWaitMs, signal: abort }),
        onFault: (fault, number) => {
          if (fault.row.kind === 'throttled') bucket.slowDown()
          sizes.failed(session, fault)
          observer.callFailed?.(failedCall(call, fault, number))
        },
        onEnd: (error) => observer.callEnded?.({ ...call, error }),
      },
    )
  }

  async #once(
    session: LeaseSession,
    externalId: Secret | undefined,
    attempt: Attempt,
    signal: AbortSignal,
  ): Promise<IssuedCredentials> {
    const { assumeRole, clock, strictness, leaseEnd, attemptTimeoutMs } = this.#deps
    const input = sessionRequest(session, externalId, clock.now(), leaseEnd)
    const exchange: Exchange = { sent: false }
    try {
      const answer = await assumeRole(input, { timeoutMs: attemptTimeoutMs, signal, exchange })
      attempt.sent = true
      const now = clock.now()
      this.#checkClock(exchange, now, 'unknown')
      const issued = checkedAnswer(answer, session, { durationSeconds: input.DurationSeconds ?? 0, now, strictness })
      this.#deps.sizes.minted(session, answer)
      return issued
    } catch (error) {
      attempt.sent = exchange.sent
      if (!(error instanceof StintError)) this.#checkClock(exchange, clock.now(), readOutcome(error))
      throw error
    }
  }

  #checkClock(exchange: Exchange, now: Date, outcome: 'not_minted' | 'unknown'): void {
    if (!exchange.serverDate) return
    const skewMs = exchange.serverDate.getTime() - now.getTime()
    if (Math.abs(skewMs) > REPORTED_SKEW_MS) this.#deps.observer.clockSkewed?.(skewMs)
    if (Math.abs(skewMs) <= REFUSED_SKEW_MS) return
    throw new StintError('CLOCK_UNSTABLE', {
      explanation: `The broker's clock and STS differ by ${Math.round(skewMs / 1_000)} s; the limit is 300 s. Check NTP on this machine.`,
      skewSeconds: Math.round(skewMs / 1_000),
      outcome,
    })
  }
}

/** A plain refusal (4xx) made no session; any other failed exchange may have. */
function readOutcome(error: unknown): 'not_minted' | 'unknown' {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode
  return status !== undefined && status >= 400 && status < 500 ? 'not_minted' : 'unknown'
}
