import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts'
import type { Clock } from '../../../core/clock.ts'
import { type Exchange, sendOnce } from '../calls/call.ts'
import { failedCall, type ObservedCall, type ProviderObserver } from '../calls/observer.ts'
import { type RetryLimits, withRetry } from '../calls/retry.ts'
import type { BrokerCredentials } from './broker-credentials.ts'

/** The identity that AWS sees behind a set of credentials. */
export interface CallerIdentity {
  readonly account: string
  readonly arn: string
  /** AWS's clock minus ours, to the second; absent when the answer carried no date. */
  readonly skewMs?: number
}

/** The broker's credentials for one service, and the client to ask STS with. */
export interface CallerIdentityDeps {
  /** The service that these credentials are for: `iam` if the revoker has others than the minting broker. */
  readonly service: ObservedCall['service']
  readonly client: STSClient
  readonly credentials: BrokerCredentials
  readonly clock: Clock
  readonly random: () => number
  readonly attemptTimeoutMs: number
  readonly observer: ProviderObserver
}

/** The call needs no permission, so that it fails only when the credentials, the clock or the way to STS do. */
export const LOOK_OPERATION = 'GetCallerIdentity'

const LIMITS: RetryLimits = { maxAttempts: 2, baseDelayMs: 100, maxDelayMs: 1_000, totalMs: 15_000 }

/**
 * Asks STS who we are; credentials that it refuses are read anew and asked with once more.
 *
 * @throws {StintError} PROVIDER_*, CANCELLED
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function lookUpCaller(deps: CallerIdentityDeps, signal: AbortSignal): Promise<CallerIdentity> {
  const { client, clock, random, credentials, observer, attemptTimeoutMs: timeoutMs } = deps
  const call: ObservedCall = { service: deps.service, operation: LOOK_OPERATION }
  return withRetry(
    async (attempt) => {
      const exchange: Exchange = { sent: false }
      const command = new GetCallerIdentityCommand({})
      try {
        const answer = await sendOnce((abortSignal) => client.send(command, { abortSignal }), command, {
          timeoutMs,
          signal,
          exchange,
        })
        const { serverDate } = exchange
        return {
          account: answer.Account ?? '',
          arn: answer.Arn ?? '',
          ...(serverDate && { skewMs: serverDate.getTime() - clock.now().getTime() }),
        }
      } finally {
        attempt.sent = exchange.sent
      }
    },
    { operation: LOOK_OPERATION },
    signal,
    {
      clock,
      random,
      limits: LIMITS,
      credentials,
      onFault: (fault, attempt) => observer.callFailed?.(failedCall(call, fault, attempt)),
      onEnd: (error) => observer.callEnded?.({ ...call, error }),
    },
  )
}
